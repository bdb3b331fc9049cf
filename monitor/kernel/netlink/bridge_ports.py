"""Bridge ports whose frames pass the IPv4 and IPv6 netfilter hooks (br_netfilter).

On such a port the administrator's NAT rewrites a frame before the bridge receives it: the destination port may no
longer be 53, and a frame that NAT redirects to a LAN host never reaches the bridge interface. Queries are therefore
diverted at the ports.
"""

from pathlib import Path
from typing import Final

from monitor.kernel.netlink.interfaces import Machine

GLOBAL: Final = (
    Path("/proc/sys/net/bridge/bridge-nf-call-iptables"),
    Path("/proc/sys/net/bridge/bridge-nf-call-ip6tables"),
)
OWN: Final = ("nf_call_iptables", "nf_call_ip6tables")
BRIDGES: Final = Path("/sys/class/net")
BRIDGE: Final = "bridge"


def is_called(bridge: str) -> bool:
    """Whether frames of this bridge pass the IPv4 or IPv6 netfilter hooks."""
    return any(is_one(path) for path in (*GLOBAL, *[BRIDGES / bridge / BRIDGE / name for name in OWN]))


def is_one(path: Path) -> bool:
    try:
        return path.read_text().strip() == "1"
    except OSError:
        return False


def ports_of(machine: Machine, bridge: str) -> tuple[str, ...]:
    """Returns the names of the bridge's ports if their frames pass the netfilter hooks, else an empty tuple."""
    found = machine.interface(bridge)
    if found is None or found.kind != BRIDGE or not is_called(bridge):
        return ()
    return tuple([port.name for port in machine.interfaces if port.master == found.index])
