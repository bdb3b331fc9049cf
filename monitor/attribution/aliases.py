"""Stores the vendor's name at the end of a name's CNAME chain, from any answer.

A name in a ClientHello does not show its CNAME chain. A name that is queried or answered stays in the table
(`generations.py`).
"""

from typing import Final, final

from mypy_extensions import mypyc_attr

from monitor.attribution.generations import Generations

NONE: Final = b""


@mypyc_attr(acyclic=True)
@final
class Aliases:
    """At most `limit` names, because the author of an answer can invent any number of labels."""

    __slots__ = ("_names",)

    def __init__(self, limit: int) -> None:
        self._names: Generations[bytes] = Generations(limit)

    def __len__(self) -> int:
        return len(self._names)

    @property
    def evictions(self) -> int:
        return self._names.evictions

    def resize(self, limit: int) -> None:
        self._names.limit = limit

    def put(self, name: bytes, alias: bytes) -> None:
        """Stores that an answer for `name` led to `alias`, a name in a vendor's list."""
        self._names.put(name, alias)

    def of(self, name: bytes) -> bytes:
        """Returns the vendor's name at the end of the CNAME chain, `b""` if there is none."""
        alias = self._names.find(name)
        return NONE if alias is None else alias
