"""Defines the parts of the filter programs, each of which sorts the frames of one protocol; `filters.py` combines them.

Each part jumps to the label of a class (`names`, `starts`, `middles`, `wrapped`, `rest`) or continues with the next
part.
"""

from collections.abc import Sequence
from typing import Final

from monitor.capture.assembler import PROTOCOL, Instruction, Label, Program
from monitor.capture.refused import VLAN_TYPES
from monitor.wire.tcp.segment_filter import STARTS as HTTP_STARTS

ETHERNET: Final = 1  # LINKTYPE_ETHERNET
RAW_IP: Final = 101  # LINKTYPE_RAW

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
END: Final = 1  # the end of the IP packet; Ethernet's padding follows
TRANSPORT: Final = 2
ADDRESSES: Final = 3
PORT: Final = 4
PAYLOAD: Final = 5
SCRATCH: Final = 6


def any_of(values: Sequence[int], then: str) -> Program:
    """Jumps to `then` if A is one of `values`."""
    return [Instruction("jeq", value, then) for value in values]


def link_layer(link: int) -> Program:
    """Stores the EtherType in A and the offset of the network header in X, after up to two VLAN tags in the frame."""
    if link == RAW_IP:
        return [Instruction("ldx", 0), Instruction("ld", PROTOCOL), *network()]
    return [
        Instruction("ldx", 14),
        Instruction("ldh", 12),
        *any_of(VLAN_TYPES, "tag"),
        Instruction("ja", then="network"),
        Label("tag"),
        Instruction("ldx", 18),
        Instruction("ldh", 16),
        *any_of(VLAN_TYPES, "second tag"),
        Instruction("ja", then="network"),
        Label("second tag"),
        Instruction("ldx", 22),
        Instruction("ldh", 20),
        *network(),
    ]


def network() -> Program:
    return [
        Label("network"),
        Instruction("jeq", 0x0800, "ipv4"),
        Instruction("jeq", 0x86DD, "ipv6"),
        Instruction("jeq", 0x0806, "names"),
        *any_of(WRAPPED_TYPES, "wrapped"),
        Instruction("ret", 0),
    ]


def ipv4() -> Program:
    """RFC 791 section 3.1: stores protocol, packet's end and mixed addresses in M, the header's end in X."""
    return [
        Label("ipv4"),
        Instruction("ldh_x", 6),
        Instruction("jset", 0x3FFF, "wrapped"),  # more fragments, or an offset
        Instruction("ldb_x", 9),
        Instruction("st", PROTOCOL_AT),
        Instruction("ldh_x", 2),
        Instruction("jeq", 0, "", "ipv4 length"),  # a merged packet beyond 64 KiB has no length
        Instruction("ld_len"),
        Instruction("ja", then="ipv4 end"),
        Label("ipv4 length"),
        Instruction("add_x"),
        Label("ipv4 end"),
        Instruction("st", END),
        Instruction("stx", TRANSPORT),
        Instruction("ld_x", 12),
        Instruction("st", ADDRESSES),
        Instruction("ld_x", 16),
        *mix_addresses(),
        Instruction("ldb_x", 0),
        Instruction("and", 0x0F),
        Instruction("lsh", 2),
        Instruction("add_x"),
        Instruction("tax"),
        Instruction("ja", then="transport"),
    ]


def ipv6() -> Program:
    """RFC 8200 section 3, as `ipv4`; mixes the low words of the addresses."""
    return [
        Label("ipv6"),
        Instruction("ldb_x", 6),
        Instruction("st", PROTOCOL_AT),
        *any_of(EXTENSION_HEADERS, "wrapped"),
        Instruction("ldh_x", 4),
        Instruction("jeq", 0, "", "ipv6 length"),
        Instruction("ld_len"),
        Instruction("ja", then="ipv6 end"),
        Label("ipv6 length"),
        Instruction("add_x"),
        Instruction("add", 40),
        Label("ipv6 end"),
        Instruction("st", END),
        Instruction("stx", TRANSPORT),
        Instruction("ld_x", 20),
        Instruction("st", ADDRESSES),
        Instruction("ld_x", 36),
        *mix_addresses(),
        Instruction("txa"),
        Instruction("add", 40),
        Instruction("tax"),
    ]


def mix_addresses() -> Program:
    """M[ADDRESSES] = source XOR destination; M[TRANSPORT] holds the offset of the network header meanwhile."""
    return [
        Instruction("ldx_m", ADDRESSES),
        Instruction("xor_x"),
        Instruction("st", ADDRESSES),
        Instruction("ldx_m", TRANSPORT),
    ]


def transport() -> Program:
    return [
        Label("transport"),
        Instruction("stx", TRANSPORT),
        Instruction("ld_m", PROTOCOL_AT),
        Instruction("jeq", 6, "tcp"),
        Instruction("jeq", 17, "udp"),
        *any_of(WRAPPED_PROTOCOLS, "wrapped"),
        Instruction("jeq", 58, "", "rest"),
        Instruction("ldb_x", 0),
        Instruction("jge", 133, "", "rest"),  # RFC 4861: router and neighbour discovery are types 133 to 137
        Instruction("jgt", 137, "rest", "names"),
    ]


def udp() -> Program:
    """Ports identify names and tunnels; first bytes identify QUIC's long header (RFC 9000 section 17.2) and VPN
    handshakes.
    """
    return [
        Label("udp"),
        Instruction("ldh_x", 0),
        *any_of(NAME_PORTS, "names"),
        Instruction("jeq", TEREDO, "wrapped"),
        Instruction("ldh_x", 2),
        *any_of(NAME_PORTS, "names"),
        *any_of(WRAPPED_PORTS, "wrapped"),
        Instruction("st", PORT),
        Instruction("ld_m", END),
        Instruction("sub_x"),
        Instruction("jge", 12, "", "rest"),
        Instruction("ldb_x", 8),
        Instruction("jge", 0xC0, "starts"),
        Instruction("jge", 0x80, "", "short"),
        Instruction("ld_x", 9),  # RFC 9287 section 3.1: the fixed bit may be cleared; RTP has such first bytes too
        *any_of(QUIC_VERSIONS, "starts"),
        Label("short"),
        Instruction("ld_x", 8),
        Instruction("jeq", 0x01000000, "starts"),  # WireGuard's handshake initiation
        Instruction("jeq", 0, "ike"),  # IKE after the non-ESP marker, RFC 3948 section 2.2
        Instruction("rsh", 24),
        Instruction("jeq", 0x38, "starts"),  # OpenVPN's P_CONTROL_HARD_RESET_CLIENT_V2
        Instruction("ld_m", PORT),
        Instruction("jeq", 500, "starts", "rest"),
        Label("ike"),
        Instruction("ld_m", PORT),
        Instruction("jeq", 4500, "starts", "rest"),
    ]


def tcp() -> Program:
    """RFC 9293 section 3.1: names by port, SYNs, then the first payload bytes."""
    return [
        Label("tcp"),
        Instruction("ldh_x", 0),
        *any_of(NAME_PORTS_TCP, "names"),
        Instruction("ldh_x", 2),
        *any_of(NAME_PORTS_TCP, "names"),
        Instruction("ldb_x", 13),
        Instruction(
            "jset", 0x02, "starts"
        ),  # the server's SYN shows which SYN of the client it accepted, and has its options
        Instruction("ldb_x", 12),
        Instruction("and", 0xF0),
        Instruction("rsh", 2),
        Instruction("add_x"),
        Instruction("st", PAYLOAD),
        Instruction("tax"),
        Instruction("ld_m", END),
        Instruction("jgt_x", 0, "", "rest"),
        Instruction("sub_x"),
        Instruction("jge", 4, "", "middle"),
        Instruction("ldh_x", 0),
        Instruction("jeq", 0x1603, "starts"),  # RFC 8446 section 5.1: handshake record
        Instruction("ld_x", 0),
        *any_of([int.from_bytes(start, "big") for start in HTTP_STARTS], "starts"),
    ]


def middles(elephants: Sequence[int]) -> Program:
    """Accepts segments towards port 443, or from the higher port to the lower one, which is the server's."""
    return [
        Label("middle"),
        Instruction("ldx_m", TRANSPORT),
        Instruction("ldh_x", 2),
        Instruction("jeq", 443, "towards server"),
        Instruction("st", PORT),
        Instruction("ldh_x", 0),
        Instruction("ldx_m", PORT),
        Instruction("jge_x", 0, "", "rest"),
        Instruction("ldx_m", TRANSPORT),
        Label("towards server"),
        Instruction("ld_x", 0),
        Instruction("ldx_m", ADDRESSES),
        Instruction("xor_x"),
        *any_of(elephants, "rest"),
        Instruction("ja", then="middles"),
    ]
