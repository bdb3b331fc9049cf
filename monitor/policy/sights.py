"""The state of one address: the trusted answers that have the address, and the decision for each owner."""

from collections.abc import Sequence
from typing import final


@final
class Sight:
    """A trusted answer for `name` that has the address, valid until `until`. `names`: the name and its CNAME chain."""

    __slots__ = ("name", "names", "until")

    def __init__(self, name: bytes, names: Sequence[bytes], until: float) -> None:
        self.name = name
        self.names = tuple(names)
        self.until = until


@final
class SightState:
    """The decision about an address for one owner. `name` is the banned name that has the address; `guard` is a name
    outside the ban that has it too and keeps it open.
    """

    __slots__ = ("guard", "name", "outcome", "until")

    def __init__(self, outcome: str, name: bytes, until: float, guard: bytes) -> None:
        self.outcome = outcome
        self.name = name
        self.until = until
        self.guard = guard
