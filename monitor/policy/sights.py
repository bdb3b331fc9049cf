"""State of one address: the trusted answers that gave it to a name, and the decision for each owner."""

from collections.abc import Sequence
from typing import final


@final
class Sight:
    """An address in the trusted answer for `name`, valid `until` then; `names` are the name and its CNAME chain."""

    __slots__ = ("name", "names", "until")

    def __init__(self, name: bytes, names: Sequence[bytes], until: float) -> None:
        self.name = name
        self.names = tuple(names)
        self.until = until


@final
class SightState:
    """The decision about an address for an owner, because of `name`; `guard` is the name that has a claim on it."""

    __slots__ = ("guard", "name", "outcome", "until")

    def __init__(self, outcome: str, name: bytes, until: float, guard: bytes) -> None:
        self.outcome = outcome
        self.name = name
        self.until = until
        self.guard = guard
