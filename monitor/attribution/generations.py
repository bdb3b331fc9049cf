"""A bounded table that drops what was not used lately, at a constant cost per use.

Keys live in two generations. A key that is put or found moves to the young one. When the young generation holds half
of the limit, it becomes the old one, and all keys of the previous old one are dropped. Unlike an LRU list, this does
not reorder keys at each use.
"""

from typing import Final, Generic, TypeVar, final

Value = TypeVar("Value")

# For owners that count other things than keys, and call `age` themselves.
UNLIMITED: Final = 1 << 60


@final
class Generations(Generic[Value]):
    """At most `limit` values (2 at least) by packed key. `evictions` counts the keys that were dropped for the limit.

    Code that reads the table for each packet reads `young` first, and calls `find` only for a key that is not in it.
    """

    __slots__ = ("evictions", "limit", "old", "young")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.young: dict[bytes, Value] = {}
        self.old: dict[bytes, Value] = {}
        self.evictions = 0

    def __len__(self) -> int:
        return len(self.young) + len(self.old)

    def get(self, key: bytes) -> Value | None:
        """Returns the value of the key. The key stays in its generation."""
        value = self.young.get(key)
        return value if value is not None else self.old.get(key)

    def find(self, key: bytes) -> Value | None:
        """Returns the value of the key, and moves the key to the young generation."""
        value = self.young.get(key)
        if value is None:
            value = self.old.get(key)
            if value is not None:
                self.put(key, value)
        return value

    def put(self, key: bytes, value: Value) -> None:
        """Stores the value in the young generation."""
        if key not in self.young:
            if key in self.old:
                del self.old[key]
            if self.is_full():
                self.turn()
        self.young[key] = value

    def pop(self, key: bytes) -> Value | None:
        """Removes the key. Returns its value, None if it was absent."""
        value = self.young.pop(key, None)
        return value if value is not None else self.old.pop(key, None)

    def values(self) -> list[Value]:
        return [*self.old.values(), *self.young.values()]

    def clear(self) -> None:
        self.young = {}
        self.old = {}

    def is_full(self) -> bool:
        """Whether `turn` must make room for the next key. After a reload, the table may be above its limit."""
        return len(self.young) * 2 >= self.limit or len(self.young) + len(self.old) >= self.limit

    def turn(self) -> None:
        """Makes the young generation the old one, and drops the previous old one. Counts its keys as evictions."""
        self.evictions += len(self.old)
        self.age()

    def age(self) -> None:
        """Makes the young generation the old one, and drops the previous old one. Does not count evictions."""
        self.old = self.young
        self.young = {}
