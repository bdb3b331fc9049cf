"""Which class the kernel's filter puts a frame into: the kernel itself runs the programs, on datagrams of a pair."""

import ctypes
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.dhcp import BOOTP
from scapy.layers.dns import DNS, DNSQR
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, ICMPv6ND_NS, IPv6, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop
from scapy.layers.l2 import ARP, GRE, Dot1AD, Dot1Q, Ether
from scapy.packet import Packet, Raw

from monitor.capture.assembler import Instruction, Label, assemble
from monitor.capture.filter_parts import ETHERNET
from monitor.capture.filters import SnapLengths, filter_program

SO_ATTACH_FILTER = 26
CLASSES = {2001: "names", 2002: "starts", 2003: "middles", 2004: "wrapped", 2005: "rest"}
EACH = SnapLengths(names=2001, starts=2002, middles=2003, wrapped=2004, rest=2005)
MAC = "02:00:00:00:00:01"
ETHER = Ether(src=MAC, dst=MAC)  # given, or scapy asks the network for them
UP = TCP(sport=50000, dport=443, flags="PA")
DOWN = TCP(sport=443, dport=50000, flags="PA")
HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
QUESTION = DNS(qd=DNSQR(qname="tiktok.com"))


@contextmanager
def filtered(program: bytes) -> Iterator[tuple[socket.socket, socket.socket]]:
    """A pair of which the second only gets what the program takes, cut to what it takes of it."""
    left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    buffer = ctypes.create_string_buffer(program, len(program))
    right.setsockopt(
        socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("@HP", len(program) // 8, ctypes.addressof(buffer))
    )
    right.setblocking(False)
    with left, right:
        yield left, right


def class_of(frame: bytes, elephants: list[int] | None = None, untagged: bool = False) -> str:
    """Returns the class, from the received length of the frame, which is padded beyond any snap length."""
    with filtered(filter_program(EACH, ETHERNET, elephants or [], untagged)) as (left, right):
        left.send(frame + bytes(3000))
        try:
            return CLASSES[len(right.recv(65536))]
        except BlockingIOError:
            return "nothing"


V4, V6 = IP(src="192.168.1.2", dst="198.51.100.7"), IPv6(src="fd00::2", dst="2001:db8::7")
FRAMES: list[tuple[str, str, Packet]] = [
    ("names", "ARP", ARP()),
    ("names", "DNS question", V4 / UDP(sport=4000, dport=53) / QUESTION),
    ("names", "DNS answer", V4 / UDP(sport=53, dport=4000) / QUESTION),
    ("names", "DNS over IPv6", V6 / UDP(sport=4000, dport=53) / QUESTION),
    ("names", "DNS over TCP, SYN", V4 / TCP(sport=4000, dport=53, flags="S")),
    ("names", "DNS over TCP, answer", V6 / TCP(sport=53, dport=4000, flags="PA") / b"\0\x1d"),
    ("names", "mDNS", V4 / UDP(sport=5353, dport=5353) / QUESTION),
    ("names", "LLMNR", V6 / UDP(sport=4000, dport=5355) / QUESTION),
    ("names", "DHCP", V4 / UDP(sport=68, dport=67) / BOOTP()),
    ("names", "neighbour solicitation", V6 / ICMPv6ND_NS()),
    ("names", "IPv4 options", IP(options=b"\x01\x01\x01\x00") / UDP(sport=4000, dport=53) / QUESTION),
    ("starts", "client SYN", V4 / TCP(sport=50000, dport=443, flags="S")),
    ("starts", "server's SYN", V4 / TCP(sport=443, dport=50000, flags="SA")),
    ("starts", "rare method", V4 / TCP(sport=50000, dport=80, flags="PA") / b"PROPFIND / HTTP/1.1\r\n"),
    ("starts", "empty line before a request", V4 / TCP(sport=50000, dport=80, flags="PA") / b"\r\nGET / HTTP/1.1\r\n"),
    ("starts", "QUIC without the fixed bit", V4 / UDP(sport=50000, dport=443) / (b"\x83\0\0\0\1" + bytes(1200))),
    ("rest", "RTP", V4 / UDP(sport=50000, dport=50002) / (b"\x80\x60\x12\x34" + bytes(160))),
    ("starts", "ClientHello", V4 / UP / HELLO),
    ("starts", "ClientHello over IPv6 on another port", V6 / TCP(sport=5000, dport=8443, flags="A") / HELLO),
    ("starts", "ClientHello behind TCP options", V4 / TCP(dport=443, flags="A", options=[("NOP", None)] * 4) / HELLO),
    ("starts", "HTTP request", V4 / TCP(sport=50000, dport=80, flags="PA") / b"GET / HTTP/1.1\r\n"),
    ("starts", "QUIC long header", V4 / UDP(sport=50000, dport=443) / (b"\xc3\0\0\0\1" + bytes(1200))),
    ("starts", "QUIC long header from the server", V6 / UDP(sport=4433, dport=50000) / (b"\xe0\0\0\0\1" + bytes(60))),
    ("starts", "WireGuard initiation", V4 / UDP(dport=51820, sport=3000) / (b"\1\0\0\0" + bytes(144))),
    ("starts", "IKE", V4 / UDP(sport=500, dport=500) / bytes(range(1, 60))),
    ("starts", "IKE through NAT", V4 / UDP(sport=4500, dport=4500) / (bytes(4) + bytes(range(1, 60)))),
    ("middles", "second segment of a hello", V4 / UP / b"\x55\xaa\x55\xaa"),
    ("middles", "second segment to a high port", V6 / TCP(sport=50000, dport=8443, flags="A") / b"\x55\xaa\x55\xaa"),
    ("middles", "one byte", V4 / UP / b"\x16"),
    ("middles", "low client port", V4 / TCP(sport=80, dport=443, flags="A") / b"abcdef"),
    ("wrapped", "GRE", V4 / GRE() / V4),
    ("wrapped", "IPv6 in IPv4", V4 / V6 / UDP()),
    ("wrapped", "VXLAN", V4 / UDP(sport=4000, dport=4789) / bytes(60)),
    ("wrapped", "Teredo from its relay", V4 / UDP(sport=3544, dport=4000) / bytes(60)),
    ("wrapped", "first fragment", IP(flags="MF") / UDP(sport=53, dport=4000) / bytes(64)),
    ("wrapped", "last fragment", IP(frag=100, proto=17) / bytes(64)),
    ("wrapped", "IPv6 fragment", V6 / IPv6ExtHdrFragment(offset=1) / UDP()),
    ("wrapped", "IPv6 options", V6 / IPv6ExtHdrHopByHop() / UDP(dport=53)),
    ("rest", "server's payload", V4 / DOWN / b"\x17\x03\x03\x10\x00"),
    ("rest", "bare acknowledgment", V4 / TCP(sport=50000, dport=443, flags="A")),
    ("rest", "QUIC short header", V4 / UDP(sport=50000, dport=443) / (b"\x43" + bytes(1200))),
    ("rest", "ESP in UDP", V4 / UDP(sport=4500, dport=4500) / bytes(range(1, 60))),
    ("rest", "tiny datagram", V4 / UDP(sport=4000, dport=9999) / b"\xff"),
    ("rest", "ping", V4 / ICMP()),
    ("rest", "ping over IPv6", V6 / ICMPv6EchoRequest()),
]


@pytest.mark.parametrize(("expected", "packet"), [pytest.param(a, c, id=b) for a, b, c in FRAMES])
@pytest.mark.parametrize("tags", ["none", "one", "two"])
def test_class(expected: str, packet: Packet, tags: str) -> None:
    outer = {"none": ETHER, "one": ETHER / Dot1Q(vlan=7), "two": ETHER / Dot1AD(vlan=9) / Dot1Q(vlan=7)}[tags]
    assert class_of(bytes(outer / packet)) == expected


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        (None, "names"),
        (Dot1Q(vlan=7), "nothing"),
        (Dot1Q(vlan=4095, prio=7), "nothing"),
        (Dot1AD(vlan=9) / Dot1Q(vlan=7), "nothing"),
        (Dot1Q(vlan=0, prio=7), "names"),
    ],
)
def test_frames_of_a_vlan_may_be_left_to_its_own_interface(tag: Packet | None, expected: str) -> None:
    frame = bytes((ETHER / tag if tag is not None else ETHER) / V4 / UDP(sport=4000, dport=53) / QUESTION)
    assert class_of(frame, untagged=True) == expected


def test_padding_is_no_payload() -> None:
    """A bare acknowledgment is shorter than Ethernet's minimum: what follows it on the wire does not belong to it."""
    assert class_of(bytes(ETHER / V4 / TCP(sport=50000, dport=443, flags="A")) + b"\x16\x03\x01") == "rest"


def test_frames_of_other_protocols_are_never_taken() -> None:
    assert class_of(bytes(Ether(src=MAC, dst=MAC, type=0x88CC) / Raw(b"\x16\x03\x01"))) == "nothing"


def test_merged_packets_without_a_length() -> None:
    """Beyond 64 KiB the kernel leaves the IP length 0: the frame's end is the packet's."""
    assert class_of(bytes(ETHER / IP(len=0, src="10.0.0.1", dst="10.0.0.2") / UP / HELLO)) == "starts"


def mark(source: bytes, destination: bytes, ports: bytes) -> int:
    words = [int.from_bytes(word, "big") for word in (source[-4:], destination[-4:], ports)]
    return words[0] ^ words[1] ^ words[2]


@pytest.mark.parametrize("network", [V4, V6], ids=["IPv4", "IPv6"])
def test_elephants_are_refused_but_not_their_hellos(network: Packet) -> None:
    family = socket.AF_INET if network is V4 else socket.AF_INET6
    ends = [socket.inet_pton(family, end) for end in (network.src, network.dst)]
    elephants = [*range(63), mark(ends[0], ends[1], struct.pack("!HH", 50000, 443))]
    upload = ETHER / network / UP / b"upload"
    assert class_of(bytes(upload), elephants) == "rest"
    assert class_of(bytes(ETHER / network / UP / HELLO), elephants) == "starts"
    other = ETHER / network / TCP(sport=50001, dport=443, flags="A") / b"upload"
    assert class_of(bytes(other), elephants) == "middles"


@settings(max_examples=60)
@given(st.binary(max_size=120))
def test_any_bytes_end_in_a_verdict(data: bytes) -> None:
    with filtered(filter_program(EACH, ETHERNET)) as (left, right):
        left.send(data)
        try:
            right.recv(65536)
        except BlockingIOError:
            return


def test_jumps_beyond_the_machine_are_an_error() -> None:
    with pytest.raises(ValueError, match="further than 255"):
        assemble([Instruction("jeq", 1, "far"), *[Instruction("txa")] * 300, Label("far"), Instruction("ret", 0)])


def test_a_jump_goes_to_the_next_label_of_its_name() -> None:
    program = assemble(
        [
            Instruction("ja", then="end"),
            Label("end"),
            Instruction("ja", then="end"),
            Label("end"),
            Instruction("ret", 7),
        ]
    )
    assert [struct.unpack_from("=HBBI", program, at)[3] for at in (0, 8, 16)] == [0, 0, 7]
