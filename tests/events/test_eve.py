"""Events to EVE lines: the content of each event type, and the escaping of odd input."""

import ast
import json
from pathlib import Path

import pytest
from generate.event_fields import COMMON, FIELDS, LABELS
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import ErrorCounts
from monitor.events import eve
from monitor.events.eve import escaped, eve_line, eve_type, tls_version
from monitor.events.times import timestamp
from monitor.model import DNS, LLMNR, MDNS, ClientHello, DhcpMessage, DnsMessage, Event, FlowRecord, Labels, Packet
from monitor.model import flow_key as key
from monitor.wire.dns.message import parse_message

CLIENT, SERVER, CLIENT_V6 = bytes((192, 168, 1, 7)), bytes((192, 0, 2, 1)), bytes.fromhex("20010db8" + "0" * 23 + "7")
TIME = 1_795_360_804.123456
TIKTOK = Labels("aa:bb:cc:dd:ee:ff", "students", "bytedance", "tiktok", "sni", "bytedance", "tiktok.com")


def packet(flow: bytes, number: int = 7) -> Packet:
    return Packet(TIME, number, 0, b"", flow, 100, 0)


def message(text: str, flow: bytes, service: int = DNS, tcp: bool = False) -> DnsMessage:
    data = bytes.fromhex(text.replace(" ", ""))
    parsed = parse_message(packet(flow), data, 0, len(data), service, tcp, ErrorCounts())
    assert parsed is not None
    return parsed


def read(
    about: DnsMessage | ClientHello | DhcpMessage | FlowRecord, labels: Labels = TIKTOK, capture: str = ""
) -> dict:
    line = eve_line(Event(TIME, about, labels), (capture,) if capture else ())
    assert line.endswith("}\n")
    assert "\n" not in line[:-1]
    body = json.loads(line)
    assert body["event_type"] == eve_type(Event(TIME, about, labels))
    return body


def test_a_query() -> None:
    query = "1234 0100 0001 0000 0000 0000 03777777 0654694b546f6b 03636f6d 00 0041 0001"
    assert read(message(query, key(CLIENT, SERVER, 40000, 53, 17))) == {
        "timestamp": "2026-11-22T15:20:04.123456+0000",
        "event_type": "dns",
        "src_ip": "192.168.1.7", "src_port": 40000, "dest_ip": "192.0.2.1", "dest_port": 53, "proto": "UDP",
        "dns": {"type": "query", "id": 0x1234, "rrname": "www.tiktok.com", "rrtype": "HTTPS", "tx": "udp"},
        "gatewatch": {
            "device": "aa:bb:cc:dd:ee:ff", "group": "students", "vendor": "bytedance", "service": "tiktok",
            "evidence": "sni", "list": "bytedance", "entry": "tiktok.com",
        },
    }  # fmt: skip


def test_an_answer_over_tcp() -> None:
    answer = (
        "1234 8183 0001 0002 0000 0000 0161 00 0001 0001"
        "c00c 0005 0001 0000003c 0004 01 62 c00c  c01f ff00 0001 00000000 0002 beef"
    )
    body = read(message(answer, key(SERVER, CLIENT, 53, 40000, 6), tcp=True), Labels(), "a.pcap")
    assert body["dns"] == {
        "type": "answer", "id": 0x1234, "rrname": "a", "rrtype": "A", "rcode": "NXDOMAIN", "tx": "tcp",
        "answers": [
            {"rrname": "a", "rrtype": "CNAME", "ttl": 60, "rdata": "b.a"},
            {"rrname": "b.a", "rrtype": "TYPE65280", "ttl": 0, "rdata": "\\# 2 beef"},
        ],
    }  # fmt: skip
    assert body["gatewatch"] == {"group": "none", "vendor": "unknown", "service": "unknown", "evidence": "none"}
    assert (body["pcap_cnt"], body["pcap_filename"], body["proto"]) == (7, "a.pcap", "TCP")


@pytest.mark.parametrize(("service", "name"), [(DNS, None), (MDNS, "mdns"), (LLMNR, "llmnr")])
def test_the_relatives_of_dns_are_told_apart(service: int, name: str | None) -> None:
    body = read(message("0000 8400 0000 0000 0000 0000", key(CLIENT, SERVER, 5353, 5353, 17), service))
    assert body.get("app_proto") == name
    assert body["dns"] == {
        "type": "answer", "id": 0, "rrname": "", "rrtype": "", "rcode": "NOERROR", "tx": "udp", "answers": []
    }  # fmt: skip


def test_a_tls_hello() -> None:
    hello = ClientHello(packet(key(CLIENT_V6, CLIENT_V6, 40000, 443, 6)), 0)
    hello.sni, hello.alpn, hello.version, hello.ech, hello.ja4 = (
        b"www.tiktok.com",
        [b"h2", b"\x0a\x0a"],
        0x0304,
        True,
        "t13d",
    )
    body = read(hello)
    assert body["src_ip"] == "2001:db8::7"
    assert body["tls"] == {
        "version": "TLS 1.3", "sni": "www.tiktok.com", "alpn": ["h2", "\\010\\010"], "ech": True,
        "ech_offered": False, "ja4": "t13d",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("number", "text"), [(1, "1"), (0x6B3343CF, "2"), (0xFF00001D, "0xff00001d"), (0x1A2A3A4A, "0x1a2a3a4a")]
)
def test_a_quic_hello(number: int, text: str) -> None:
    hello = ClientHello(packet(key(CLIENT, SERVER, 40000, 443, 17)), number)
    body = read(hello)
    assert (body["event_type"], body["proto"]) == ("quic", "UDP")
    assert body["quic"] == {"version": text, "sni": "", "alpn": [], "ech": False, "ech_offered": False, "ja4": ""}


@pytest.mark.parametrize(
    ("number", "text"),
    [(0x0304, "TLS 1.3"), (0x0301, "TLS 1.0"), (0x0300, "SSL 3.0"), (0x7F1C, "TLS 1.3 draft-28"), (0x0305, "0x0305")],
)
def test_tls_versions(number: int, text: str) -> None:
    assert tls_version(number) == text


@pytest.mark.parametrize(("protocol", "name"), [(6, "TCP"), (17, "UDP"), (1, "ICMP"), (58, "IPv6-ICMP"), (89, "89")])
def test_a_flow(protocol: int, name: str) -> None:
    flow = FlowRecord(key(CLIENT, SERVER, 40000, 443, protocol), TIME - 60.5, TIME, "fin")
    flow.application, flow.number = "tls", 99
    flow.packets_to_server, flow.packets_to_client, flow.bytes_to_server, flow.bytes_to_client = 1, 2, 3, 4
    body = read(flow, capture="a.pcap")
    assert (body["proto"], body["app_proto"], body["pcap_cnt"]) == (name, "tls", 99)
    assert body["flow"] == {
        "pkts_toserver": 1, "pkts_toclient": 2, "bytes_toserver": 3, "bytes_toclient": 4, "reason": "fin",
        "start": "2026-11-22T15:19:03.623456+0000", "end": "2026-11-22T15:20:04.123456+0000",
    }  # fmt: skip


def test_dhcp() -> None:
    lease = DhcpMessage(packet(key(SERVER, CLIENT, 67, 68, 17)), "ack", bytes.fromhex("aabbccddeeff"))
    assert read(lease)["dhcp"] == {"type": "ack", "client_mac": "aa:bb:cc:dd:ee:ff"}
    lease.address, lease.hostname = CLIENT, b"Ann's ph\xc3\xb6ne"
    assert read(lease)["dhcp"] == {
        "type": "ack", "client_mac": "aa:bb:cc:dd:ee:ff", "assigned_ip": "192.168.1.7",
        "hostname": "Ann's ph\\195\\182ne",
    }  # fmt: skip


@given(st.binary(max_size=80))
def test_whatever_bytes_are_ascii_without_controls(data: bytes) -> None:
    text = escaped(data)
    assert text.isascii()
    assert not any(ord(sign) < 32 for sign in text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "1970-01-01T00:00:00.000000+0000"),
        (1.9999999, "1970-01-01T00:00:02.000000+0000"),
        (-5.0, "1970-01-01T00:00:00.000000+0000"),
        (1e30, "9999-12-31T23:59:59.000000+0000"),
    ],
)
def test_times(seconds: float, text: str) -> None:
    assert timestamp(seconds) == text


def test_every_key_of_an_event_is_in_the_reference() -> None:
    """Also those that few events have."""
    nodes = list(ast.walk(ast.parse(Path(str(eve.__file__)).read_text())))
    keys = [key for node in nodes if isinstance(node, ast.Dict) for key in node.keys]
    keys += [node.slice for node in nodes if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store)]
    written = {key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str)}
    fields = {name for names in (COMMON, LABELS, *FIELDS.values()) for name in names}
    assert written > {"event_type", "rdata", "decoy"}
    assert written <= {part for name in fields for part in name.split(".")}
