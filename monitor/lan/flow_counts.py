"""Chooses the source of byte counts: conntrack if possible, the captured packets otherwise.

Gatewatch never activates conntrack's tracking itself. A rule that does so would slow down every packet of the machine
and drop packets once conntrack's table is full, on a machine whose administrator does not use conntrack.
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
    """`flows` is the core's setting; `why` is a line for the log, "" if the configured source is used."""

    flows: str
    why: str = ""


def choose_counting(wanted: str, machine: Machine, names: Sequence[str]) -> FlowCounting:
    """Returns conntrack if it is configured, this host forwards, and conntrack tracks and counts the address families
    of the interfaces; packets otherwise.
    """
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
    """Whether an interface has an address of `length` bytes that is not link-local."""
    return any(
        len(address.packed) == length and not LINK_LOCAL.contains(address.packed)
        for interface in machine.interfaces
        if interface.name in names
        for address in interface.addresses
    )
