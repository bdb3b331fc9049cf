"""Decodes a frame into observations: descends from the link to the transport, and into tunnels.

Each round of the descent goes from the link, or the inside of a tunnel, to one IP packet. The bytes of a packet inside
a tunnel count for the inner flow and the overhead for the tunnel's flow, so that bytes count once, and mirrored traffic
counts for its own hosts; names inside tunnels count as all others. The packet quoted in an ICMP error is not decoded,
because it was sent elsewhere and earlier.
"""

from typing import Final, final

from monitor.errors import ErrorCounts
from monitor.limits import Limits
from monitor.model import (
    PROTOCOL_ICMPV6,
    PROTOCOL_TCP,
    PROTOCOL_UDP,
    TCP_RST,
    TCP_SYN,
    TCP_URG,
    Frame,
    Observation,
    Packet,
)
from monitor.wire.datagrams import Datagrams
from monitor.wire.integers import four, two
from monitor.wire.link.cursor import ARP, IPV4, IPV6, Cursor
from monitor.wire.link.encapsulation import unwrap
from monitor.wire.link.fragments import NO_PORTS, Fragments
from monitor.wire.link.headers import enter_link
from monitor.wire.link.ip import enter_ipv4, enter_ipv6, is_extension, skip_extensions
from monitor.wire.link.neighbours import read_arp, read_discovery
from monitor.wire.link.tunnels import enter_tunnel
from monitor.wire.quic.connections import QuicConnections
from monitor.wire.tcp.handshake import SEQUENCE_MASK
from monitor.wire.tcp.readings import NONE
from monitor.wire.tcp.streams import Streams

DEPTH_MAX: Final = 3

PROTOCOL_DCCP: Final = 33
PROTOCOL_SCTP: Final = 132
PROTOCOL_UDP_LITE: Final = 136

UDP_HEADER: Final = 8
TCP_HEADER: Final = 20

KEY_TCP: Final = b"\x06"
KEY_UDP: Final = b"\x11"


@final
class Decoder:
    """Decodes frames into observations. Keeps the state of fragments, TCP streams and QUIC connections.

    With `count_packets` it also reports `Packet`s, which live capture leaves to conntrack; inside tunnels down to the
    depth `packets_to_depth`.
    """

    __slots__ = (
        "_cursor", "_datagrams", "_errors", "_fragments", "_outer", "_quic", "_streams", "packets_to_depth",
    )  # fmt: skip

    def __init__(self, limits: Limits, errors: ErrorCounts, count_packets: bool) -> None:
        self._errors = errors
        self.packets_to_depth = DEPTH_MAX if count_packets else -1
        self._cursor = Cursor()
        self._outer: Packet | None = None
        self._fragments = Fragments(limits, errors)
        self._streams = Streams(limits, errors)
        self._quic = QuicConnections(limits, errors)
        self._datagrams = Datagrams(self._quic, errors)

    def resize(self, limits: Limits) -> None:
        """Applies the limits of another configuration. Incomplete datagrams and streams are kept if they still fit."""
        self._fragments.resize(limits)
        self._streams.resize(limits)
        self._quic.resize(limits)

    def decode(self, frame: Frame, out: list[Observation]) -> None:
        """Appends the observations of the frame, the packet first. Never raises."""
        try:
            self._descend(frame, out)
        except Exception:
            # A bug in the decoder must not stop the capture; tests require this count to be 0.
            self._errors.add("decoder", "internal")

    def expire(self, now: float) -> None:
        """Drops incomplete datagrams, streams and QUIC handshakes that timed out."""
        self._fragments.expire(now)
        self._streams.expire(now)
        self._quic.expire(now)

    def drain(self, out: list[Observation]) -> None:
        """Appends the fragments that waited for the first fragment of their datagram, after it arrived or timed out."""
        ready = self._fragments.ready
        if ready:
            out.extend(ready)
            ready.clear()

    def table_sizes(self) -> dict[str, int]:
        """Returns the numbers of entries by table."""
        sizes = {"fragments": len(self._fragments), "not_dns": len(self._datagrams)}
        sizes.update(self._streams.table_sizes())
        sizes.update(self._quic.table_sizes())
        return sizes

    @property
    def evictions(self) -> dict[str, int]:
        """Returns the numbers of entries dropped by full tables, by table."""
        evictions = {"fragments": self._fragments.evicted, "not_dns": self._datagrams.evicted}
        evictions.update(self._streams.evictions)
        evictions.update(self._quic.evictions)
        return evictions

    def _descend(self, frame: Frame, out: list[Observation]) -> None:
        cursor = self._cursor
        errors = self._errors
        cursor.place(frame)
        enter_link(cursor, frame.link, errors)
        for depth in range(DEPTH_MAX + 1):
            unwrap(cursor, errors)
            kind = cursor.kind
            if kind == IPV4:
                if not enter_ipv4(cursor, errors):
                    return
            elif kind == IPV6:
                if not enter_ipv6(cursor, errors):
                    return
            else:
                if kind == ARP and depth == 0:
                    read_arp(cursor, frame, out)
                return
            if not self._enter_packet(frame, depth, out):
                return
            # A tunnel's ends are not the hosts inside it: their MACs are unknown unless it carries Ethernet.
            cursor.ethernet = b""

    def _enter_packet(self, frame: Frame, depth: int, out: list[Observation]) -> bool:
        """Reports the IP packet whose header ends at the cursor; returns true if it is a tunnel and was entered."""
        cursor = self._cursor
        if (cursor.fragmented or is_extension(cursor)) and not self._reach_transport(frame, depth, out):
            return False
        protocol = cursor.protocol
        if protocol == PROTOCOL_UDP:
            return self._enter_udp(frame, depth, out)
        if protocol == PROTOCOL_TCP:
            self._enter_tcp(frame, depth, out)
            return False
        self._outer = self._report(frame, depth, self._ports(), out)
        if protocol == PROTOCOL_ICMPV6:
            if depth == 0:
                read_discovery(cursor, frame, out)
            return False
        return enter_tunnel(cursor, protocol, self._errors)

    def _reach_transport(self, frame: Frame, depth: int, out: list[Observation]) -> bool:
        """Skips fragments and extension headers up to the transport; returns false if it is absent, after reporting the
        packet.

        In IPv4 fragmentation precedes the authentication header, in IPv6 the fragment header is one of the extensions.
        """
        cursor = self._cursor
        if not cursor.fragmented and not skip_extensions(cursor, self._errors):
            self._report(frame, depth, NO_PORTS, out)
            return False
        if not cursor.fragmented:
            return True
        ports = self._ports() if cursor.fragment_offset == 0 else self._fragments.ports_of(cursor)
        later = cursor.fragment_offset != 0
        whole = self._fragments.add(cursor, ports, frame.time)
        self.drain(out)
        if whole:
            # A fragment inside a reassembled datagram is not real traffic.
            if skip_extensions(cursor, self._errors) and not cursor.fragmented:
                return True
            ports = NO_PORTS
        waits = later and ports == NO_PORTS and depth == 0 and self.packets_to_depth >= 0
        unreported: list[Observation] = []
        packet = self._report(frame, depth, ports, unreported if waits else out)
        packet.fragment = later or ports == NO_PORTS
        if waits:
            self._fragments.wait(cursor, packet)
            self.drain(out)
        return False

    def _ports(self) -> bytes:
        """Returns the ports at the cursor; zeros if the protocol has no ports or the capture cut them off."""
        cursor = self._cursor
        protocol = cursor.protocol
        if not cursor.has(4):
            return NO_PORTS
        if protocol in (PROTOCOL_TCP, PROTOCOL_UDP, PROTOCOL_SCTP, PROTOCOL_DCCP, PROTOCOL_UDP_LITE):
            return cursor.data[cursor.start : cursor.start + 4]
        return NO_PORTS

    def _report(self, frame: Frame, depth: int, ports: bytes, out: list[Observation]) -> Packet:
        cursor = self._cursor
        protocol = cursor.protocol
        if protocol == PROTOCOL_TCP:
            last = KEY_TCP
        elif protocol == PROTOCOL_UDP:
            last = KEY_UDP
        else:
            last = bytes((protocol,))
        key = b"%b%b%b" % (cursor.addresses, ports, last)
        outer = self._outer if depth > 0 else None
        length = cursor.length if outer is None else outer.length
        packet = Packet(frame.time, frame.number, frame.interface, cursor.ethernet, key, length, depth)
        packet.vlan = cursor.vlan
        if outer is not None:
            packet.share = min(cursor.length, outer.share)
            outer.share -= packet.share
        if depth <= self.packets_to_depth:
            out.append(packet)
        return packet

    def _enter_tcp(self, frame: Frame, depth: int, out: list[Observation]) -> None:
        """RFC 9293 section 3.1."""
        cursor = self._cursor
        data = cursor.data
        at = cursor.start
        packet = self._report(frame, depth, self._ports(), out)
        if cursor.end - at < TCP_HEADER:
            self._errors.add("tcp", "too_short")
            return
        header = (data[at + 12] >> 4) << 2
        flags = data[at + 13]
        packet.flags = flags
        payload = cursor.wire_end - at - header
        if header < TCP_HEADER or payload < 0:
            self._errors.add("tcp", "malformed")
            return
        packet.payload = payload
        if payload > 0 or flags & (TCP_SYN | TCP_RST):
            packet.sequence = four(data, at + 4)
            packet.hops = cursor.hop_limit
            if flags & TCP_SYN:
                packet.acknowledgment = four(data, at + 8)
            start = at + header
            end = cursor.end if cursor.end > start else start
            if start > len(data):
                return
            sequence = packet.sequence
            urgent = NONE
            if flags & TCP_URG and payload > 0:
                # RFC 9293 section 3.8.5 as Linux has it: the pointer is behind the byte; 0 means the first one too.
                urgent = (sequence + max(0, two(data, at + 18) - 1)) & SEQUENCE_MASK
            self._streams.segment(packet, data, start, end, sequence, four(data, at + 8), out, at, urgent)

    def _enter_udp(self, frame: Frame, depth: int, out: list[Observation]) -> bool:
        """RFC 768; a length of 0 means up to the end of the packet (RFC 2675 section 4)."""
        cursor = self._cursor
        data = cursor.data
        at = cursor.start
        packet = self._report(frame, depth, self._ports(), out)
        if cursor.end - at < UDP_HEADER:
            self._errors.add("udp", "too_short")
            return False
        length = two(data, at + 4)
        room = cursor.wire_end - at
        if length == 0 or (length > room and data is frame.data):
            length = room
        elif length < UDP_HEADER or length > room:
            self._errors.add("udp", "malformed")
            return False
        packet.payload = length - UDP_HEADER
        if at + length < cursor.wire_end:
            cursor.wire_end = at + length
            if cursor.end > cursor.wire_end:
                cursor.end = cursor.wire_end
        cursor.start = at + UDP_HEADER
        if not self._datagrams.read(packet, cursor, out):
            return False
        self._outer = packet
        return True
