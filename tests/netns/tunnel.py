"""A link without MAC addresses between two namespaces, as WireGuard, OpenVPN or PPP make one: two tun devices, and a
thread that carries packets from each to the other.
"""

import fcntl
import itertools
import os
import select
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from monitor.lab.client import Client
from monitor.lab.lab import Lab
from monitor.lab.leftovers import LabLock
from monitor.lab.namespace import Namespace
from monitor.lab.network import Wires
from monitor.lab.plan import WAN_GATEWAY_V4, WAN_GATEWAY_V6

SET_INTERFACE = 0x400454CA  # TUNSETIFF
TUN_WITHOUT_INFO = 0x1001  # IFF_TUN | IFF_NO_PI
NEAR, FAR = "wg0", "tun0"
PREFIXES = ("10.66.0.0/24", "fd66::/64")
NEAR_ADDRESSES = ("10.66.0.1", "fd66::1")
FAR_ADDRESSES = ("10.66.0.2", "fd66::2")
PACKET_BYTES = 65_535
FIRST_PORT = 26_000


def open_tun(name: str) -> int:
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(descriptor, SET_INTERFACE, struct.pack("16sH14x", name.encode(), TUN_WITHOUT_INFO))
    return descriptor


def carry(one: int, other: int, ended: int) -> None:
    """Until something can be read from `ended`."""
    while True:
        ready = select.select([one, other, ended], [], [])[0]
        if ended in ready:
            return
        for source, target in ((one, other), (other, one)):
            if source in ready:
                os.write(target, os.read(source, PACKET_BYTES))


def commands(place: Namespace, lines: Sequence[str]) -> None:
    for line in lines:
        place.run(["ip", *line.split()]).check_returncode()


@contextmanager
def remote_client(lab: Lab, resolvers: Sequence[str] = NEAR_ADDRESSES) -> Iterator[Client]:
    """A client behind `wg0` of the lab's gateway."""
    claim = LabLock()
    place = claim.namespace("remote")
    try:
        place.create()
        place.resolve_by(resolvers)
        near, far = lab.gateway.inside(lambda: open_tun(NEAR)), place.inside(lambda: open_tun(FAR))
        ended, end = os.pipe()
        thread = threading.Thread(target=carry, args=(near, far, ended))
        try:
            connect(lab, place)
            thread.start()
            wires = Wires(lab.gateway, lab.internet, {"remote": place}, {"remote": list(FAR_ADDRESSES)}, {"remote": ""})
            wires.gateway_macs["remote"] = ""
            yield Client("remote", wires, lab.folder, itertools.count(FIRST_PORT), [])
        finally:
            os.write(end, b"!")
            if thread.ident is not None:
                thread.join()
            for descriptor in (near, far, ended, end):
                os.close(descriptor)
    finally:
        claim.release()


def connect(lab: Lab, place: Namespace) -> None:
    ends = ((lab.gateway, NEAR, NEAR_ADDRESSES), (place, FAR, FAR_ADDRESSES))
    for end, link, addresses in ends:
        commands(end, [f"link set {link} up", f"addr add {addresses[0]}/24 dev {link}"])
        commands(end, [f"addr add {addresses[1]}/64 dev {link} nodad"])
    commands(place, [f"route add default dev {FAR}", f"-6 route add default dev {FAR}"])
    for prefix, gateway in zip(PREFIXES, (WAN_GATEWAY_V4, WAN_GATEWAY_V6), strict=True):
        commands(lab.internet, [f"route add {prefix} via {gateway}"])
