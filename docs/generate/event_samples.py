"""Events of every type, made as the daemon makes them: the page shows the first of each type, the fields come from all.

Addresses and names are those that RFC 5737 and RFC 2606 keep for documents.
"""

from ipaddress import ip_address
from typing import Final

from monitor.control.policy_verbs import event_body
from monitor.core.effects import VerdictEvent
from monitor.errors import ErrorCounts
from monitor.events.eve import eve_line
from monitor.events.policy import policy_line
from monitor.model import (
    DNS,
    MDNS,
    ClientHello,
    DhcpMessage,
    DnsMessage,
    Event,
    FlowRecord,
    Labels,
    Packet,
    flow_key,
)
from monitor.policy.overrides import ALLOW, BAN, RESUME, Override
from monitor.wire.dns.message import parse_message

TIME: Final = 1_795_360_804.123456
CLIENT: Final = ip_address("192.0.2.7").packed
SERVER: Final = ip_address("198.51.100.1").packed
MAC: Final = bytes.fromhex("020000000007")
LABELS: Final = Labels(MAC.hex(":"), "students", "bytedance", "tiktok", "sni", "bytedance", "tiktok.com")
TCP: Final = 6
UDP: Final = 17
QUERY: Final = "1234 0100 0001 0000 0000 0000 03777777 0674696b746f6b 03636f6d 00 0001 0001"
ANSWER: Final = (
    "1234 8180 0001 0001 0000 0000 03777777 0674696b746f6b 03636f6d 00 0001 0001 c00c 0001 0001 0000003c 0004 c6336401"
)
ACTOR: Final = (1000, "ann", 4711)
DAY: Final = 86_400.0


def samples() -> dict[str, list[str]]:
    """Lines by event type; the first shows the usual case."""
    return {
        "dns": [_message(QUERY, DNS), _message(ANSWER, DNS), _message(ANSWER, MDNS)],
        "tls": [_hello(0, decoy=False), _hello(0, decoy=True)],
        "quic": [_hello(1, decoy=False)],
        "flow": [_flow(decoy=False), _flow(decoy=True)],
        "dhcp": [_lease()],
        "verdict": [_verdict()],
        "policy": [policy_line(order.time, event_body(order)) for order in _orders()],
    }


def _line(about: DnsMessage | ClientHello | DhcpMessage | FlowRecord, captures: tuple[str, ...] = ()) -> str:
    return eve_line(Event(TIME, about, LABELS), captures)


def _packet(protocol: int, port: int) -> Packet:
    return Packet(TIME, 7, 0, b"", flow_key(CLIENT, SERVER, 40_000, port, protocol), 100, 0)


def _message(text: str, service: int) -> str:
    data = bytes.fromhex(text)
    message = parse_message(_packet(UDP, 53), data, 0, len(data), service, False, ErrorCounts())
    assert message is not None
    return _line(message, ("capture.pcap",) if service == MDNS else ())


def _hello(quic: int, decoy: bool) -> str:
    hello = ClientHello(_packet(UDP if quic else TCP, 443), quic)
    hello.sni, hello.alpn, hello.version = b"www.tiktok.com", [b"h3" if quic else b"h2"], 0x0304
    hello.ja4 = f"{'q' if quic else 't'}13d1516h2_8daaf6152771_e5627efa2ab1"
    hello.decoy, hello.other_sni = decoy, b"www.example.com" if decoy else b""
    return _line(hello)


def _flow(decoy: bool) -> str:
    flow = FlowRecord(flow_key(CLIENT, SERVER, 40_000, 443, TCP), TIME - 60.0, TIME, "fin")
    flow.application, flow.decoy = "tls", decoy
    flow.packets_to_server, flow.packets_to_client = 14, 31
    flow.bytes_to_server, flow.bytes_to_client = 2_310, 38_400
    return _line(flow)


def _lease() -> str:
    lease = DhcpMessage(_packet(UDP, 67), "ack", MAC)
    lease.address, lease.hostname = CLIENT, b"phone-7"
    return _line(lease)


def _verdict() -> str:
    key = flow_key(CLIENT, SERVER, 40_000, 443, TCP)
    return eve_line(VerdictEvent(TIME, key, LABELS, "block", "sni", "bytedance-students", "enforce", b"www.tiktok.com"))


def _orders() -> list[Override]:
    return [
        Override(
            BAN, TIME, *ACTOR, "bytedance", "students", layers=("dns", "sni"), until=TIME + DAY, reason="exam week"
        ),
        Override(ALLOW, TIME, *ACTOR, device=MAC, name=b"www.tiktok.com", until=TIME + DAY, reason="press"),
        Override(RESUME, TIME, *ACTOR, everything=True),
    ]
