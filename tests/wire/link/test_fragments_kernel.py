"""Datagrams in fragments, as a UDP socket of the kernel gets them: what it delivers is read, nothing else is believed.

The fragments go through a tun device to a real socket, and the same packets to the decoder.
"""

import random
import socket
import struct
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

import pytest
from frames import RAW, Watch, of
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_tcp import CLIENTS, SERVERS, Server, checksum, packed, server

from monitor.model import DnsMessage, Packet

pytestmark = [pytest.mark.netns, pytest.mark.root]

DNS = 53
CLIENT_PORT = 40_000
TRUE, FAKE = b"\x03www\x06tiktok\x03com\0", b"\x03www\x06aaaaaa\x03org\0"
ASKED = bytes.fromhex("00010001")
HEAD = bytes.fromhex("0100 0001 0000 0000 0000")


class Listener:
    """A UDP socket behind the tun device of `tun`."""

    def __init__(self, tun: Server, listening: socket.socket) -> None:
        self.tun = tun
        self.socket = listening
        self.number = 0

    def identify(self) -> int:
        """An identification that no datagram had before."""
        self.number += 1
        return self.number

    def deliver(self, packets: list[bytes]) -> list[bytes]:
        """What the socket has got once the kernel took all packets; a datagram behind them marks the end."""
        self.number += 1
        mark = b"mark" + struct.pack("!I", self.number)
        for packet in [*packets, *pieces(udp(mark, 9), 4, 0, [0, 8 + len(mark)])]:
            self.tun.exchange(packet)
        got = []
        while (data := self.socket.recv(65_536)) != mark:
            got.append(data)
        return got


@pytest.fixture(scope="module")
def kernel() -> Iterator[Listener]:
    with server(udp=DNS) as running:
        assert running.datagrams is not None
        running.datagrams.settimeout(30)
        yield Listener(running, running.datagrams)


def udp(payload: bytes, source: int = CLIENT_PORT, family: int = 4, summed: bool = True) -> bytes:
    """Without its sum the kernel takes a datagram over IPv4 as it is (RFC 768)."""
    size = 8 + len(payload)
    head = struct.pack("!HHH", source, DNS, size)
    pseudo = packed(CLIENTS[family]) + packed(SERVERS[family]) + struct.pack("!II", size, 17)
    total = checksum(pseudo + head + bytes(2) + payload) or 0xFFFF
    return head + struct.pack("!H", total if summed or family == 6 else 0) + payload


def piece(content: bytes, at: int, more: bool, family: int, number: int) -> bytes:
    here, there = packed(CLIENTS[family]), packed(SERVERS[family])
    if family == 6:
        extension = struct.pack("!BBHI", 17, 0, at | more, number)
        return struct.pack("!IHBB", 6 << 28, 8 + len(content), 44, 64) + here + there + extension + content
    place = at >> 3 | (0x2000 if more else 0)
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(content), number & 0xFFFF, place, 64, 17, 0) + here + there
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + content


def pieces(datagram: bytes, family: int, number: int, marks: list[int]) -> list[bytes]:
    """The datagram cut at `marks`, of which the first is 0 and the last its length."""
    size = len(datagram)
    return [piece(datagram[start:end], start, end < size, family, number) for start, end in pairwise(marks)]


def question(name: bytes, number: int, size: int) -> bytes:
    """A query whose padding makes it as long as wanted (RFC 7830)."""
    room = max(0, size - 8)
    option = b"\0\0\x29\x10\0\0\0\0\0" + struct.pack("!HHH", 4 + room, 12, room) + bytes(room)
    return struct.pack("!H", number) + HEAD[:8] + b"\0\1" + name + ASKED + option


def read(packets: list[bytes]) -> tuple[list[bytes], list[Packet]]:
    watch = Watch()
    seen = [one for data in packets for one in watch.see(data, RAW)]
    seen += watch.rest()
    return [one.name for one in of(DnsMessage, seen)], of(Packet, seen)


def marks_of(chance: random.Random, size: int) -> list[int]:
    return sorted({0, size, *(chance.randrange(8, size) & ~7 for _ in range(chance.choice((1, 1, 2, 3, 7))))})


@given(st.integers(0, 1 << 62), st.sampled_from((4, 6)))
@settings(max_examples=60, deadline=None)
def test_any_order_with_copies_is_what_the_kernel_delivers(kernel: Listener, seed: int, family: int) -> None:
    chance = random.Random(seed)
    number = kernel.identify()
    asks = question(TRUE, number, chance.randrange(64, 3000))
    datagram = udp(asks, family=family)
    sent = pieces(datagram, family, number, marks_of(chance, len(datagram)))
    if chance.random() < 0.7:
        chance.shuffle(sent)
    for _ in range(chance.choice((0, 0, 1, 3))):
        sent.insert(chance.randrange(len(sent) + 1), chance.choice(sent))
    names, packets = read(sent)
    delivered = kernel.deliver(sent)
    assert delivered in ([asks], [asks, asks])
    assert names == [b"www.tiktok.com"] * len(delivered)
    assert {(one.source_port, one.destination_port) for one in packets} == {(CLIENT_PORT, DNS)}
    assert sum(one.length for one in packets) == sum(map(len, sent))


@given(st.integers(0, 1 << 62), st.sampled_from((4, 6)))
@settings(max_examples=60, deadline=None)
def test_what_the_kernel_drops_for_an_overlap_is_not_believed(kernel: Listener, seed: int, family: int) -> None:
    chance = random.Random(seed)
    number = kernel.identify()
    size = chance.randrange(64, 1500)
    true, fake = (udp(question(name, number, size), family=family, summed=False) for name in (TRUE, FAKE))
    sent = pieces(true, family, number, marks_of(chance, len(true)))
    for _ in range(chance.choice((1, 1, 2))):
        start = chance.randrange(0, len(true) - 8) & ~7
        end = min(len(true), start + 8 * chance.randint(1, 8) + chance.choice((0, 0, 3)))
        more = start == 0 or (end < len(true)) == (chance.random() < 0.9)
        sent.insert(chance.randrange(len(sent) + 1), piece(fake[start:end], start, more, family, number))
    if chance.random() < 0.5:
        chance.shuffle(sent)
    names, packets = read(sent)
    delivered = [got[12 : 12 + len(TRUE)] for got in kernel.deliver(sent)]
    # A wrong checksum is no reason to believe nothing: captures with other addresses than on the wire have one.
    whole = [present(name) for name in delivered]
    assert names == whole if family == 4 else not Counter(whole) - Counter(names)
    if any(data[6:8] == b"\x20\0" if family == 4 else data[42:44] == b"\0\1" for data in sent):
        assert {one.destination_port for one in packets} == {DNS}


def present(name: bytes) -> bytes:
    return name[1:-1].replace(b"\6", b".").replace(b"\3", b".")
