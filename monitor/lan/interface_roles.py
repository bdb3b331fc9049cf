"""Which interfaces lead out, or belong to containers, beside what routes tell at this moment.

A second WAN has a private address and, while it waits, no default route: what has ever had one is remembered in the
state directory, and an IPv4 address with a lifetime is a lease of somebody's DHCP server, as a LAN side has none.
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

# Bridges and ports that Docker, Podman, Kubernetes, LXC, LXD, Incus and libvirt make for their guests.
CONTAINERS: Final = (
    "docker*", "br-[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]",
    "podman*", "cni*", "flannel*", "cali*", "lxcbr*", "lxdbr*", "incusbr*", "virbr*", "veth*", "vnet*",
)  # fmt: skip

CONTAINER: Final = "made for containers or virtual machines"
EXCLUDED: Final = "in [capture].exclude"
LED_OUT: Final = "a default route has led out through it"
LEASED: Final = "its address is a lease of a DHCP server"


def reason_to_leave_out(interface: Interface, excluded: Collection[str], ways_out: Collection[str]) -> str:
    """Why the interface is no LAN side although it has a private prefix; `""` where it is one."""
    if interface.name in excluded:
        return EXCLUDED
    if any(fnmatchcase(interface.name, pattern) for pattern in CONTAINERS):
        return CONTAINER
    if interface.name in ways_out:
        return LED_OUT
    leases = [address.leased for address in interface.addresses if len(address.packed) == 4]
    return LEASED if leases and all(leases) else ""


def remembered_ways_out(config: Config) -> frozenset[str]:
    """The interfaces that have led out while gatewatch ran; none where the file is missing or damaged."""
    try:
        with open(Path(config.state.path) / FILE, "rb") as file:
            names = json.loads(file.read(FILE_BYTES_MAX))
    except (OSError, ValueError):
        return frozenset()
    if not isinstance(names, list):
        return frozenset()
    return frozenset([name for name in names[:REMEMBERED_MAX] if isinstance(name, str)])


def remember_ways_out(config: Config, machine: Machine, names: Collection[str]) -> None:
    """Writes them down, first those that are there, so that they are taken for no LAN side while they lead nowhere."""
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
