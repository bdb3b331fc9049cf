"""Recognizes interfaces that lead to the internet or belong to containers, even if the routes do not show it.

A standby WAN has a private address and no default route. Interfaces that have ever had a default route are therefore
stored in the state directory, and an interface whose IPv4 addresses all have a lifetime is treated as a WAN: its
address is a DHCP lease, which a LAN side does not have.
"""

import json
import os
from collections.abc import Collection
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from monitor.config.sections import Config
from monitor.kernel.netlink.interfaces import Interface, Machine
from monitor.log import log

FILE: Final = "ways_out.json"
REMEMBERED_MAX: Final = 64
FILE_BYTES_MAX: Final = 65_536

# Bridges and ports that Docker, Podman, Kubernetes, LXC, LXD, Incus and libvirt create for their guests.
CONTAINERS: Final = (
    "docker*", "br-[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]",
    "podman*", "cni*", "flannel*", "cali*", "lxcbr*", "lxdbr*", "incusbr*", "virbr*", "veth*", "vnet*",
)  # fmt: skip

CONTAINER: Final = "made for containers or virtual machines"
EXCLUDED: Final = "in [capture].exclude"
LED_OUT: Final = "a default route has led out through it"
LEASED: Final = "its address is a lease of a DHCP server"


def reason_to_leave_out(interface: Interface, excluded: Collection[str], ways_out: Collection[str]) -> str:
    """Returns why an interface with a private prefix is not on the LAN side; `""` if it is."""
    if interface.name in excluded:
        return EXCLUDED
    if any(fnmatchcase(interface.name, pattern) for pattern in CONTAINERS):
        return CONTAINER
    if interface.name in ways_out:
        return LED_OUT
    leases = [address.leased for address in interface.addresses if len(address.packed) == 4]
    return LEASED if leases and all(leases) else ""


def remembered_ways_out(config: Config) -> frozenset[str]:
    """Returns the stored interfaces that have had a default route; none if the file is missing or damaged."""
    try:
        with open(Path(config.state.path) / FILE, "rb") as file:
            names = json.loads(file.read(FILE_BYTES_MAX))
    except (OSError, ValueError):
        return frozenset()
    if not isinstance(names, list):
        return frozenset()
    return frozenset([name for name in names[:REMEMBERED_MAX] if isinstance(name, str)])


def remember_ways_out(config: Config, machine: Machine, names: Collection[str]) -> None:
    """Stores the interfaces, existing ones first: while they have no default route, they look like the LAN side."""
    there = {interface.name for interface in machine.interfaces}
    kept = sorted(names, key=lambda name: (name not in there, name))[:REMEMBERED_MAX]
    path = Path(config.state.path) / FILE
    if frozenset(kept) == remembered_ways_out(config):
        return
    beside = path.with_suffix(".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(json.dumps(kept) + "\n")
        os.replace(beside, path)
    except OSError as error:
        log.warning("which interfaces lead out is not remembered: %s", error)
