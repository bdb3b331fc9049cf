"""What table `inet gatewatch` must hold, as data: sets, counters, chains and elements.

Rules are nft's own words, one rule a string. Elements are packed: a MAC of 6 bytes, an address of 4 or 16, an
interface's name unpadded; in an interval set the first and the last address of the interval, one behind the other. Keys
of several fields are these, one behind the other, ports big endian. `script.py` writes the fixed part as nft reads
it, `diff.py` says what to change, and `kernel/` does it.
"""

from dataclasses import dataclass, field
from typing import Final

TABLE: Final = "gatewatch"

MAC_KEY: Final = "ether_addr"
IPV4_KEY: Final = "ipv4_addr"
IPV6_KEY: Final = "ipv6_addr"
INTERFACE_KEY: Final = "ifname"


@dataclass(frozen=True)
class SetSpec:
    """A set, or with `verdicts` a map whose elements say `goto` a chain.

    `runtime` sets get and lose their elements outside the policy (`alive`, killed flows, learned addresses): no
    `Desired` lists them. `timeout` in seconds is what an element without one of its own gets, 0: none; `timeouts`
    says that elements may have one. `dynamic`: rules change elements too. `counter`: each element counts. `size` 0:
    as many as fit. `excludes`: rules let pass what is in it, so that a device is banned by leaving the set.
    """

    key: str
    interval: bool = False
    verdicts: bool = False
    runtime: bool = False
    timeouts: bool = False
    timeout: float = 0.0
    dynamic: bool = False
    counter: bool = False
    size: int = 0
    excludes: bool = field(default=False, compare=False)


@dataclass(frozen=True)
class CounterLabel:
    """What a named counter of the table counts packets and bytes of: `mode` is `enforce` or `shadow`.

    `service` is `""` where the ban is of a whole vendor or of a category.
    """

    vendor: str
    service: str
    group: str
    layer: str
    mode: str


@dataclass(frozen=True)
class Chain:
    """`hook` is what nft writes after `type filter`, empty for chains that others jump to."""

    rules: tuple[str, ...] = ()
    hook: str = ""


@dataclass(frozen=True)
class Desired:
    """All by name. `elements` has, for each set that is not `runtime`, its keys; in maps with the chain they go to.

    A `Desired` is a value: who changes one makes a new one.
    """

    sets: dict[str, SetSpec] = field(default_factory=dict)
    counters: dict[str, CounterLabel] = field(default_factory=dict)
    chains: dict[str, Chain] = field(default_factory=dict)
    elements: dict[str, dict[bytes, str]] = field(default_factory=dict)
