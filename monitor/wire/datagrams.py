"""Determines the protocol of a UDP payload: by its port if the port belongs to a protocol, else by its bytes."""

from typing import Final, final

from monitor.errors import ErrorCounts
from monitor.model import DNS, LLMNR, MDNS, Observation, Packet, Tunnel, reverse_key
from monitor.wire.dhcp.v4 import read_dhcp
from monitor.wire.dhcp.v6 import read_dhcp6
from monitor.wire.dns.heuristic import UNREAD, looks_like_dns, may_be_dns
from monitor.wire.dns.message import HEADER, parse_message
from monitor.wire.link.cursor import Cursor
from monitor.wire.link.udp_tunnels import HIGHEST, LOWEST, PORTS, enter_udp_tunnel
from monitor.wire.quic.connections import QuicConnections
from monitor.wire.vpn import is_vpn_handshake, is_vpn_on_dns_port

PORT_DNS: Final = 53
PORT_DHCP_SERVER: Final = 67
PORT_DHCP_CLIENT: Final = 68
PORT_NETBIOS: Final = 137
PORT_DHCPV6_CLIENT: Final = 546
PORT_DHCPV6_SERVER: Final = 547
PORT_MDNS: Final = 5353
PORT_LLMNR: Final = 5355

LONG_HEADER: Final = 0x80
# Conversations on a DNS port that are not DNS; each has two directions.
OTHERS_MAX: Final = 8192


@final
class Datagrams:
    """Dispatches UDP payloads.

    `_others` are the flow keys, in both directions, of VPN and QUIC connections on a DNS port.
    """

    __slots__ = ("_errors", "_others", "_quic", "evicted")

    def __init__(self, quic: QuicConnections, errors: ErrorCounts) -> None:
        self._quic = quic
        self._errors = errors
        self._others: dict[bytes, None] = {}
        self.evicted = 0

    def __len__(self) -> int:
        return len(self._others)

    def read(self, packet: Packet, cursor: Cursor, out: list[Observation]) -> bool:
        """Appends the observations of the payload at the cursor. Returns true for a tunnel; the cursor is then inside
        it.
        """
        data = cursor.data
        start = cursor.start
        end = cursor.end
        if end <= start:
            return False
        source = data[start - 8] << 8 | data[start - 7]
        destination = data[start - 6] << 8 | data[start - 5]
        if source == PORT_DNS or destination == PORT_DNS:
            # Nearly all messages: fewer than 256 questions, and an id that is not the first byte of a VPN's handshake.
            plain = end - start > 4 and data[start + 4] == 0 and data[start] > 2 and len(self._others) == 0
            if plain or not self._is_other(packet, data, start, end, source, destination, out):
                self._read_message(packet, data, start, end, DNS, out)
            return False
        if self._read_by_port(packet, cursor, source, destination, out):
            return False
        if _may_be_tunnel(source, destination) and enter_udp_tunnel(cursor, source, destination, self._errors):
            return True
        self._read_by_bytes(packet, data, start, end, source, destination, out)
        return False

    def _read_dns(
        self, packet: Packet, data: bytes, start: int, end: int, service: int, out: list[Observation]
    ) -> None:
        message = parse_message(packet, data, start, end, service, False, self._errors)
        if message is not None:
            out.append(message)

    def _read_message(
        self, packet: Packet, data: bytes, start: int, end: int, service: int, out: list[Observation]
    ) -> None:
        """Reads a payload on a DNS port: one that cannot be a message belongs to a VPN or an unknown protocol."""
        if end - start < HEADER or may_be_dns(data, start, end, packet.payload, service != DNS):
            self._read_dns(packet, data, start, end, service, out)
            return
        self._errors.add("dns", "malformed")
        if is_vpn_on_dns_port(data, start, end):
            self._remember_other(packet.key)
            out.append(Tunnel(packet, "vpn"))
        else:
            out.append(Tunnel(packet, UNREAD))

    def _read_by_port(
        self, packet: Packet, cursor: Cursor, source: int, destination: int, out: list[Observation]
    ) -> bool:
        data = cursor.data
        if destination == PORT_MDNS or source == PORT_MDNS:
            if not self._is_other(packet, data, cursor.start, cursor.end, source, destination, out):
                self._read_message(packet, data, cursor.start, cursor.end, MDNS, out)
        elif destination == PORT_LLMNR or source == PORT_LLMNR:
            self._read_message(packet, data, cursor.start, cursor.end, LLMNR, out)
        elif destination in (PORT_DHCP_SERVER, PORT_DHCP_CLIENT) and source in (PORT_DHCP_SERVER, PORT_DHCP_CLIENT):
            read_dhcp(packet, cursor, out, self._errors)
        elif destination in (PORT_DHCPV6_SERVER, PORT_DHCPV6_CLIENT):
            read_dhcp6(packet, cursor, out)
        else:
            return False
        return True

    def _is_other(
        self, packet: Packet, data: bytes, start: int, end: int, source: int, destination: int, out: list[Observation]
    ) -> bool:
        """Whether a payload on a DNS port belongs to a VPN or QUIC: by its own bytes, or by an earlier payload.

        A payload that is certainly a DNS message is read as DNS in any case, because a client could send the earlier
        payload only to hide its queries.
        """
        if len(self._others) > 0 and packet.key in self._others:
            if looks_like_dns(data, start, end):
                return False
            if data[start] & LONG_HEADER:
                self._quic.datagram(packet, data, start, end, out)
            return True
        # Messages have fewer than 256 questions, and the first bytes of a handshake are not an id and flags.
        if end - start > 4 and data[start + 4] == 0 and data[start] > 2:
            return False
        if data[start] & LONG_HEADER and self._quic.datagram(packet, data, start, end, out):
            self._remember_other(packet.key)
            return True
        if is_vpn_handshake(data, start, end, source, destination) and not looks_like_dns(data, start, end):
            self._remember_other(packet.key)
            out.append(Tunnel(packet, "vpn"))
            return True
        return False

    def _remember_other(self, key: bytes) -> None:
        if key in self._others:
            return
        while len(self._others) >= OTHERS_MAX:
            self.evicted += 1
            del self._others[next(iter(self._others))]
        self._others[key] = None
        self._others[reverse_key(key)] = None

    def _read_by_bytes(
        self, packet: Packet, data: bytes, start: int, end: int, source: int, destination: int, out: list[Observation]
    ) -> None:
        if data[start] & LONG_HEADER and self._quic.datagram(packet, data, start, end, out):
            return
        if is_vpn_handshake(data, start, end, source, destination):
            out.append(Tunnel(packet, "vpn"))
        elif source != PORT_NETBIOS and destination != PORT_NETBIOS and looks_like_dns(data, start, end):
            self._read_dns(packet, data, start, end, DNS, out)


def _may_be_tunnel(source: int, destination: int) -> bool:
    """Whether one of the ports may be that of a tunnel. Fast for most packets, whose ports exceed all tunnel ports."""
    if LOWEST <= destination <= HIGHEST and destination in PORTS:
        return True
    return LOWEST <= source <= HIGHEST and source in PORTS
