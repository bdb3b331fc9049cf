"""What is known of one address: the trusted answers that gave it to a name, and what was decided because of them."""

from collections.abc import Sequence
from typing import final


@final
class Sight:
    """An address in the trusted answer for `name`, to be believed `until`; `names` are it and its CNAME chain."""

    __slots__ = ("name", "names", "until")

    def __init__(self, name: bytes, names: Sequence[bytes], until: float) -> None:
        self.name = name
        self.names = tuple(names)
        self.until = until


@final
class SightState:
    """What became of an address for an owner because of `name`; `guard` is the name that has a claim on it."""

    __slots__ = ("guard", "name", "outcome", "until")

    def __init__(self, outcome: str, name: bytes, until: float, guard: bytes) -> None:
        self.outcome = outcome
        self.name = name
        self.until = until
        self.guard = guard
