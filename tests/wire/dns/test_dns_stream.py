"""DNS over TCP: any cut of the bytes gives the same messages."""

from itertools import pairwise

import dns.message
from dns_messages import PACKET, response
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import ErrorCounts
from monitor.model import DnsMessage, Observation
from monitor.wire.dns.over_tcp import DnsStream


def framed(*messages: bytes) -> bytes:
    return b"".join(len(message).to_bytes(2, "big") + message for message in messages)


NAMES = [f"n{number}.example.com" for number in range(5)]
QUERIES = [dns.message.make_query(name, "A", use_edns=0).to_wire() for name in NAMES]
BROKEN = bytearray(QUERIES[0])
BROKEN[12] = 0x80
LARGE = response("large.example", "TXT", *[("large.example.", 1, "TXT", f'"{"x" * 200}{n}"') for n in range(300)])


def feed(stream: DnsStream, *chunks: bytes) -> tuple[list[bytes], bool]:
    out: list[Observation] = []
    fine = True
    for chunk in chunks:
        fine = fine and stream.feed(PACKET, b"head" + chunk + b"tail", 4, 4 + len(chunk), out)
    return [message.name for message in out if isinstance(message, DnsMessage)], fine


@given(st.lists(st.integers(0, 300), max_size=12))
def test_any_cut_gives_the_same_messages(cuts: list[int]) -> None:
    data = framed(*QUERIES)
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    stream = DnsStream(ErrorCounts())
    names, fine = feed(stream, *[data[start:end] for start, end in pairwise(edges)])
    assert fine
    assert names == [name.encode() for name in NAMES]
    assert stream.held == 0


def test_byte_by_byte() -> None:
    data = framed(*QUERIES)
    names, _ = feed(DnsStream(ErrorCounts()), *[data[at : at + 1] for at in range(len(data))])
    assert len(names) == len(QUERIES)


def test_a_message_of_the_largest_kind() -> None:
    wire = LARGE.to_wire(max_size=65535)
    data = framed(wire, QUERIES[0])
    assert len(wire) > 60_000
    stream = DnsStream(ErrorCounts())
    names, fine = feed(stream, *[data[at : at + 1460] for at in range(0, len(data), 1460)])
    assert fine
    assert names == [b"large.example", b"n0.example.com"]
    assert stream.held == 0


def test_the_messages_are_those_of_tcp() -> None:
    out: list[Observation] = []
    data = framed(QUERIES[0])
    DnsStream(ErrorCounts()).feed(PACKET, data, 0, len(data), out)
    assert isinstance(out[0], DnsMessage)
    assert (out[0].tcp, out[0].packet) == (True, PACKET)


def test_what_is_held_is_told_and_bounded() -> None:
    stream = DnsStream(ErrorCounts())
    feed(stream, framed(*QUERIES)[:-1])
    assert stream.held == len(framed(QUERIES[4])) - 1
    feed(stream, framed(QUERIES[4])[-1:])
    assert stream.held == 0
    endless = DnsStream(ErrorCounts())
    head = b"\xff\xff" + QUERIES[0]
    feed(endless, head, *[bytes(1460)] * 100)
    assert endless.held <= 65_537


def test_a_reset_begins_anew() -> None:
    stream = DnsStream(ErrorCounts())
    assert feed(stream, framed(QUERIES[0]), framed(QUERIES[1])[:20])[1]
    stream.reset()
    assert feed(stream, framed(QUERIES[2])) == ([b"n2.example.com"], True)


def test_what_is_no_dns_is_given_up_and_counted_once() -> None:
    for data in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(30), bytes(4)):
        errors = ErrorCounts()
        names, fine = feed(DnsStream(errors), data)
        assert (names, fine) == ([], False)
        assert errors.counts == {("dns", "malformed"): 1}


def test_a_broken_message_between_good_ones_costs_only_itself() -> None:
    errors = ErrorCounts()
    names, fine = feed(DnsStream(errors), framed(QUERIES[0], bytes(BROKEN), QUERIES[1]))
    assert (names, fine) == ([b"n0.example.com", b"n1.example.com"], True)
    assert errors.counts == {("dns", "malformed"): 1}


@given(st.lists(st.binary(max_size=60), max_size=8))
def test_any_bytes(chunks: list[bytes]) -> None:
    stream = DnsStream(ErrorCounts())
    feed(stream, *chunks)
    assert stream.held <= 65_537
