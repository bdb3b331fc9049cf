"""The filter programs: what the kernel hands over, and how much of each frame.

One program sorts frames into classes; a socket is a table of how many bytes of each class it takes (0: none), so
that a flood of one class fills only its own socket:

    names      ARP, ND, DHCP, DNS, mDNS, LLMNR (UDP and TCP)
    starts     TCP segments that begin a TLS handshake or an HTTP request, SYNs of both ends,
               QUIC long headers, VPN handshakes
    middles    other TCP segments with payload towards a server: a ClientHello's second segment looks like any other
    wrapped    tunnels, fragments, IPv6 extension headers: looked into by the decoder
    rest       every other IP packet

Classic BPF keeps no state, so it cannot tell a hello's second segment from an upload. `middles` are therefore cut
short, thinned out by `wire/tcp/segment_filter.py`, and the heaviest of them (`elephants`) are written into the
program itself.
Frames that are not IP, ARP or a tunnel are never taken.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from monitor.capture.assembler import PROTOCOL, Label, Program, Step, assemble
from monitor.capture.refused import VLAN_TYPES, sent_by_others, without_tag
from monitor.wire.tcp.segment_filter import STARTS as HTTP_STARTS

ETHERNET: Final = 1  # LINKTYPE_ETHERNET
RAW_IP: Final = 101  # LINKTYPE_RAW

WHOLE: Final = 0x40000
ELEPHANTS_MAX: Final = 64

WRAPPED_TYPES: Final = (0x8847, 0x8848, 0x8864)  # MPLS, PPPoE session
WRAPPED_PROTOCOLS: Final = (4, 41, 47)  # IPv4 and IPv6 in IP, GRE
TEREDO: Final = 3544
WRAPPED_PORTS: Final = (4789, 8472, 6081, 2152, TEREDO)  # VXLAN, Linux's VXLAN, Geneve, GTP-U, Teredo
EXTENSION_HEADERS: Final = (0, 43, 44, 51, 60, 135)
NAME_PORTS: Final = (53, 5353, 5355, 67, 68, 546, 547)
NAME_PORTS_TCP: Final = (53, 5353, 5355)
QUIC_VERSIONS: Final = (0x00000001, 0x6B3343CF)

# Scratch memory.
PROTOCOL_AT: Final = 0
END: Final = 1  # where the IP packet ends; what follows is Ethernet's padding
TRANSPORT: Final = 2
ADDRESSES: Final = 3
PORT: Final = 4
PAYLOAD: Final = 5
SCRATCH: Final = 6


@dataclass(frozen=True)
class Take:
    """How many bytes of each class a socket takes."""

    names: int = 0
    starts: int = 0
    middles: int = 0
    wrapped: int = 0
    rest: int = 0


NAMES: Final = Take(names=WHOLE)
# Where the kernel merged segments, one frame has up to 64 KiB: early data, or a request with long fields.
STARTS: Final = Take(starts=WHOLE)
MIDDLES: Final = Take(middles=4_096)
WRAPPED: Final = Take(wrapped=9_216)


def everything_else(snap: int) -> Take:
    """Every IP packet that `NAMES` and `STARTS` leave, the uninteresting ones cut to `snap` bytes: for counting."""
    return Take(middles=max(snap, 4_096), wrapped=9_216, rest=snap)


def filter_program(take: Take, link: int, elephants: Sequence[int] = (), untagged: bool = False) -> bytes:
    """The assembled program of a socket. It drops middles of `elephants`, flow marks of `wire/tcp/segment_filter.py`.

    With `untagged` it takes no frame of a VLAN: those have interfaces of their own.
    """
    verdicts = _verdicts(take)  # repeated, because a jump reaches no further than 255 instructions
    program = [
        *[Step("st", at) for at in range(SCRATCH)],  # the kernel wants to see every word written before it is read
        *sent_by_others(),
        *(without_tag() if untagged else ()),
        *_link_layer(link),
        *verdicts,
        *_ipv4(),
        *_ipv6(),
        *_transport(),
        *verdicts,
        *_udp(),
        *verdicts,
        *_tcp(),
        *_middles(elephants[:ELEPHANTS_MAX]),
        *verdicts,
    ]
    return assemble(program)


def _any(values: Sequence[int], then: str) -> Program:
    """Jumps to `then` when A is one of `values`."""
    return [Step("jeq", value, then) for value in values]


def _link_layer(link: int) -> Program:
    """Leaves the EtherType in A and where the network header begins in X, past up to two VLAN tags in the frame."""
    if link == RAW_IP:
        return [Step("ldx", 0), Step("ld", PROTOCOL), *_network()]
    return [
        Step("ldx", 14),
        Step("ldh", 12),
        *_any(VLAN_TYPES, "tag"),
        Step("ja", then="network"),
        Label("tag"),
        Step("ldx", 18),
        Step("ldh", 16),
        *_any(VLAN_TYPES, "second tag"),
        Step("ja", then="network"),
        Label("second tag"),
        Step("ldx", 22),
        Step("ldh", 20),
        *_network(),
    ]


def _network() -> Program:
    return [
        Label("network"),
        Step("jeq", 0x0800, "ipv4"),
        Step("jeq", 0x86DD, "ipv6"),
        Step("jeq", 0x0806, "names"),
        *_any(WRAPPED_TYPES, "wrapped"),
        Step("ret", 0),
    ]


def _ipv4() -> Program:
    """RFC 791 section 3.1: leaves protocol, packet's end and mixed addresses in M, the header's end in X."""
    return [
        Label("ipv4"),
        Step("ldh_x", 6),
        Step("jset", 0x3FFF, "wrapped"),  # more fragments, or an offset
        Step("ldb_x", 9),
        Step("st", PROTOCOL_AT),
        Step("ldh_x", 2),
        Step("jeq", 0, "", "ipv4 length"),  # a merged packet beyond 64 KiB has no length
        Step("ld_len"),
        Step("ja", then="ipv4 end"),
        Label("ipv4 length"),
        Step("add_x"),
        Label("ipv4 end"),
        Step("st", END),
        Step("stx", TRANSPORT),
        Step("ld_x", 12),
        Step("st", ADDRESSES),
        Step("ld_x", 16),
        *_mix_addresses(),
        Step("ldb_x", 0),
        Step("and", 0x0F),
        Step("lsh", 2),
        Step("add_x"),
        Step("tax"),
        Step("ja", then="transport"),
    ]


def _ipv6() -> Program:
    """RFC 8200 section 3, as `_ipv4`; the low words of the addresses are mixed."""
    return [
        Label("ipv6"),
        Step("ldb_x", 6),
        Step("st", PROTOCOL_AT),
        *_any(EXTENSION_HEADERS, "wrapped"),
        Step("ldh_x", 4),
        Step("jeq", 0, "", "ipv6 length"),
        Step("ld_len"),
        Step("ja", then="ipv6 end"),
        Label("ipv6 length"),
        Step("add_x"),
        Step("add", 40),
        Label("ipv6 end"),
        Step("st", END),
        Step("stx", TRANSPORT),
        Step("ld_x", 20),
        Step("st", ADDRESSES),
        Step("ld_x", 36),
        *_mix_addresses(),
        Step("txa"),
        Step("add", 40),
        Step("tax"),
    ]


def _mix_addresses() -> Program:
    """M[ADDRESSES] = source XOR destination; the network header's place waits in M[TRANSPORT] meanwhile."""
    return [
        Step("ldx_m", ADDRESSES),
        Step("xor_x"),
        Step("st", ADDRESSES),
        Step("ldx_m", TRANSPORT),
    ]


def _transport() -> Program:
    return [
        Label("transport"),
        Step("stx", TRANSPORT),
        Step("ld_m", PROTOCOL_AT),
        Step("jeq", 6, "tcp"),
        Step("jeq", 17, "udp"),
        *_any(WRAPPED_PROTOCOLS, "wrapped"),
        Step("jeq", 58, "", "rest"),
        Step("ldb_x", 0),
        Step("jge", 133, "", "rest"),  # RFC 4861: router and neighbour discovery are types 133 to 137
        Step("jgt", 137, "rest", "names"),
    ]


def _udp() -> Program:
    """Ports tell names and tunnels; first bytes tell QUIC's long header (RFC 9000 section 17.2) and VPN handshakes."""
    return [
        Label("udp"),
        Step("ldh_x", 0),
        *_any(NAME_PORTS, "names"),
        Step("jeq", TEREDO, "wrapped"),
        Step("ldh_x", 2),
        *_any(NAME_PORTS, "names"),
        *_any(WRAPPED_PORTS, "wrapped"),
        Step("st", PORT),
        Step("ld_m", END),
        Step("sub_x"),
        Step("jge", 12, "", "rest"),
        Step("ldb_x", 8),
        Step("jge", 0xC0, "starts"),
        Step("jge", 0x80, "", "short"),
        Step("ld_x", 9),  # RFC 9287 section 3.1: the fixed bit may be cleared; RTP has such first bytes too
        *_any(QUIC_VERSIONS, "starts"),
        Label("short"),
        Step("ld_x", 8),
        Step("jeq", 0x01000000, "starts"),  # WireGuard's handshake initiation
        Step("jeq", 0, "ike"),  # IKE behind the non-ESP marker, RFC 3948 section 2.2
        Step("rsh", 24),
        Step("jeq", 0x38, "starts"),  # OpenVPN's P_CONTROL_HARD_RESET_CLIENT_V2
        Step("ld_m", PORT),
        Step("jeq", 500, "starts", "rest"),
        Label("ike"),
        Step("ld_m", PORT),
        Step("jeq", 4500, "starts", "rest"),
    ]


def _tcp() -> Program:
    """RFC 9293 section 3.1: names by port, SYNs, then what the first payload bytes say."""
    return [
        Label("tcp"),
        Step("ldh_x", 0),
        *_any(NAME_PORTS_TCP, "names"),
        Step("ldh_x", 2),
        *_any(NAME_PORTS_TCP, "names"),
        Step("ldb_x", 13),
        Step("jset", 0x02, "starts"),  # the server's SYN tells which of the client's it took, and its options
        Step("ldb_x", 12),
        Step("and", 0xF0),
        Step("rsh", 2),
        Step("add_x"),
        Step("st", PAYLOAD),
        Step("tax"),
        Step("ld_m", END),
        Step("jgt_x", 0, "", "rest"),
        Step("sub_x"),
        Step("jge", 4, "", "middle"),
        Step("ldh_x", 0),
        Step("jeq", 0x1603, "starts"),  # RFC 8446 section 5.1: handshake record
        Step("ld_x", 0),
        *_any([int.from_bytes(start, "big") for start in HTTP_STARTS], "starts"),
    ]


def _middles(elephants: Sequence[int]) -> Program:
    """Towards port 443, or from the higher port to the lower one, which is the server's."""
    return [
        Label("middle"),
        Step("ldx_m", TRANSPORT),
        Step("ldh_x", 2),
        Step("jeq", 443, "towards server"),
        Step("st", PORT),
        Step("ldh_x", 0),
        Step("ldx_m", PORT),
        Step("jge_x", 0, "", "rest"),
        Step("ldx_m", TRANSPORT),
        Label("towards server"),
        Step("ld_x", 0),
        Step("ldx_m", ADDRESSES),
        Step("xor_x"),
        *_any(elephants, "rest"),
        Step("ja", then="middles"),
    ]


def _verdicts(take: Take) -> Program:
    return [
        Label("names"),
        Step("ret", take.names),
        Label("starts"),
        Step("ret", take.starts),
        Label("middles"),
        Step("ret", take.middles),
        Label("wrapped"),
        Step("ret", take.wrapped),
        Label("rest"),
        Step("ret", take.rest),
    ]
