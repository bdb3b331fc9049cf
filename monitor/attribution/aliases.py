"""Which vendor's name stands behind another one, as any answer's CNAME chain said.

A name in a hello says by itself nothing of the chain behind it. Names live in two generations, as in `answer_cache.py`:
what is still asked for, or answered, has moved on when the old one is dropped.
"""

from typing import Final, final

from mypy_extensions import mypyc_attr

NONE: Final = b""


@mypyc_attr(acyclic=True)
@final
class Aliases:
    """At most `limit` names: whoever answers questions may invent as many as there are labels."""

    __slots__ = ("_limit", "_old", "_young", "evictions")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._young: dict[bytes, bytes] = {}
        self._old: dict[bytes, bytes] = {}
        self.evictions = 0

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def resize(self, limit: int) -> None:
        self._limit = limit

    def put(self, name: bytes, alias: bytes) -> None:
        """An answer for `name` led to `alias`, which a vendor's list knows."""
        if name not in self._young:
            self._old.pop(name, NONE)
            if len(self._young) * 2 >= self._limit or len(self) >= self._limit:
                self._turn()
        self._young[name] = alias

    def of(self, name: bytes) -> bytes:
        """The vendor's name behind this one, `b""` without one."""
        alias = self._young.get(name, NONE)
        if not alias and name in self._old:
            alias = self._old[name]
            self.put(name, alias)
        return alias

    def _turn(self) -> None:
        """The young generation becomes the old one, which is dropped."""
        self.evictions += len(self._old)
        self._old = self._young
        self._young = {}
