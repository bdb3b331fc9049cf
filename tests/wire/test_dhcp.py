"""DHCP and DHCPv6: who calls itself what, and which address it got."""

import pytest
from frames import ETHER, Watch, observe, of
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.dhcp import BOOTP, DHCP
from scapy.layers.dhcp6 import (
    DUID_EN,
    DUID_LL,
    DUID_LLT,
    DHCP6_RelayForward,
    DHCP6_Reply,
    DHCP6_Solicit,
    DHCP6OptClientFQDN,
    DHCP6OptClientId,
    DHCP6OptIA_NA,
    DHCP6OptIAAddress,
    DHCP6OptRelayMsg,
)
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.packet import Packet as Layer

from monitor.model import DhcpMessage

MAC = bytes.fromhex("0200000000aa")
ASKS = ETHER / IP(src="0.0.0.0", dst="255.255.255.255") / UDP(sport=68, dport=67)
GIVES = ETHER / IP(src="192.0.2.1", dst="192.0.2.9") / UDP(sport=67, dport=68)
SIX = ETHER / IPv6(src="fe80::1", dst="ff02::1:2") / UDP(sport=546, dport=547)


def facts(data: bytes) -> list[tuple[str, bytes, bytes, bytes, int]]:
    return [(one.kind, one.mac, one.address, one.hostname, one.lease) for one in of(DhcpMessage, observe(data))]


def options(*pairs: object) -> Layer:
    return DHCP(options=[*pairs, "end"])


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (
            ASKS / BOOTP(chaddr=MAC) / options(("message-type", "discover"), ("hostname", b"Kawai-iPad")),
            ("discover", MAC, b"", b"Kawai-iPad", 0),
        ),
        (
            ASKS / BOOTP(chaddr=MAC) / options(("message-type", "request"), ("requested_addr", "192.0.2.9")),
            ("request", MAC, b"", b"", 0),
        ),
        (
            GIVES
            / BOOTP(op=2, chaddr=MAC, yiaddr="192.0.2.9")
            / options(("message-type", "ack"), ("lease_time", 3600)),
            ("ack", MAC, bytes([192, 0, 2, 9]), b"", 3600),
        ),
        (
            GIVES / BOOTP(op=2, chaddr=MAC, ciaddr="192.0.2.8") / options(("message-type", "ack")),
            ("ack", MAC, bytes([192, 0, 2, 8]), b"", 0),
        ),
        (
            ASKS / BOOTP(chaddr=MAC) / options(("message-type", "inform"), (81, b"\x00\0\0laptop.example.org")),
            ("inform", MAC, b"", b"laptop", 0),
        ),
        (
            ASKS / BOOTP(chaddr=MAC) / options(("message-type", "inform"), (81, b"\x04\0\0\x06laptop\x07example\0")),
            ("inform", MAC, b"", b"laptop", 0),
        ),
        (
            ASKS / BOOTP(chaddr=MAC) / options(("message-type", "release"), (12, b"lap"), "pad", (12, b"top\0")),
            ("release", MAC, b"", b"laptop", 0),
        ),
        (
            ASKS
            / BOOTP(chaddr=MAC, file=b"\x0c\x03tablet"[:5] + b"\xff")
            / options(("message-type", 3), (52, b"\x01")),
            ("request", MAC, b"", b"tab", 0),
        ),
    ],
)
def test_messages(layer: Layer, expected: tuple[str, bytes, bytes, bytes, int]) -> None:
    assert facts(bytes(layer)) == [expected]


@pytest.mark.parametrize(
    "layer",
    [
        ASKS / BOOTP(chaddr=MAC),
        ASKS / BOOTP(chaddr=MAC) / options(("hostname", b"x")),
        ASKS / BOOTP(chaddr=MAC) / options(("message-type", 77)),
        ASKS / BOOTP(chaddr=MAC, htype=6) / options(("message-type", 1)),
        ETHER / IP() / UDP(sport=67, dport=9999) / BOOTP(chaddr=MAC) / options(("message-type", 1)),
    ],
)
def test_what_is_no_dhcp_message_of_ethernet(layer: Layer) -> None:
    assert facts(bytes(layer)) == []


def test_a_cut_message_is_counted() -> None:
    data = bytes(ASKS / BOOTP(chaddr=MAC) / options(("message-type", "discover"), ("hostname", b"Kawai-iPad")))
    watch = Watch()
    (one,) = of(DhcpMessage, watch.see(data[:-5], length=len(data)))
    assert (one.kind, one.hostname) == ("discover", b"")
    watch.see(data[:100], length=len(data))
    assert watch.errors.counts == {("dhcp", "malformed"): 1, ("dhcp", "too_short"): 1}


NAMED = DHCP6OptClientId(duid=DUID_LLT(lladdr="02:00:00:00:00:aa")) / DHCP6OptClientFQDN(fqdn="laptop.example.org")
ADDRESS = DHCP6OptIA_NA(ianaopts=[DHCP6OptIAAddress(addr="2001:db8::9", validlft=600)])


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (SIX / DHCP6_Solicit() / NAMED, ("solicit", MAC, b"", b"laptop", 0)),
        (
            SIX / DHCP6_Reply() / DHCP6OptClientId(duid=DUID_LL(lladdr="02:00:00:00:00:aa")) / ADDRESS,
            ("reply", MAC, bytes.fromhex("20010db8") + bytes(11) + b"\x09", b"", 600),
        ),
        (
            SIX / DHCP6_RelayForward() / DHCP6OptRelayMsg(message=DHCP6_Solicit() / NAMED),
            ("solicit", MAC, b"", b"laptop", 0),
        ),
    ],
)
def test_messages_of_version_6(layer: Layer, expected: tuple[str, bytes, bytes, bytes, int]) -> None:
    assert facts(bytes(layer)) == [expected]


def test_a_client_of_version_6_without_a_mac_is_nobody() -> None:
    assert facts(bytes(SIX / DHCP6_Solicit() / DHCP6OptClientId(duid=DUID_EN(id=b"abcd")))) == []


@given(st.binary(max_size=120), st.sampled_from([bytes(ASKS), bytes(SIX)]))
def test_any_bytes_never_raise(data: bytes, head: bytes) -> None:
    observe(head + data, length=2000)
    observe(head + bytes(236) + bytes.fromhex("63825363") + data, length=2000)
