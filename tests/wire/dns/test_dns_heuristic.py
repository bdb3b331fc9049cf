"""Recognition of DNS on ports of other protocols."""

import dns.message
import dns.rcode
import pytest
from dns_messages import response
from hypothesis import given
from hypothesis import strategies as st

from monitor.wire.dns.codes import rcode_label, rcode_name, type_name
from monitor.wire.dns.heuristic import looks_like_dns

QUERY = dns.message.make_query("www.example.com", "AAAA", use_edns=0).to_wire()
ANSWER = response("www.example.com", "A", ("www.example.com.", 60, "A", "192.0.2.1")).to_wire()


def looks(data: bytes) -> bool:
    return looks_like_dns(b"head" + data + b"tail", 4, 4 + len(data))


def test_queries_and_answers_do() -> None:
    refused = dns.message.make_response(dns.message.make_query("example.com", "ANY"))
    refused.set_rcode(dns.rcode.REFUSED)
    assert looks(QUERY)
    assert looks(ANSWER)
    assert looks(refused.to_wire())


def test_padding_behind_the_records_does_not_matter() -> None:
    assert looks(QUERY + bytes(200))


@pytest.mark.parametrize(
    ("at", "value"),
    [
        (2, 0x11),  # another opcode
        (3, 0x40),  # the reserved bit
        (3, 0x03),  # a query with an rcode
        (5, 2),  # two questions
        (5, 0),
        (7, 1),  # a query with answers
        (11, 9),
        (12, 0xC0),  # a pointer in the question
        (14, 0x07),  # a control byte in the name
    ],
)
def test_unusual_queries_do_not(at: int, value: int) -> None:
    unusual = bytearray(QUERY)
    unusual[at] = value
    assert not looks(bytes(unusual))


def test_an_answer_cut_behind_its_question_does() -> None:
    question = 12 + 17 + 4
    assert not any(looks(ANSWER[:size]) for size in range(question))
    assert all(looks(ANSWER[:size]) for size in range(question, len(ANSWER)))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(64),
        b"\xff" * 64,
        b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n",
        bytes.fromhex("2300000000000000" + "00" * 40),  # NTP
        bytes.fromhex("000100002112a442") + bytes(12),  # STUN
        b"\xc3\x00\x00\x00\x01\x08" + bytes(40),  # QUIC
        b"\x01\x00\x00\x00" + bytes(144),  # WireGuard
        b"d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe",  # BitTorrent DHT
    ],
)
def test_other_protocols_do_not(data: bytes) -> None:
    assert not looks(data)


@given(st.binary(max_size=200))
def test_any_bytes_do_not(data: bytes) -> None:
    assert not looks(data)


def test_mnemonics() -> None:
    assert [type_name(number) for number in (1, 28, 65, 255, 257, 65280)] == [
        "A", "AAAA", "HTTPS", "ANY", "CAA", "TYPE65280",
    ]  # fmt: skip
    assert [rcode_name(number) for number in (0, 3, 5, 12, 16, 3841)] == [
        "NOERROR", "NXDOMAIN", "REFUSED", "RCODE12", "BADVERS", "RCODE3841",
    ]  # fmt: skip
    assert [rcode_label(number) for number in (3, 3841)] == ["NXDOMAIN", "other"]
