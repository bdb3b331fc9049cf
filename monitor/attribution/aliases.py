"""Which vendor's name stands behind another one, as any answer's CNAME chain said.

A name in a hello says by itself nothing of the chain behind it. A name that is asked for, or answered, stays
(`generations.py`).
"""

from typing import Final, final

from mypy_extensions import mypyc_attr

from monitor.attribution.generations import Generations

NONE: Final = b""


@mypyc_attr(acyclic=True)
@final
class Aliases:
    """At most `limit` names: whoever answers questions may invent as many as there are labels."""

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
        """An answer for `name` led to `alias`, which a vendor's list knows."""
        self._names.put(name, alias)

    def of(self, name: bytes) -> bytes:
        """The vendor's name behind this one, `b""` without one."""
        alias = self._names.find(name)
        return NONE if alias is None else alias
