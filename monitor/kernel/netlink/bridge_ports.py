"""Bridges whose frames meet the hooks of IPv4 and IPv6 at the ports already (br_netfilter), and those ports.

There the administrator's NAT changes a frame before the bridge itself takes it in: port 53 is another port by then, and
what NAT sends to a host of the LAN never comes to the bridge. So questions are diverted at the ports.
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
    """Whether frames of this bridge meet the hooks of IPv4 or IPv6."""
    return any(is_one(path) for path in (*GLOBAL, *[BRIDGES / bridge / BRIDGE / name for name in OWN]))


def is_one(path: Path) -> bool:
    try:
        return path.read_text().strip() == "1"
    except OSError:
        return False


def ports_of(machine: Machine, bridge: str) -> tuple[str, ...]:
    """Those of a bridge whose frames meet the hooks, none of other interfaces."""
    found = machine.interface(bridge)
    if found is None or found.kind != BRIDGE or not is_called(bridge):
        return ()
    return tuple([port.name for port in machine.interfaces if port.master == found.index])
