"""Fragments in any order, doubled, overlapping, endless: put together, or given up within bounds."""

import random

import pytest
from frames import NOW, QUERY, RAW, Watch, of
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP, UDP, IPOption_NOP, fragment
from scapy.layers.inet6 import IPv6, IPv6ExtHdrFragment, fragment6
from scapy.packet import Raw

from monitor.limits import Limits
from monitor.model import DnsMessage, Packet

PADDED = QUERY + bytes(1200)
WHOLE4 = IP(src="192.0.2.1", dst="198.51.100.2", id=77) / UDP(sport=4000, dport=53) / Raw(PADDED)
WHOLE6 = (
    IPv6(src="2001:db8::1", dst="2001:db8::2") / IPv6ExtHdrFragment(id=78) / UDP(sport=4000, dport=53) / Raw(PADDED)
)
PIECES4 = [bytes(piece) for piece in fragment(WHOLE4, 200)]
PIECES6 = [bytes(piece) for piece in fragment6(WHOLE6, 300)]


@pytest.mark.parametrize("pieces", [PIECES4, PIECES6])
@given(data=st.data())
def test_any_order_with_copies_gives_the_message_once(pieces: list[bytes], data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(pieces))))
    watch = Watch()
    packets: list[Packet] = []
    names: list[bytes] = []
    for step, index in enumerate(order):
        for _ in range(data.draw(st.integers(1, 2)) if step < len(order) - 1 else 1):
            seen = watch.see(pieces[index], RAW)
            packets += of(Packet, seen)
            names += [message.name for message in of(DnsMessage, seen)]
    assert names == [b"www.tiktok.com"]
    last = packets[-1]
    assert last.fragment is False
    assert last.length == len(pieces[order[-1]])
    assert last.payload == len(PADDED)
    assert {(one.source_port, one.destination_port) for one in packets} == {(4000, 53)}
    assert watch.decoder.table_sizes()["fragments"] == 0
    assert watch.errors.counts == {}


def test_later_fragments_have_the_ports_of_the_first_one() -> None:
    watch = Watch()
    packets = [of(Packet, watch.see(piece, RAW))[0] for piece in PIECES4[:-1]]
    assert [(one.fragment, one.destination_port) for one in packets] == [(False, 53)] + [(True, 53)] * (
        len(packets) - 1
    )
    assert [one.length for one in packets] == [len(piece) for piece in PIECES4[:-1]]


def test_a_later_fragment_waits_for_the_first_one() -> None:
    watch = Watch()
    assert of(Packet, watch.see(PIECES4[1], RAW)) == []
    later, first = of(Packet, watch.see(PIECES4[0], RAW))
    assert (later.fragment, later.source_port, later.destination_port) == (True, 4000, 53)
    assert (first.fragment, first.destination_port) == (False, 53)


def test_a_later_fragment_whose_first_one_never_comes_is_reported_without_ports() -> None:
    watch = Watch()
    assert of(Packet, watch.see(PIECES4[1], RAW)) == []
    (packet,) = of(Packet, watch.rest())
    assert (packet.fragment, packet.destination_port, packet.length) == (True, 0, len(PIECES4[1]))


def shifted(pieces: list[bytes], index: int, words: int) -> bytes:
    """A piece moved by that many times 8 bytes."""
    layer = IP(pieces[index])
    layer.frag += words
    del layer.chksum
    return bytes(layer)


def test_an_overlap_ends_the_datagram() -> None:
    """RFC 5722; what follows is of another datagram, which the pieces that were there before do not complete."""
    watch = Watch()
    names = []
    for piece in [*PIECES4[:3], shifted(PIECES4, 2, 1), *PIECES4[3:]]:
        names += of(DnsMessage, watch.see(piece, RAW))
    assert names == []
    assert watch.errors.counts == {("fragment", "overlap"): 1}
    assert [one.name for piece in PIECES4[:3] for one in of(DnsMessage, watch.see(piece, RAW))] == [b"www.tiktok.com"]


def test_other_bytes_for_what_is_there_are_ignored() -> None:
    watch = Watch()
    intruder = PIECES4[1][:20] + b"#" * 8 + PIECES4[1][28:]
    names = []
    for piece in [*PIECES4[:2], intruder, *PIECES4[2:]]:
        names += of(DnsMessage, watch.see(piece, RAW))
    assert [message.name for message in names] == [b"www.tiktok.com"]
    assert watch.errors.counts == {}


def test_datagrams_of_other_hosts_protocols_and_identities_do_not_mix() -> None:
    watch = Watch()
    others = [
        [bytes(one) for one in fragment(IP(src=source, dst="198.51.100.2", id=number) / UDP() / Raw(PADDED), 200)]
        for source, number in [("192.0.2.1", 78), ("192.0.2.3", 77)]
    ]
    tcp = [bytes(one) for one in fragment(IP(src="192.0.2.1", dst="198.51.100.2", id=77) / TCP() / Raw(PADDED), 200)]
    names = []
    for row in zip(PIECES4[:-1], others[0][:-1], others[1][:-1], tcp[:-1], strict=False):
        for piece in row:
            names += of(DnsMessage, watch.see(piece, RAW))
    names += of(DnsMessage, watch.see(PIECES4[-1], RAW))
    assert [message.name for message in names] == [b"www.tiktok.com"]


def test_what_never_becomes_whole_is_forgotten_after_its_time() -> None:
    watch = Watch(Limits(fragment_seconds=30))
    watch.see(PIECES4[0], RAW, NOW)
    watch.decoder.expire(NOW + 29)
    assert watch.decoder.table_sizes()["fragments"] == 1
    watch.decoder.expire(NOW + 31)
    assert watch.decoder.table_sizes()["fragments"] == 0
    assert watch.errors.counts == {("fragment", "incomplete"): 1}
    late = [of(DnsMessage, watch.see(piece, RAW, NOW + 32)) for piece in PIECES4[1:]]
    assert not any(late)


def test_a_flood_of_first_fragments_stays_within_its_bounds_and_is_counted() -> None:
    limits = Limits(fragments=100, fragments_bytes=100_000)
    watch = Watch(limits)
    chance = random.Random(1)
    for _ in range(3_000):
        piece = bytearray(PIECES4[chance.randrange(len(PIECES4) - 1)])
        piece[4:6] = chance.randbytes(2)
        watch.see(bytes(piece), RAW)
        assert watch.decoder.table_sizes()["fragments"] <= 100
    assert watch.decoder.evictions["fragments"] > 2_500


def test_many_tiny_fragments_of_one_datagram_are_given_up() -> None:
    watch = Watch()
    for index in range(1, 4_000):
        piece = IP(src="192.0.2.1", dst="198.51.100.2", id=5, flags="MF", frag=2 * index, proto=17)
        head = bytes(piece)
        watch.see(head[:2] + b"\0\x1c" + head[4:] + bytes(8), RAW)
    assert watch.errors.counts == {("fragment", "too_long"): 3_999 // 513}
    assert watch.decoder.table_sizes()["fragments"] == 1


@pytest.mark.parametrize(
    ("piece", "count"),
    [
        (bytes(IP(flags="MF", id=1) / Raw(bytes(13))), "incomplete"),
        (bytes(IP(flags="MF", id=1)), "malformed"),
        (bytes(IP(frag=8191, id=1) / Raw(bytes(64))), "too_long"),
        (bytes(IP(flags="MF", id=1) / Raw(bytes(64)))[:-1], "too_short"),
    ],
)
def test_pieces_that_cannot_be_are_counted(piece: bytes, count: str) -> None:
    watch = Watch()
    seen = watch.see(piece, RAW)
    assert len(of(Packet, [*seen, *watch.rest()])) == 1
    assert watch.errors.counts == {("fragment", count): 1}


def test_a_fragment_inside_a_reassembled_datagram_goes_no_further() -> None:
    inner = bytes(IPv6ExtHdrFragment(nh=17, id=9, m=1)) + bytes(WHOLE4)[20:]
    whole = IPv6(src="2001:db8::1", dst="2001:db8::2") / IPv6ExtHdrFragment(nh=44, id=8) / Raw(inner)
    watch = Watch()
    seen = [one for piece in fragment6(whole, 300) for one in watch.see(bytes(piece), RAW)]
    assert not of(DnsMessage, seen)


def test_the_options_of_a_fragment_may_end_behind_the_tunnel_around_it() -> None:
    inner = bytes(IP(flags="MF", id=1, options=[IPOption_NOP()] * 40) / Raw(bytes(64)))
    watch = Watch()
    watch.see(bytes(IP(proto=4, len=44)) + inner, RAW)
    assert watch.errors.counts == {("fragment", "too_short"): 1}
