"""TCP streams: a story each about how the bytes of a hello arrive, and what may not happen."""

import client_hellos as build
import dns.message
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.errors import ErrorCounts
from monitor.limits import Limits
from monitor.model import TCP_ACK, TCP_SYN, DnsMessage, HttpRequest, Observation
from monitor.wire.tcp.streams import STREAM_OVERHEAD, Streams

HELLO = build.records(build.hello_for(b"www.tiktok.com"))
SECOND = build.records(build.hello_for(b"second.example"))
BIG = build.records(build.hello_for(b"www.tiktok.com", pad=12_000))
CLOSE_TO_WRAP = 0xFFFF_FF80


class Wire:
    """A connection on its way past: `sequence` is that of the client's first byte."""

    def __init__(self, sequence: int = 1000, port: int = 443, limits: Limits | None = None) -> None:
        self.errors = ErrorCounts()
        self.streams = Streams(limits or Limits(), self.errors)
        self.seen: list[Observation] = []
        self.first = sequence
        self.port = port
        self.now = 0.0

    def syn(self, data: bytes = b"", sequence: int | None = None) -> None:
        first = self.first if sequence is None else sequence
        self._segment(data, (first - 1) & 0xFFFF_FFFF, TCP_SYN, False)

    def syn_ack(self) -> None:
        self._segment(b"", 4999, TCP_SYN | TCP_ACK, True)

    def send(self, data: bytes, at: int = 0) -> None:
        self._segment(data, (self.first + at) & 0xFFFF_FFFF, TCP_ACK, False)

    def answer(self, data: bytes, at: int = 0) -> None:
        self._segment(data, 5000 + at, TCP_ACK, True)

    def _segment(self, data: bytes, sequence: int, flags: int, answer: bool) -> None:
        packet = build.packet(self.now, flags, self.port, answer=answer)
        frame = b"head" + data + b"tail"
        self.streams.segment(packet, frame, 4, 4 + len(data), sequence, 77, self.seen)

    @property
    def names(self) -> list[bytes]:
        return build.names(self.seen)


def test_a_hello_in_one_segment() -> None:
    wire = Wire()
    wire.syn()
    wire.send(HELLO)
    assert wire.names == [b"www.tiktok.com"]
    seen = build.hellos(wire.seen)[0]
    assert (seen.packet.acknowledgment, seen.version, seen.quic, seen.packet.source) == (77, 0x0304, 0, build.CLIENT)


def test_the_capture_may_start_in_the_middle() -> None:
    wire = Wire()
    wire.send(HELLO)
    assert wire.names == [b"www.tiktok.com"]


def test_any_port_will_do() -> None:
    wire = Wire(port=53)
    wire.syn()
    wire.send(HELLO)
    assert wire.names == [b"www.tiktok.com"]


def test_a_hello_in_the_syn() -> None:
    """TCP Fast Open (RFC 7413), and the server that ignores the data, so that it comes again."""
    wire = Wire()
    wire.syn(HELLO)
    wire.syn_ack()
    wire.send(HELLO)
    assert wire.names == [b"www.tiktok.com"]


def test_a_hello_over_two_segments_in_the_wrong_order() -> None:
    wire = Wire()
    wire.syn()
    wire.send(HELLO[100:], 100)
    assert wire.names == []
    wire.send(HELLO[:100])
    assert wire.names == [b"www.tiktok.com"]


def test_what_comes_again_is_no_second_hello() -> None:
    wire = Wire()
    wire.syn()
    for _ in range(3):
        wire.send(HELLO)
    wire.syn()
    wire.send(HELLO)
    assert wire.names == [b"www.tiktok.com"]


def test_a_hello_retry_request_makes_a_second_one() -> None:
    wire = Wire()
    wire.syn()
    wire.send(HELLO)
    wire.send(b"\x14\3\3\0\1\1" + SECOND, len(HELLO))
    assert wire.names == [b"www.tiktok.com", b"second.example"]


def test_an_old_client_sends_no_second_one() -> None:
    """Before TLS 1.3 there is no HelloRetryRequest: what follows is not looked at."""
    old = build.records(build.client_hello(build.server_name(b"old.example")))
    wire = Wire()
    wire.syn()
    wire.send(old)
    wire.send(SECOND, len(old))
    assert wire.names == [b"old.example"]


def test_early_data_may_come_between_but_not_for_ever() -> None:
    """RFC 8446 section 4.2.10: a client that is sent back has sent its early data already."""
    eager = build.records(build.client_hello(build.supported_versions(0x0304), (42, b"")))
    data = b"\x17\3\3\4\0" + bytes(1024)
    for count, names in ((20, [b"", b"second.example"]), (40, [b""])):
        wire = Wire()
        wire.syn()
        wire.send(eager)
        for turn in range(count):
            wire.send(data, len(eager) + turn * len(data))
        wire.send(SECOND, len(eager) + count * len(data))
        assert wire.names == names


def test_a_port_that_is_used_again_is_a_new_connection() -> None:
    wire = Wire()
    wire.syn()
    wire.send(HELLO)
    wire.first = 90_000
    wire.syn()
    wire.send(SECOND)
    assert wire.names == [b"www.tiktok.com", b"second.example"]


def test_a_syn_of_another_time_does_not_hide_the_hello() -> None:
    wire = Wire()
    wire.syn(sequence=3_000_000_000)
    wire.send(HELLO)
    assert wire.names == [b"www.tiktok.com"]


def test_forged_segments_out_of_the_window_do_not_hide_the_hello() -> None:
    wire = Wire()
    wire.syn()
    wire.send(HELLO[:50])
    wire.send(b"forged", 1_000_000)
    wire.send(b"forged", -1_000_000)
    wire.send(HELLO[50:], 50)
    assert wire.names == [b"www.tiktok.com"]


def test_a_keep_alive_probe_is_not_the_start() -> None:
    wire = Wire()
    wire.send(b"\0", -1)
    wire.send(HELLO)
    assert wire.names == [b"www.tiktok.com"]


def test_the_side_that_accepted_may_be_the_client_of_tls() -> None:
    """FTP in active mode: the data connection is opened by the server, TLS by the client."""
    wire = Wire()
    wire.syn()
    wire.syn_ack()
    wire.answer(HELLO)
    assert wire.names == [b"www.tiktok.com"]


@pytest.mark.parametrize(
    "dialogue",
    [
        [b"EHLO me.example\r\n", b"STARTTLS\r\n"],
        [b"\5\1\0", b"\5\1\0\3\x0bexample.com\1\xbb"],
        [b"\0\0\0\x08\x04\xd2\x16\x2f"],
        [b"CONNECT www.tiktok.com:443 HTTP/1.1\r\nHost: www.tiktok.com:443\r\n\r\n"],
        [b"AUTH TLS\r\n"],
    ],
    ids=["smtp", "socks", "postgresql", "connect", "ftp"],
)
def test_tls_may_start_after_a_dialogue(dialogue: list[bytes]) -> None:
    wire = Wire()
    wire.syn()
    at = 0
    for line in [*dialogue, HELLO[:7], HELLO[7:]]:
        wire.send(line, at)
        at += len(line)
    assert wire.names == [b"www.tiktok.com"]


@pytest.mark.parametrize(
    "header",
    [
        b"PROXY TCP4 192.0.2.1 198.51.100.7 5000 443\r\n",
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes(12),
    ],
    ids=["v1", "v2"],
)
@pytest.mark.parametrize("split", [5, 30, 1000])
def test_a_proxy_header_is_stepped_over(header: bytes, split: int) -> None:
    wire = Wire()
    wire.syn()
    data = header + HELLO
    wire.send(data[:split])
    wire.send(data[split:], split)
    assert wire.names == [b"www.tiktok.com"]


def test_a_damaged_hello_counts_at_the_start_only() -> None:
    """In the middle of something else it may be anything."""
    message = bytearray(build.hello_for(b"www.tiktok.com"))
    message[-2] ^= 0xFF
    message[-9] ^= 0xFF
    damaged = build.records(bytes(message))
    start, middle = Wire(), Wire()
    start.syn()
    start.send(damaged)
    middle.syn()
    middle.send(b"EHLO me.example\r\n")
    middle.send(damaged, 17)
    assert start.names == [b"www.tiktok.com"]
    assert start.errors.counts == {("tls", "malformed"): 1}
    assert middle.names == []


def test_a_hello_in_an_upload_is_none() -> None:
    wire = Wire(port=80)
    wire.syn()
    head = b"POST /pcap HTTP/1.1\r\nHost: upload.example\r\n\r\n"
    wire.send(head)
    wire.send(HELLO, len(head))
    assert wire.names == []
    assert [seen.host for seen in wire.seen if isinstance(seen, HttpRequest)] == [b"upload.example"]


def test_a_long_dialogue_is_not_watched_for_ever() -> None:
    wire = Wire()
    wire.syn()
    at = 0
    for _ in range(40):
        wire.send(b"SSH noise ", at)
        at += 10
    wire.send(HELLO, at)
    assert wire.names == []
    sizes = wire.streams.table_sizes()
    assert (sizes["streams"], sizes["streams_opened"], sizes["streams_decided"]) == (0, 0, 1)


def test_a_hello_of_16_kib() -> None:
    message = build.hello_for(b"big.example", pad=16_384 - 300)
    data = build.records(message, 5000)
    wire = Wire()
    wire.syn()
    pieces = [(at, data[at : at + 1400]) for at in range(0, len(data), 1400)]
    for at, piece in reversed(pieces):
        wire.send(piece, at)
    assert wire.names == [b"big.example"]


def test_dns_over_tcp_both_ways_for_as_long_as_it_lasts() -> None:
    question = dns.message.make_query("www.tiktok.com", "A")
    query = question.to_wire(prepend_length=True)
    reply = dns.message.make_response(question).to_wire(prepend_length=True)
    wire = Wire(port=53)
    wire.syn()
    wire.syn_ack()
    for turn in range(3):
        wire.send(query[:9], turn * len(query))
        wire.send(query[9:], turn * len(query) + 9)
        wire.answer(reply, turn * len(reply))
    messages = [seen for seen in wire.seen if isinstance(seen, DnsMessage)]
    assert [(seen.name, seen.is_response, seen.tcp) for seen in messages] == [
        (b"www.tiktok.com", False, True), (b"www.tiktok.com", True, True),
    ] * 3  # fmt: skip


def test_a_lost_segment_of_dns_costs_only_its_message() -> None:
    query = dns.message.make_query("www.tiktok.com", "A").to_wire(prepend_length=True)
    wire = Wire(port=53)
    wire.syn()
    wire.send(query)
    for turn in range(2, 12):
        wire.now += 0.5
        wire.send(query, turn * len(query))
    assert len(wire.seen) == 11
    assert wire.errors.counts == {("tcp", "hole"): 1}


def test_dns_that_is_joined_within_a_message_is_found_again() -> None:
    query = dns.message.make_query("www.tiktok.com", "A").to_wire(prepend_length=True)
    wire = Wire(port=53)
    wire.send(b"\xff" * 30)
    wire.send(b"\xff" * 30, 30)
    for turn in range(20):
        wire.send(query, 60 + turn * len(query))
    assert len([one for one in wire.seen if isinstance(one, DnsMessage)]) == 20
    nothing = Wire(port=53)
    for turn in range(20):
        nothing.send(b"\xff" * 30, turn * 30)
    assert nothing.streams.table_sizes()["streams"] == 0


def test_dns_over_tcp_on_another_port() -> None:
    query = dns.message.make_query("www.tiktok.com", "A").to_wire(prepend_length=True)
    wire = Wire(port=5354)
    wire.syn()
    wire.send(query)
    wire.send(query, len(query))
    assert len(wire.seen) == 2


@settings(deadline=None)
@given(st.data())
def test_any_split_order_and_repetition_gives_the_hello_once(data: st.DataObject) -> None:
    """The SYN was seen, so the order of what follows does not matter; sequence numbers wrap on the way."""
    cuts = sorted(data.draw(st.sets(st.integers(1, len(HELLO) - 1), max_size=12)))
    pieces = [(a, HELLO[a:b]) for a, b in zip([0, *cuts], [*cuts, len(HELLO)], strict=True)]
    overlaps = data.draw(st.lists(st.tuples(st.integers(0, len(HELLO) - 1), st.integers(1, 200)), max_size=6))
    pieces += [(at, HELLO[at : at + length]) for at, length in overlaps]
    wire = Wire(CLOSE_TO_WRAP)
    wire.syn()
    for at, piece in data.draw(st.permutations(pieces)):
        wire.send(piece, at)
    assert wire.names == [b"www.tiktok.com"]


@given(st.lists(st.tuples(st.binary(min_size=1, max_size=60), st.integers(0, 400), st.booleans()), max_size=30))
def test_any_segments_are_taken(segments: list[tuple[bytes, int, bool]]) -> None:
    wires = [Wire(port=53), Wire()]
    for wire in wires:
        for data, at, answer in segments:
            (wire.answer if answer else wire.send)(data, at)
            (wire.answer if answer else wire.send)(HELLO[at : at + len(data)], at)
        assert wire.streams.bytes_held >= 0


def test_half_open_floods_stay_within_the_limits() -> None:
    limits = Limits(streams=50, streams_bytes=100_000)
    streams = Streams(limits, ErrorCounts())
    seen: list[Observation] = []
    for port in range(2000):
        streams.segment(build.packet(0.0, TCP_SYN, source_port=port), b"", 0, 0, 1, 0, seen)
        start = build.packet(0.0, TCP_ACK, source_port=port + 5000)
        streams.segment(start, BIG[:200], 0, 200, 1, 0, seen)
        for at in range(1000, 9000, 1000):
            streams.segment(start, bytes(1000), 0, 1000, at, 0, seen)
        held = sum(stream.size() + STREAM_OVERHEAD for stream in streams.streams.values())
        assert held == streams.bytes_held <= limits.streams_bytes
    sizes = streams.table_sizes()
    assert sizes["streams"] <= limits.streams
    assert sizes["streams_opened"] <= 8 * limits.streams
    assert streams.evictions["streams"] > 0
    assert streams.evictions["streams_opened"] == 2000 - 8 * limits.streams
    assert seen == []


def test_silent_streams_are_forgotten() -> None:
    wire = Wire()
    wire.send(HELLO[:100])
    wire.streams.expire(119.0)
    assert wire.streams.table_sizes()["streams"] == 1
    wire.streams.expire(121.0)
    assert wire.streams.table_sizes()["streams"] == 0
    assert wire.streams.bytes_held == 0


def test_a_hello_that_the_capture_cut_is_read_as_far_as_its_name() -> None:
    """`tcpdump -s`: the server name is in the first bytes."""
    wire = Wire()
    wire.syn()
    packet = build.packet(0.0, TCP_ACK)
    packet.payload = len(BIG)
    wire.streams.segment(packet, BIG[:400], 0, 400, 1000, 77, wire.seen)
    assert wire.names == [b"www.tiktok.com"]
    assert build.hellos(wire.seen)[0].ja4 == ""
