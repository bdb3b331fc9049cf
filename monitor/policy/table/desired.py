"""The content of table `inet gatewatch`, as data: sets, counters, chains and elements.

Each rule is one string in nft syntax. Elements are packed: a MAC of 6 bytes, an address of 4 or 16, an interface's name
unpadded; in an interval set, the first and the last address of the interval, concatenated. A key of several fields is
their concatenation, with ports in big endian. `script.py` writes everything but the elements in nft syntax, `diff.py`
computes changes, and `kernel/` applies them.
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
    """A set, or with `verdicts` a map whose elements `goto` a chain.

    Elements of `runtime` sets come and go independently of the policy (`alive`, killed flows, learned addresses): no
    `Desired` lists them. `timeout`, in seconds, is the default timeout of elements, 0: none; `timeouts`: elements may
    have a timeout. `dynamic`: rules change elements too. `counter`: each element counts. `size` 0: unlimited.
    `excludes`: rules let the elements pass, so removing a device from the set bans it.
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
    """The label of a named counter of packets and bytes; `mode` is `enforce` or `shadow`.

    `service` is `""` if the ban is of a whole vendor or of a category.
    """

    vendor: str
    service: str
    group: str
    layer: str
    mode: str


@dataclass(frozen=True)
class Chain:
    """`hook` is the text after `type filter` in nft syntax, empty for chains that are only jumped to."""

    rules: tuple[str, ...] = ()
    hook: str = ""


@dataclass(frozen=True)
class Desired:
    """All mappings are by name. `elements` has the keys of each set that is not `runtime`; in maps with their chains.

    A `Desired` is a value: it is replaced, never modified.
    """

    sets: dict[str, SetSpec] = field(default_factory=dict)
    counters: dict[str, CounterLabel] = field(default_factory=dict)
    chains: dict[str, Chain] = field(default_factory=dict)
    elements: dict[str, dict[bytes, str]] = field(default_factory=dict)
