"""Queries are read strictly, answers matched to them, and no bytes raise."""

import dns.flags
import dns.message
import dns.opcode
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.wire.dns.query import BADVERS, FORMERR, NOTIMP, Query, is_answer, read_query
from monitor.wire.dns.reply import Template, error_option, make_answer, make_error

GOOD = dns.message.make_query("WWW.Example.com", "AAAA", want_dnssec=True, payload=1400, id=0x6777).to_wire()


def read(data: bytes) -> Query:
    query = read_query(data)
    assert query is not None
    return query


def test_a_query_is_read() -> None:
    query = read(GOOD)
    assert (query.name, query.type, query.klass, query.trouble) == (b"www.example.com", 28, 1, 0)
    assert (query.edns, query.dnssec, query.version, query.opcode) == (True, True, 0, 0)
    assert query.data[12 : query.behind] == b"\3WWW\7Example\3com\0\0\x1c\0\1"


@pytest.mark.parametrize(
    ("data", "trouble"),
    [
        (GOOD[:2] + b"\x08" + GOOD[3:], NOTIMP),  # an inverse query
        (GOOD[:2] + b"\x30" + GOOD[3:], NOTIMP),  # DSO
        (GOOD[:5] + b"\0" + GOOD[6:], FORMERR),  # no question
        (GOOD[:5] + b"\2" + GOOD[6:], FORMERR),
        (GOOD[:12] + b"\xc0\x0c" + GOOD[-15:], FORMERR),  # a name that is a pointer
        (GOOD[:12] + b"\x40" + GOOD[13:], FORMERR),  # a label of no known kind
        (GOOD[:-1], FORMERR),  # half an OPT record
        (GOOD[:20], FORMERR),
        (GOOD[:11] + b"\2" + GOOD[12:] + GOOD[-11:], FORMERR),  # two OPT records
        (GOOD[:7] + b"\1" + GOOD[8:11] + b"\0" + GOOD[12:], FORMERR),  # OPT as an answer
        (b"\0\1\1\0\0\1\0\0\0\0\0\0" + b"\x3f" + b"a" * 63 + (b"\x3f" + b"b" * 63) * 3 + b"\0\0\1\0\1", FORMERR),
    ],
)
def test_what_is_wrong_gets_its_code(data: bytes, trouble: int) -> None:
    query = read(data)
    assert query.trouble == trouble
    answer = dns.message.from_wire(make_error(query, query.trouble), ignore_trailing=False)
    assert (answer.rcode(), answer.id) == (trouble, dns.message.from_wire(GOOD).id if data[:2] == GOOD[:2] else 1)


@pytest.mark.parametrize("data", [b"", GOOD[:11], GOOD[:2] + b"\x81" + GOOD[3:]])
def test_what_is_no_query_gets_no_answer(data: bytes) -> None:
    assert read_query(data) is None


@given(st.binary(max_size=80), st.integers(0, 11))
def test_no_bytes_raise(tail: bytes, at: int) -> None:
    head = bytearray(GOOD[:12])
    head[at] ^= tail[0] if tail else 1
    for data in (tail, bytes(head) + tail):
        query = read_query(data)
        if query is not None:
            assert 12 <= query.behind <= len(data)
            answer = make_answer(query, Template(query.trouble & 15, 0, 0, b""), b"")
            assert dns.message.from_wire(answer).id == int.from_bytes(data[:2], "big")
            is_answer(query, tail)


def test_an_answer_is_known_by_its_question() -> None:
    query = read(GOOD)
    message = dns.message.from_wire(GOOD)
    right = dns.message.make_response(message)
    assert is_answer(query, right.to_wire())
    assert is_answer(query, right.to_wire().replace(b"Example", b"eXAMPLE"))
    assert not is_answer(query, right.to_wire().replace(b"Example", b"Exomple"))
    assert not is_answer(query, GOOD)
    right.question = []
    assert not is_answer(query, right.to_wire())
    right.set_rcode(FORMERR)
    assert is_answer(query, right.to_wire())
    right.set_opcode(dns.opcode.UPDATE)
    assert not is_answer(query, right.to_wire())


def test_a_version_of_edns_that_nobody_speaks_is_told_so() -> None:
    query = read(GOOD)
    assert dns.message.from_wire(make_error(query, BADVERS)).rcode() == BADVERS


def test_a_long_text_is_cut_between_letters() -> None:
    option = error_option(15, ("x" + "ä" * 100).encode())
    assert option[:6] == bytes((0, 15, 0, len(option) - 4, 0, 15))
    assert option[6:].decode() == "x" + "ä" * 47
