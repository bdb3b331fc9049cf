"""The self-test's part of the table: an interface, addresses behind it, and a ban that applies to no other device.

The addresses are reserved for tests of network devices (RFC 2544 appendix C.2.2, RFC 5180 section 8). They belong to no
vendor, because special-purpose addresses are never banned, and to no client. In each family, one is a client's address
and two are servers': one that no rule matches, and one that the table bans.
"""

from dataclasses import dataclass
from typing import Final

from monitor.policy.table.desired import Chain

# The end of the self-test's veth pair on the LAN side. Like the LAN's interfaces, it is in `lan` and `alive`.
PROBE: Final = "gw-probe0"
PROBE_CHAIN: Final = "probe"
PROBE_GROUP: Final = "selftest"
PROBE_VENDOR: Final = "selftest"


@dataclass(frozen=True)
class ProbeAddresses:
    """Packed addresses of one family; `bits` is the length of the prefix that contains them all.

    `asker` is the address of a real DNS client, the others exist in crafted frames only.
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
    """Returns the chain of the banned address: rejects packets that arrive by the probe's interface."""
    return Chain((f'iifname @{alive} iifname "{PROBE}" goto {refuse}',))


def probe_elements(addresses: ProbeAddresses) -> dict[bytes, str]:
    """Returns the banned address as an element of its family's map."""
    return {addresses.banned + addresses.banned: PROBE_CHAIN}
