"""Which protocol a UDP payload is given to."""

import pytest
from frames import ETHER, QUERY, observe, of
from scapy.layers.inet import IP, UDP
from scapy.packet import Raw

from monitor.model import DNS, LLMNR, MDNS, DnsMessage, Packet

ANSWER = (
    QUERY[:2] + bytes.fromhex("8180 0001 0001") + QUERY[8:] + bytes.fromhex("c00c 0001 0001 0000003c 0004 01020304")
)


def messages(source: int, destination: int, content: bytes) -> list[DnsMessage]:
    return of(DnsMessage, observe(bytes(ETHER / IP() / UDP(sport=source, dport=destination) / Raw(content))))


@pytest.mark.parametrize(
    ("source", "destination", "service"),
    [
        (4000, 53, DNS),
        (53, 4000, DNS),
        (53, 53, DNS),
        (5353, 53, DNS),
        (5353, 5353, MDNS),
        (4000, 5353, MDNS),
        (5353, 4000, MDNS),
        (4000, 5355, LLMNR),
        (5355, 4000, LLMNR),
        (4000, 8053, DNS),
        (8053, 4000, DNS),
        (4000, 67, DNS),
    ],
)
def test_dns_and_its_kin_by_port_then_by_shape(source: int, destination: int, service: int) -> None:
    assert [(one.service, one.tcp) for one in messages(source, destination, ANSWER)] == [(service, False)]


@pytest.mark.parametrize("content", [QUERY[:-1], QUERY[:12], bytes(40), b"GET / HTTP/1.1\r\n\r\n", b""])
def test_on_other_ports_only_what_is_dns_from_end_to_end(content: bytes) -> None:
    assert messages(4000, 9999, content) == []


def test_netbios_names_are_no_dns() -> None:
    asks = (
        bytes.fromhex("1234 0110 0001 000000000000 20")
        + b"CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        + bytes.fromhex("0000210001")
    )
    assert messages(137, 137, asks) == []


@pytest.mark.parametrize(("length", "payload"), [(0, len(QUERY)), (8 + len(QUERY), len(QUERY)), (9999, len(QUERY))])
def test_a_length_that_is_missing_or_too_large_means_to_the_end(length: int, payload: int) -> None:
    seen = observe(bytes(ETHER / IP() / UDP(sport=4000, dport=53, len=length) / Raw(QUERY)))
    assert of(Packet, seen)[0].payload == payload
    assert len(of(DnsMessage, seen)) == 1


def test_what_lies_behind_the_udp_length_is_not_read() -> None:
    seen = observe(bytes(ETHER / IP() / UDP(sport=4000, dport=53, len=8 + len(QUERY)) / Raw(QUERY + b"secret")))
    (message,) = of(DnsMessage, seen)
    assert message.data[message.start : message.end] == QUERY
