"""Formats events as EVE JSON, Suricata's event format: one object per line.

mDNS (RFC 6762) and LLMNR (RFC 4795) messages are `dns` events too, because their bodies are DNS messages; `app_proto`
distinguishes them, and in a `flow` event names its protocol. The keys of an event type are always present and are empty
if the message has no such value. `assigned_ip`, `hostname`, `rcode` and unknown values of `gatewatch` are left out.
"""

from collections.abc import Sequence
from json import JSONEncoder
from typing import Final, TypeAlias

from monitor.core.effects import VerdictEvent
from monitor.events.times import timestamp
from monitor.model import (
    DNS,
    FILE_SHIFT,
    MDNS,
    ClientHello,
    DhcpMessage,
    DnsMessage,
    Event,
    FlowRecord,
    Labels,
    key_destination,
    key_destination_port,
    key_protocol,
    key_source,
    key_source_port,
)
from monitor.wire.dns.codes import rcode_name, type_name
from monitor.wire.dns.presentation import address_text
from monitor.wire.dns.rdata import rdata_text

Body: TypeAlias = dict[str, object]

_PROTOCOLS: Final = {1: "ICMP", 6: "TCP", 17: "UDP", 47: "GRE", 50: "ESP", 58: "IPv6-ICMP", 132: "SCTP"}
_TLS_VERSIONS: Final = {
    0x0002: "SSL 2.0", 0x0300: "SSL 3.0", 0x0301: "TLS 1.0", 0x0302: "TLS 1.1", 0x0303: "TLS 1.2", 0x0304: "TLS 1.3",
}  # fmt: skip
_QUIC_VERSIONS: Final = {0x00000001: "1", 0x6B3343CF: "2"}
_PRINTABLE: Final = frozenset(range(0x20, 0x7F)) - {0x5C}

_encode: Final = JSONEncoder(ensure_ascii=True, check_circular=False, separators=(",", ":")).encode


def eve_type(event: Event | VerdictEvent) -> str:
    """Returns the `event_type` of the event."""
    if isinstance(event, VerdictEvent):
        return "verdict"
    about = event.about
    if isinstance(about, DnsMessage):
        return "dns"
    if isinstance(about, ClientHello):
        return "quic" if about.quic else "tls"
    return "flow" if isinstance(about, FlowRecord) else "dhcp"


def eve_line(event: Event | VerdictEvent, captures: Sequence[str] = ()) -> str:
    """Returns the event as one line with its newline. `captures` names the capture files being read, if any."""
    if isinstance(event, VerdictEvent):
        return _encode({**_head(event, "verdict", event.key), **_ruling(event)}) + "\n"
    about = event.about
    if isinstance(about, DnsMessage):
        body = _head(event, "dns", about.packet.key)
        if about.service != DNS:
            body["app_proto"] = "mdns" if about.service == MDNS else "llmnr"
        body["dns"] = _dns(about)
    elif isinstance(about, ClientHello):
        kind = "quic" if about.quic else "tls"
        body = _head(event, kind, about.packet.key)
        body[kind] = _hello(about)
    elif isinstance(about, FlowRecord):
        body = _head(event, "flow", about.key)
        body["app_proto"] = about.application
        body["flow"] = _flow(about)
    else:
        body = _head(event, "dhcp", about.packet.key)
        body["dhcp"] = _dhcp(about)
    body["gatewatch"] = _labels(event.labels)
    if captures:
        number = about.number if isinstance(about, FlowRecord) else about.packet.number
        body["pcap_cnt"] = number & (1 << FILE_SHIFT) - 1
        body["pcap_filename"] = captures[number >> FILE_SHIFT]
    return _encode(body) + "\n"


def _ruling(ruling: VerdictEvent) -> Body:
    """Adds the verdict. `name` is the name that the device requested, empty if only the address is known."""
    return {
        "verdict": {
            "action": ruling.action,
            "layer": ruling.layer,
            "ban": ruling.ban,
            "mode": ruling.mode,
            "name": escaped(ruling.name),
        },
        "gatewatch": _labels(ruling.labels),
    }


def _head(event: Event | VerdictEvent, kind: str, key: bytes) -> Body:
    protocol = key_protocol(key)
    return {
        "timestamp": timestamp(event.time),
        "event_type": kind,
        "src_ip": address_text(key_source(key)),
        "src_port": key_source_port(key),
        "dest_ip": address_text(key_destination(key)),
        "dest_port": key_destination_port(key),
        "proto": _PROTOCOLS.get(protocol) or str(protocol),
    }


def _dns(message: DnsMessage) -> Body:
    """Adds the DNS keys. `rrname` and `rrtype` are of the first question, and empty without one."""
    response = message.is_response
    body: Body = {
        "type": "answer" if response else "query",
        "id": message.id,
        "rrname": message.name.decode("ascii"),
        "rrtype": type_name(message.type) if message.name else "",
    }
    if response:
        body["rcode"] = rcode_name(message.rcode)
    body["tx"] = "tcp" if message.tcp else "udp"
    if response or message.answers:
        body["answers"] = [
            {
                "rrname": record.name.decode("ascii"),
                "rrtype": type_name(record.type),
                "ttl": record.ttl,
                "rdata": rdata_text(message, record),
            }
            for record in message.answers
        ]
    return body


def _hello(hello: ClientHello) -> Body:
    if hello.quic:
        version = _QUIC_VERSIONS.get(hello.quic) or f"0x{hello.quic:08x}"
    else:
        version = tls_version(hello.version)
    body: Body = {
        "version": version,
        "sni": escaped(hello.sni),
        "alpn": [escaped(name) for name in hello.alpn],
        "ech": hello.ech,
        "ech_offered": hello.ech_offered,
        "ja4": hello.ja4,
    }
    if hello.decoy:
        body["decoy"] = True
        body["sni_other"] = [escaped(hello.other_sni)]
    return body


def tls_version(number: int) -> str:
    """Returns `TLS 1.3`, `SSL 3.0` or `TLS 1.3 draft-28` (RFC 8446 section 4.2.1.1 of the drafts), else hex."""
    if number >> 8 == 0x7F:
        return f"TLS 1.3 draft-{number & 0xFF}"
    return _TLS_VERSIONS.get(number) or f"0x{number:04x}"


def _flow(flow: FlowRecord) -> Body:
    body: Body = {
        "pkts_toserver": flow.packets_to_server,
        "pkts_toclient": flow.packets_to_client,
        "bytes_toserver": flow.bytes_to_server,
        "bytes_toclient": flow.bytes_to_client,
        "start": timestamp(flow.start),
        "end": timestamp(flow.end),
        "reason": flow.reason,
    }
    if flow.decoy:
        body["decoy"] = True
    return body


def _dhcp(message: DhcpMessage) -> Body:
    body: Body = {"type": message.kind, "client_mac": message.mac.hex(":")}
    if message.address:
        body["assigned_ip"] = address_text(message.address)
    if message.hostname:
        body["hostname"] = escaped(message.hostname)
    return body


def _labels(labels: Labels) -> Body:
    body: Body = {}
    if labels.device:
        body["device"] = labels.device
    body["group"] = labels.group
    body["vendor"] = labels.vendor
    body["service"] = labels.service
    body["evidence"] = labels.evidence
    if labels.list:
        body["list"] = labels.list
        body["entry"] = labels.entry
    return body


def escaped(text: bytes) -> str:
    """Returns bytes from the network as ASCII, unprintable bytes as `\\DDD`. A name in this form is unchanged."""
    if text.isascii() and text.isalnum():
        return text.decode("ascii")
    return "".join([chr(byte) if byte in _PRINTABLE or byte == 0x5C else f"\\{byte:03d}" for byte in text])
