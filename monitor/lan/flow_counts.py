"""What counts bytes: conntrack where it can, the packets themselves where it cannot.

Conntrack is never woken: a rule of ours that makes it work would cost every packet of the machine something, and would
drop packets once its table is full, on a machine whose administrator did without it.
"""

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from monitor.core.settings import CONNTRACK, PACKETS
from monitor.kernel.netlink.conntrack import enable_accounting, is_tracking
from monitor.kernel.netlink.interfaces import Machine
from monitor.lan.interfaces import LINK_LOCAL

FAMILIES: Final = ((4, socket.AF_INET, "IPv4"), (16, socket.AF_INET6, "IPv6"))
WAKE: Final = "a firewall rule with `ct state`, before gatewatch starts, makes conntrack count"


@dataclass(frozen=True)
class FlowCounting:
    """`flows` as the core has it, and a line for the log, "" where all is as configured."""

    flows: str
    why: str = ""


def choose_counting(wanted: str, machine: Machine, names: Sequence[str]) -> FlowCounting:
    """Conntrack if it is wanted, this host forwards, and conntrack tracks and counts what the interfaces carry."""
    if wanted == PACKETS:
        return FlowCounting(PACKETS)
    if not machine.forwarding:
        return _fall_back("this host does not forward")
    try:
        said = enable_accounting()
    except OSError as error:
        reason = error.strerror or str(error)
        return _fall_back(f"conntrack cannot count bytes ({reason}); set net.netfilter.nf_conntrack_acct=1 by sysctl.d")
    for length, family, name in FAMILIES:
        if not carries(machine, names, length):
            continue
        try:
            tracked = is_tracking(family)
        except OSError as error:
            return _fall_back(f"conntrack cannot be asked: {error.strerror or error}")
        if not tracked:
            return _fall_back(f"conntrack does not look at {name} here; {WAKE}")
    return FlowCounting(CONNTRACK, said)


def _fall_back(reason: str) -> FlowCounting:
    return FlowCounting(PACKETS, f"counting packets instead of asking conntrack: {reason}")


def carries(machine: Machine, names: Sequence[str], length: int) -> bool:
    """Whether an interface has an address of that many bytes that is not link-local."""
    return any(
        len(address.packed) == length and not LINK_LOCAL.contains(address.packed)
        for interface in machine.interfaces
        if interface.name in names
        for address in interface.addresses
    )
