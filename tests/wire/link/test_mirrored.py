"""Conversations in tunnels, as mirrors and overlays send them: what is inside counts as without a tunnel.

The conversations are the crafted captures. The tunnels are made octet by octet from their RFCs, and by the kernel.
"""

import os
import socket
import struct
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from replayed import VECTORS, Replayed, owner
from scapy.contrib.erspan import ERSPAN_II
from scapy.contrib.geneve import GENEVE
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import GRE, Dot1Q, Ether
from scapy.layers.vxlan import VXLAN
from scapy.packet import Raw

from monitor.capture.file import read_frames
from monitor.lab.namespace import Namespace

# Captures whose frames are plain Ethernet; of those with a tunnel or tags the outside would be another one.
INSIDE = sorted(
    path.stem for path in VECTORS.glob("*.pcap") if path.stem not in ("13-vxlan-mirror", "20-same-tuple-on-two-vlans")
)
MACS = Ether(src="02:00:00:00:00:e1", dst="02:00:00:00:00:e2")
OVER4 = MACS / IP(src="10.9.9.1", dst="10.9.9.2")
OVER6 = MACS / IPv6(src="fd09::1", dst="fd09::2")

Wrap = Callable[[bytes, int], bytes]


def over(outer: Ether, *layers: object) -> Wrap:
    """Layers between the outer IP header and the frame inside; ports and sequence numbers do not matter."""
    head = outer
    for layer in layers:
        head = head / layer
    return lambda data, _: bytes(head / Raw(data))


TUNNELS: dict[str, Wrap] = {
    "VXLAN": over(OVER4, UDP(sport=50_000, dport=4789), VXLAN(vni=7)),
    "VXLAN over IPv6": over(OVER6, UDP(sport=50_000, dport=4789), VXLAN(vni=7)),
    "VXLAN from a low port": over(OVER4, UDP(sport=600, dport=4789), VXLAN(vni=7)),
    "VXLAN on a VLAN": over(MACS / Dot1Q(vlan=9) / IP(src="10.9.9.1", dst="10.9.9.2"), UDP(dport=4789), VXLAN(vni=7)),
    "GRE": over(OVER4, GRE(proto=0x6558)),
    "GRE with a key": over(OVER4, GRE(proto=0x6558, key_present=1, key=5)),
    "GRE over IPv6": over(OVER6, GRE(proto=0x6558)),
    "ERSPAN I": over(OVER4, GRE(proto=0x88BE)),
    "ERSPAN II": over(OVER4, GRE(proto=0x88BE, seqnum_present=1), ERSPAN_II(session_id=3)),
    "ERSPAN III": over(OVER4, GRE(proto=0x22EB, seqnum_present=1), Raw(b"\x20\1\0\3" + bytes(8))),
    "ERSPAN III, longer": over(OVER4, GRE(proto=0x22EB, seqnum_present=1), Raw(bytes(11) + b"\1" + bytes(8))),
    "Geneve": over(OVER4, UDP(sport=50_000, dport=6081), GENEVE(vni=7, proto=0x6558)),
    "GRE in VXLAN": lambda data, _: bytes(
        OVER4 / UDP(dport=4789) / VXLAN(vni=7) / OVER4 / GRE(proto=0x6558) / Raw(data)
    ),
}


def conversation(name: str) -> list[tuple[float, bytes]]:
    return [(one.time, one.data) for batch in read_frames(VECTORS / f"{name}.pcap") for one in batch]


def replay(frames: list[tuple[float, bytes]], folder: Path) -> Replayed:
    """Ethernet frames; classic pcap with microseconds."""
    path = folder / "one.pcap"
    head = struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 1 << 18, 1)
    rows = (struct.pack("<IIII", int(at), round(at % 1 * 1e6), len(data), len(data)) + data for at, data in frames)
    path.write_bytes(head + b"".join(rows))
    return Replayed(path, folder)


def told(seen: Replayed) -> list[str]:
    """Names, questions and hosts, in their order."""
    about = []
    for event in seen.events:
        kind = event["event_type"]
        if kind in ("tls", "quic"):
            about.append(f"{kind} {event[kind]['sni']}")
        elif kind == "dns":
            about.append(f"{event['dns']['type']} {event['dns']}")
    return about


def inner_flows(seen: Replayed, outer: bool) -> Counter[tuple[object, ...]]:
    """The flows that are no tunnel's, with vendors and IP bytes."""
    return Counter(
        (
            event["src_ip"],
            event.get("src_port"),
            event["dest_ip"],
            event.get("dest_port"),
            owner(event),
            str(event["flow"]),
        )
        for event in seen.of("flow")
        if not (outer and {event["src_ip"], event["dest_ip"]} & {"10.9.9.1", "10.9.9.2", "fd09::1", "fd09::2"})
    )


@given(st.sampled_from(INSIDE), st.sampled_from(sorted(TUNNELS)))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_inside_counts_as_without_the_tunnel(tmp_path: Path, name: str, tunnel: str) -> None:
    frames = conversation(name)
    plain = replay(frames, tmp_path)
    wrapped = [(at, TUNNELS[tunnel](data, number)) for number, (at, data) in enumerate(frames)]
    check(plain, replay(wrapped, tmp_path), wrapped)


def check(plain: Replayed, seen: Replayed, wrapped: list[tuple[float, bytes]]) -> None:
    assert told(seen) == told(plain)
    assert inner_flows(seen, True) == inner_flows(plain, False)
    sizes = sum(ip_bytes(data) for _, data in wrapped)
    assert sum(row.bytes_up + row.bytes_down for row in seen.rows) == sizes


def ip_bytes(data: bytes) -> int:
    at = 14 if data[12:14] != b"\x81\0" else 18
    return (
        struct.unpack_from("!H", data, at + 2)[0]
        if data[at] >> 4 == 4
        else 40 + struct.unpack_from("!H", data, at + 4)[0]
    )


@pytest.fixture(scope="module")
def overlay() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Sockets on a VXLAN device of the kernel, and on the far end of the link below it."""
    place = Namespace(f"gwt-overlay-{os.getpid()}")
    place.create()
    try:
        lines = [
            "link add near mtu 65535 type veth peer name far mtu 65535",
            "addr add 10.9.9.1/24 dev near",
            "link set near up",
            "link set far up",
            "neigh add 10.9.9.2 lladdr 02:00:00:00:00:e2 dev near nud permanent",
            "link add vxlan7 mtu 65000 type vxlan id 7 local 10.9.9.1 remote 10.9.9.2 dstport 4789 dev near",
            "link set vxlan7 up",
        ]
        place.sysctl({"ipv6/conf/all/disable_ipv6": 1})
        for line in lines:
            subprocess.run(["ip", "-n", place.name, *line.split()], check=True)
        inner, below = place.inside(lambda: (on("vxlan7"), on("far")))
        with inner, below:
            yield inner, below
    finally:
        place.remove()


def on(device: str) -> socket.socket:
    made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
    made.bind((device, 0x0800))
    made.settimeout(30)
    return made


@pytest.mark.netns
@pytest.mark.root
@given(st.sampled_from(INSIDE))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_the_kernel_encapsulates_counts_as_without_the_tunnel(
    tmp_path: Path, overlay: tuple[socket.socket, socket.socket], name: str
) -> None:
    inner, below = overlay
    frames = conversation(name)
    wrapped = []
    for at, data in frames:
        inner.send(data)
        wrapped.append((at, below.recv(1 << 17)))
    check(replay(frames, tmp_path), replay(wrapped, tmp_path), wrapped)
