"""Counts the packets that tcpdump captured on an interface, by flow: an independent reference for the lab.

It shares no code with gatewatch's decoder: tcpdump writes the packets, and this module reads the few fields it needs.
"""

import signal
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from monitor.lab.child import Child
from monitor.lab.namespace import Namespace

SNAP_BYTES: Final = 128
BUFFER_KIB: Final = 32_768
SETTLE_SECONDS: Final = 0.3
PCAP_HEADER: Final = 24
RECORD_HEADER: Final = 16
ETHERNET: Final = 14
# An IPv6 header and a TCP header with all usual options but no data. No QUIC packet is that short.
EMPTY_BYTES: Final = 80
HTTPS: Final = 443
PROTOCOLS: Final = {6: "tcp", 17: "udp"}

# Protocol, source address and port, destination address and port.
Conversation = tuple[str, str, int, str, int]


@dataclass
class FlowTally:
    """IP bytes and packets of one direction, and the MAC that sent them.

    `last` is the time of the last packet with a payload, in seconds since the epoch; 0 if there was none.
    """

    packets: int = 0
    bytes: int = 0
    mac: str = ""
    last: float = 0.0


class TcpdumpCapture:
    """Runs tcpdump on `interface`; `stop` returns the tallies."""

    def __init__(self, namespace: Namespace, interface: str, folder: Path) -> None:
        self.path = folder / f"{interface}.pcap"
        log = folder / f"tcpdump-{interface}.log"
        log.unlink(missing_ok=True)
        options = ["-i", interface, "-s", str(SNAP_BYTES), "-B", str(BUFFER_KIB), "-U", "--immediate-mode", "-n"]
        self.child = Child(namespace, ["tcpdump", *options, "-Z", "root", "-w", str(self.path)], log)
        self.child.wait_log("listening on")

    def stop(self) -> dict[Conversation, FlowTally]:
        """Stops tcpdump and returns the tally of each direction of each flow. Fails if tcpdump lost a packet."""
        # The last acknowledgments of recently ended flows may still arrive.
        time.sleep(SETTLE_SECONDS)
        self.child.stop(signal.SIGINT)
        summary = self.child.log.read_text()
        assert "0 packets dropped by kernel" in summary, summary
        return tally(self.path)


def tally(path: Path) -> dict[Conversation, FlowTally]:
    found: dict[Conversation, FlowTally] = {}
    for seconds, frame in frames(path):
        counted = measure(frame)
        if counted is not None:
            conversation, length = counted
            entry = found.setdefault(conversation, FlowTally(mac=frame[6:12].hex(":")))
            entry.packets += 1
            entry.bytes += length
            if length > EMPTY_BYTES:
                entry.last = seconds
    return found


def frames(path: Path) -> Iterator[tuple[float, bytes]]:
    """Yields the packets of a little-endian pcap file with their times."""
    data = path.read_bytes()
    at = PCAP_HEADER
    while at + RECORD_HEADER <= len(data):
        seconds, microseconds, kept = struct.unpack_from("<III", data, at)
        yield seconds + microseconds / 1e6, data[at + RECORD_HEADER : at + RECORD_HEADER + kept]
        at += RECORD_HEADER + kept


def measure(frame: bytes) -> tuple[Conversation, int] | None:
    """Returns the conversation and IP length of a TCP or UDP packet without IPv6 extension headers; None for others."""
    kind = int.from_bytes(frame[12:14], "big")
    packet = frame[ETHERNET:]
    if kind == 0x0800:
        protocol, head, length = packet[9], (packet[0] & 15) * 4, int.from_bytes(packet[2:4], "big")
        source, destination = packet[12:16], packet[16:20]
    elif kind == 0x86DD:
        protocol, head, length = packet[6], 40, 40 + int.from_bytes(packet[4:6], "big")
        source, destination = packet[8:24], packet[24:40]
    else:
        return None
    if protocol not in PROTOCOLS:
        return None
    ports = struct.unpack_from(">HH", packet, head)
    ends = (str(ip_address(source)), ports[0], str(ip_address(destination)), ports[1])
    return (PROTOCOLS[protocol], *ends), length


def answered(seen: dict[Conversation, FlowTally], port: int = 0) -> list[Conversation]:
    """Returns the directions in which HTTPS servers sent data, to a client's `port` or any."""
    return [key for key, tally in seen.items() if key[2] == HTTPS and port in (0, key[4]) and tally.last]


def both_ways(
    seen: dict[Conversation, FlowTally], protocol: str, port: int
) -> tuple[Conversation, FlowTally, FlowTally]:
    """Returns the flow that a client opened from `port`: the conversation, then the tallies up and down."""
    ups = [key for key in seen if key[0] == protocol and key[2] == port and key[4] < 1024]
    assert len(ups) == 1, f"{len(ups)} flows from {protocol} port {port}"
    up = ups[0]
    down = (up[0], up[3], up[4], up[1], up[2])
    return up, seen[up], seen.get(down, FlowTally())
