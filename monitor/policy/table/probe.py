"""The self-test's own place in the table: an interface, addresses behind it, and a ban that means nobody else.

The addresses are those that tests of network devices use (RFC 2544 appendix C.2.2, RFC 5180 section 8): no vendor's,
because no special address is ever banned, and no client's. Of each family one is a client's and the others servers':
one that no rule is about, one that the table bans.
"""

from dataclasses import dataclass
from typing import Final

from monitor.policy.table.desired import Chain

# The end of the self-test's veth pair that is beside the LAN's interfaces, and like them in `lan` and `alive`.
PROBE: Final = "gw-probe0"
PROBE_CHAIN: Final = "probe"
PROBE_GROUP: Final = "selftest"
PROBE_VENDOR: Final = "selftest"


@dataclass(frozen=True)
class ProbeAddresses:
    """Packed addresses of one family; `bits` is the length of the prefix that holds them all.

    `asker` has a resolver's client behind it, the others exist in crafted frames only.
    """

    prefix: bytes
    bits: int
    asker: bytes
    client: bytes
    server: bytes
    banned: bytes


_V4: Final = bytes((198, 19, 103, 0))
_V6: Final = bytes.fromhex("20010002000067770000000000000000")

PROBE_V4: Final = ProbeAddresses(_V4, 28, _V4[:3] + b"\x02", _V4[:3] + b"\x09", _V4[:3] + b"\x0c", _V4[:3] + b"\x0d")
PROBE_V6: Final = ProbeAddresses(
    _V6, 64, _V6[:15] + b"\x02", _V6[:15] + b"\x09", _V6[:15] + b"\x0c", _V6[:15] + b"\x0d"
)


def probe_chain(alive: str, refuse: str) -> Chain:
    """What the banned address leads to: whoever comes by the probe's interface is refused as by a ban."""
    return Chain((f'iifname @{alive} iifname "{PROBE}" goto {refuse}',))


def probe_elements(addresses: ProbeAddresses) -> dict[bytes, str]:
    """The banned address in the map of its family."""
    return {addresses.banned + addresses.banned: PROBE_CHAIN}
