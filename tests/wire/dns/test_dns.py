"""DNS messages: header, sections, EDNS, and what remains of broken ones."""

import random
import time

import dns.edns
import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.rrset
import dns.update
import dnslib
import pytest
from dns_messages import PACKET, parse, parsed, response
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import ErrorCounts
from monitor.model import DNS, LLMNR, MDNS
from monitor.wire.dns.message import parse_message


def test_a_query() -> None:
    query = dns.message.make_query("WWW.Example.com", "HTTPS", id=0x1234)
    message = parsed(query.to_wire())
    assert (message.id, message.name, message.type, message.klass) == (0x1234, b"www.example.com", 65, 1)
    assert not message.is_response
    assert (message.questions, message.answers, message.edns, message.rcode) == (1, [], False, 0)
    assert message.packet is PACKET


def test_an_answer_with_a_chain() -> None:
    answer = response(
        "www.example.com",
        "A",
        ("www.example.com.", 60, "CNAME", "e1.cdn.example.net."),
        ("e1.cdn.example.net.", 20, "A", "192.0.2.1"),
        ("e1.cdn.example.net.", 20, "AAAA", "2001:db8::1"),
    )
    message = parsed(answer.to_wire())
    assert message.is_response
    assert [(record.name, record.type, record.klass, record.ttl) for record in message.answers] == [
        (b"www.example.com", 5, 1, 60),
        (b"e1.cdn.example.net", 1, 1, 20),
        (b"e1.cdn.example.net", 28, 1, 20),
    ]
    assert message.answers[0].name is message.name


def test_only_the_answer_section_is_kept() -> None:
    answer = response("example.com", "A", ("example.com.", 1, "A", "192.0.2.1"))
    answer.authority.append(dns.rrset.from_text("example.com.", 2, "IN", "NS", "ns.example.com."))
    answer.additional.append(dns.rrset.from_text("ns.example.com.", 3, "IN", "A", "192.0.2.2"))
    assert [record.ttl for record in parsed(answer.to_wire()).answers] == [1]


def test_edns_extends_the_rcode() -> None:
    answer = response("example.com", "A", ("example.com.", 1, "A", "192.0.2.1"))
    answer.use_edns(0)
    answer.set_rcode(dns.rcode.BADCOOKIE)
    answer.authority.append(dns.rrset.from_text("example.com.", 2, "IN", "NS", "ns.example.com."))
    answer.additional.append(dns.rrset.from_text("ns.example.com.", 3, "IN", "A", "192.0.2.2"))
    message = parsed(answer.to_wire())
    assert message.edns
    assert message.rcode == 23
    assert parsed(response("example.com", "A").to_wire()).rcode == 0


def test_an_opt_that_is_not_owned_by_the_root_is_none() -> None:
    wire = bytes.fromhex("000181000000000000000001") + b"\1x\0" + bytes.fromhex("0029 1000 01000000 0000")
    assert (parsed(wire).edns, parsed(wire).rcode) == (False, 0)


def test_the_first_of_several_questions_names_the_message() -> None:
    query = dns.message.make_query("one.example", "A")
    query.question.append(dns.rrset.RRset(dns.name.from_text("two.example"), 1, 28))
    message = parsed(query.to_wire())
    assert (message.questions, message.name, message.type) == (2, b"one.example", 1)


def test_no_question_no_name() -> None:
    message = parsed(bytes.fromhex("00078180") + bytes(8))
    assert (message.id, message.questions, message.name, message.type) == (7, 0, b"", 0)


def test_an_answer_without_a_question() -> None:
    """Ordinary for mDNS (RFC 6762 section 6); the pointer to where a question would be leads to the first owner."""
    wire = bytes.fromhex("000084000000000200000000") + b"\1A\5local\0" + bytes.fromhex("0001800100000078 0004 c0000201")
    message = parsed(wire + bytes.fromhex("c00c 0001 8001 00000078 0004 c0000202"), MDNS)
    assert [(record.name, record.klass) for record in message.answers] == [(b"a.local", 1), (b"a.local", 1)]


def test_mdns_flags_in_the_class() -> None:
    wire = bytes.fromhex("000000000001000000000000") + b"\1a\5local\0" + bytes.fromhex("00018001")
    assert parsed(wire, MDNS).klass == 1
    assert parsed(wire, MDNS).service == MDNS
    assert parsed(wire, DNS).klass == 0x8001
    assert parsed(wire, LLMNR).service == LLMNR


def test_prerequisites_of_an_update_are_no_answers() -> None:
    update = dns.update.UpdateMessage("example.com")
    update.present("host", "A", "192.0.2.7")
    update.add("host", 300, "A", "192.0.2.8")
    message = parsed(update.to_wire())
    assert (message.name, message.type, message.answers) == (b"example.com", 6, [])


@pytest.mark.parametrize("opcode", [dns.opcode.NOTIFY, dns.opcode.STATUS, dns.opcode.IQUERY])
def test_other_opcodes_are_messages(opcode: dns.opcode.Opcode) -> None:
    query = dns.message.make_query("example.com", "SOA")
    query.set_opcode(opcode)
    assert parsed(query.to_wire()).name == b"example.com"


ANSWER = response(
    "example.com", "A", ("example.com.", 1, "A", "192.0.2.1"), ("example.com.", 2, "A", "192.0.2.2")
).to_wire()


def test_an_answer_cut_anywhere_keeps_what_is_whole() -> None:
    question = 12 + 13 + 4
    for size in range(len(ANSWER)):
        errors = ErrorCounts()
        message = parse(ANSWER[:size], errors=errors)
        assert errors.counts == {("dns", "too_short"): 1}
        assert (message is None) == (size < question)
        if message is not None:
            assert message.name == b"example.com"
            assert len(message.answers) == (size - question) // 16


def test_a_truncated_answer_may_end_anywhere() -> None:
    truncated = bytearray(ANSWER[:-3])
    truncated[2] |= dns.flags.TC >> 8
    assert len(parsed(bytes(truncated)).answers) == 1


@pytest.mark.parametrize(
    ("wire", "kind", "seen"),
    [
        (b"", "too_short", False),
        (bytes(11), "too_short", False),
        (bytes.fromhex("000001000001000000000000 c00c 0001 0001"), "malformed", False),  # a name that is its own
        (bytes.fromhex("000001000001000000000000 41 0001 0001"), "malformed", False),
        (bytes.fromhex("000001000001000000000000 0161 00 0001"), "too_short", False),
        (bytes.fromhex("000001000002000000000000 0161 00 0001 0001 0162"), "too_short", True),
        (bytes.fromhex("000081000001000100000000 0161 00 0001 0001 c020 0001 0001 00000000 0000"), "malformed", True),
        (bytes.fromhex("000081000001000000010000 0161 00 0001 0001 80"), "malformed", True),
    ],
)
def test_broken_messages_are_counted(wire: bytes, kind: str, seen: bool) -> None:
    errors = ErrorCounts()
    assert (parse(wire, errors=errors) is not None) == seen
    assert errors.counts == {("dns", kind): 1}


@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    for service in (DNS, MDNS, LLMNR):
        errors = ErrorCounts()
        message = parse(data, service, errors)
        assert message is not None or sum(errors.counts.values()) == 1


def test_any_damage_to_a_real_answer() -> None:
    source = random.Random(5)
    for _ in range(20_000):
        damaged = bytearray(ANSWER)
        for _ in range(source.randint(1, 4)):
            damaged[source.randrange(len(damaged))] = source.randrange(256)
        errors = ErrorCounts()
        message = parse(bytes(damaged[: source.randint(0, len(damaged))]), errors=errors)
        assert message is not None or sum(errors.counts.values()) == 1
        for record in message.answers if message is not None else []:
            assert 14 <= record.start <= record.end <= message.end if message is not None else False


def test_a_pointer_bomb_is_read_in_time() -> None:
    """A long chain of pointers, and thousands of records whose owners are at its two ends in turn."""
    chain_at = 12 + 7 + 11
    chain = [12, *range(chain_at, chain_at + 2 * 125, 2)]
    rdata = b"".join(bytes((0xC0 | at >> 8, at & 255)) for at in chain)
    owners = [bytes((0xC0 | at >> 8, at & 255)) for at in (chain[-1], chain[-2])]
    count = 5400
    wire = bytes.fromhex("00008000 0001 ") + (count + 1).to_bytes(2, "big") + bytes(4) + b"\1a\0\0\1\0\1"
    wire += b"\0" + bytes.fromhex("0010 0001 00000000") + len(rdata).to_bytes(2, "big") + rdata
    wire += b"".join(owners[number & 1] + bytes.fromhex("0010 0001 00000000 0000") for number in range(count))
    assert len(wire) < 65536
    started = time.process_time()
    message = parse_message(PACKET, wire, 0, len(wire), DNS, True, ErrorCounts())
    assert message is not None
    # Of this process alone, whatever else the machine does.
    assert time.process_time() - started < 20.0


LABEL = st.from_regex(r"[a-z0-9_]([a-z0-9-]{0,12}[a-z0-9])?", fullmatch=True)
NAME = st.lists(LABEL, min_size=1, max_size=5).map(".".join)
ADDRESS = st.ip_addresses(v=4).map(str)


@given(NAME, st.integers(0, 0xFFFF), st.lists(st.tuples(NAME, st.integers(0, 2**31 - 1), ADDRESS), max_size=6))
def test_messages_that_dnslib_packs(name: str, id: int, records: list[tuple[str, int, str]]) -> None:
    packed = dnslib.DNSRecord(dnslib.DNSHeader(id=id, qr=1), q=dnslib.DNSQuestion(name, dnslib.QTYPE.A))
    for owner, ttl, address in records:
        packed.add_answer(dnslib.RR(owner, dnslib.QTYPE.A, ttl=ttl, rdata=dnslib.A(address)))
    message = parsed(packed.pack())
    assert (message.id, message.name) == (id, name.encode())
    assert [
        (record.name.decode(), record.ttl, ".".join(map(str, message.data[record.start : record.end])))
        for record in message.answers
    ] == records
