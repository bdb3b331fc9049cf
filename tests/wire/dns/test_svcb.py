"""Service bindings (RFC 9460): presentation, and what attribution takes from them. Vectors of its appendix D."""

import dns.name
import dns.rdata
import pytest
from dns_messages import PACKET, parsed, response
from hypothesis import given
from hypothesis import strategies as st

from monitor.model import DNS, DnsMessage, DnsRecord
from monitor.wire.dns.addresses import (
    record_address,
    record_name,
    svcb_has_ech,
    svcb_hints,
    svcb_is_alias,
    svcb_target,
)
from monitor.wire.dns.rdata import rdata_text


def record_of(rdata: bytes, type: int = 65) -> tuple[DnsMessage, DnsRecord]:
    data = b"\7example\3com\0" + rdata
    message = DnsMessage(PACKET, data, 0, len(data), DNS, False)
    return message, DnsRecord(b"owner.example", type, 1, 0, 13, len(data))


def text_of(wire: str) -> str:
    return rdata_text(*record_of(bytes.fromhex(wire)))


FOO = "03666f6f 07657861 6d706c65 03636f6d 00"


@pytest.mark.parametrize(
    ("wire", "text"),
    [
        (f"0000 {FOO}", "0 foo.example.com"),
        ("0001 00", "1 ."),
        (f"0010 {FOO} 0003 0002 0035", "16 foo.example.com port=53"),
        (f"0001 {FOO} 029b 0005 68656c6c6f", '1 foo.example.com key667="hello"'),
        (f"0001 {FOO} 029b 0009 68656c6c6fd2716f6f", '1 foo.example.com key667="hello\\210qoo"'),
        (
            f"0001 {FOO} 0006 0020 20010db8000000000000000000000001 20010db8000000000000000000530001",
            "1 foo.example.com ipv6hint=2001:db8::1,2001:db8::53:1",
        ),
        (
            "0010 03666f6f 07657861 6d706c65 036f7267 00 0000 0004 0001 0004 0001 0009 02 6832 05 68332d3139"
            "0004 0004 c0000201",
            '16 foo.example.org mandatory=alpn,ipv4hint alpn="h2,h3-19" ipv4hint=192.0.2.1',
        ),
        (
            "0010 03666f6f 07657861 6d706c65 036f7267 00 0001 000c 08 665c6f6f2c626172 02 6832",
            '16 foo.example.org alpn="f\\\\\\\\oo\\\\,bar,h2"',
        ),
        ("0001 00 0001 0003 02 6832 0002 0000", '1 . alpn="h2" no-default-alpn'),
        ("0001 00 0005 0006 0004fe0d0000", "1 . ech=AAT+DQAA"),
        ("0001 00 0007 0010 2f646e732d71756572797b3f646e737d", '1 . dohpath="/dns-query{?dns}"'),
    ],
)
def test_presentation(wire: str, text: str) -> None:
    assert text_of(wire) == text
    back = dns.rdata.from_text("IN", "HTTPS", text.replace("dohpath", "key7"), dns.name.root, relativize=False)
    assert back.to_wire() == bytes.fromhex(wire)


@pytest.mark.parametrize(
    "wire",
    [
        "0001",
        "0001 00 0003 0001 00",
        "0001 00 0004 0003 010203",
        "0001 00 0006 0000",
        "0001 00 0001 0000",
        "0001 00 0001 0001 00",
        "0001 00 0000 0001 00",
        "0001 00 0002 0001 00",
        "0001 00 0003 0002 0035 0003 0002 0035",
        "0001 00 0004 0004 01020304 0003 0002 0035",
        "0001 00 0003 0002 00",
        "0001 00 0003 00",
    ],
)
def test_broken_parameters_are_written_as_unknown(wire: str) -> None:
    data = bytes.fromhex(wire)
    assert text_of(wire) == f"\\# {len(data)} {data.hex()}"


HINTS = bytes.fromhex(
    "0001 00 0001 0003 02 6832 0004 0008 c0000201c0000202 0005 0002 abcd0006 0010 20010db8000000000000000000000001"
)


def test_hints_and_ech() -> None:
    message, record = record_of(HINTS)
    expected = ["c0000201", "c0000202", "20010db8000000000000000000000001"]
    assert [hint.hex() for hint in svcb_hints(message, record)] == expected
    assert svcb_has_ech(message, record)
    assert svcb_target(message, record) == b"owner.example"
    assert not svcb_is_alias(message, record)


def test_other_records_have_neither() -> None:
    message, record = record_of(HINTS, type=16)
    assert svcb_hints(message, record) == []
    assert not svcb_has_ech(message, record)


def test_alias_mode_has_a_target_and_no_parameters() -> None:
    message, record = record_of(bytes.fromhex("0000 03 666f6f c000 0004 0004 c0000201"))
    assert svcb_is_alias(message, record)
    assert svcb_target(message, record) == b"foo.example.com"
    assert svcb_hints(message, record) == []
    assert svcb_target(*record_of(b"\0\0\0")) == b"."


def test_addresses_and_targets() -> None:
    answer = response(
        "www.example.com",
        "A",
        ("www.example.com.", 60, "CNAME", "e1.example.net."),
        ("e1.example.net.", 20, "A", "192.0.2.1"),
        ("e1.example.net.", 20, "AAAA", "2001:db8::1"),
    )
    message = parsed(answer.to_wire())
    alias, four, six = message.answers
    assert record_name(message, alias) == b"e1.example.net"
    assert record_address(message, alias) == b""
    assert record_address(message, four) == bytes((192, 0, 2, 1))
    assert record_address(message, six).hex() == "20010db8" + "0" * 23 + "1"
    four.klass = 3
    assert record_address(message, four) == b""


@given(st.binary(max_size=80))
def test_any_bytes(rdata: bytes) -> None:
    message, record = record_of(rdata)
    svcb_has_ech(message, record)
    svcb_target(message, record)
    record_name(message, record)
    assert record_address(message, record) == b""
    assert all(len(hint) in (4, 16) for hint in svcb_hints(message, record))
