"""The cast of the stories: hosts with their addresses, and short ways to say what was seen on the wire.

A story is a list of observations with times counted from `START`; the catalogue is the small one of `small_index`.
"""

import ipaddress
import struct

from monitor.catalog.builder import IndexBuilder
from monitor.catalog.entry import Owner, Vendor
from monitor.catalog.index import Index
from monitor.core.gateway import Gateway
from monitor.core.settings import Settings
from monitor.errors import ErrorCounts
from monitor.model import (
    DNS,
    PROTOCOL_TCP,
    PROTOCOL_UDP,
    TCP_ACK,
    TCP_FIN,
    TCP_SYN,
    ClientHello,
    DhcpMessage,
    FlowCount,
    FlowRecord,
    HttpRequest,
    Neighbour,
    Observation,
    Packet,
    Tunnel,
    flow_key,
    key_destination,
    key_source,
    reverse_key,
)
from monitor.wire.dns.message import parse_message

START = 1_700_000_000.0

PHONE = "192.168.1.20"
PHONE_V6 = "fd00::20"
LAPTOP = "192.168.1.30"
ROUTER = "192.168.1.1"
TIKTOK = "203.0.113.10"
SHARED = "203.0.113.80"
BYTEDANCE_OWN = "71.18.3.4"
CLOUD = "47.88.1.1"
STRANGER = "198.51.100.7"
VPN_SERVER = "185.9.9.9"
RESOLVER = "9.9.9.9"

PHONE_MAC = bytes.fromhex("02aabbccdd01")
LAPTOP_MAC = bytes.fromhex("02aabbccdd02")
ROUTER_MAC = bytes.fromhex("02aabbccddee")

TYPE_A = 1
TYPE_CNAME = 5
TYPE_AAAA = 28
TYPE_HTTPS = 65


def packed(text: str) -> bytes:
    return ipaddress.ip_address(text).packed


def small_index(more: dict[str, str] | None = None) -> Index:
    """Two vendors, a cloud and three categories; `more` are further names to vendors."""
    builder = IndexBuilder()
    tiktok = builder.number_of(Owner("bytedance", "tiktok", "bytedance"))
    bytedance = builder.number_of(Owner("bytedance", "unknown", "bytedance"))
    google = builder.number_of(Owner("google", "search", "google"))
    cloud = builder.number_of(Owner("alibaba", "cloud", "alibaba", weak=True))
    dns = builder.number_of(Owner("encrypted-dns", "unknown", "encrypted-dns", category=True))
    vpn = builder.number_of(Owner("vpn-proxy", "unknown", "vpn-proxy", category=True))
    builder.add_name(b"tiktok.com", False, tiktok)
    builder.add_name(b"tiktokcdn.com", False, tiktok)
    builder.add_name(b"google.com", False, google)
    builder.add_name(b"alicdn.example", False, cloud)
    builder.add_name(b"dns.example", False, dns)
    builder.add_prefix(packed("71.18.0.0"), 17, bytedance)
    builder.add_prefix(packed("2600:1900::"), 32, google)
    builder.add_prefix(packed("47.88.0.0"), 16, cloud)
    builder.add_prefix(packed(VPN_SERVER), 32, vpn)
    builder.add_asn(15169, google)
    for name, vendor in (more or {}).items():
        builder.add_name(name.encode(), False, builder.number_of(Owner(vendor, "unknown", vendor)))
    for vendor in ("bytedance", "google", "alibaba"):
        builder.add_vendor(Vendor(vendor, vendor, "vendor"))
    return Index.load(builder.build())


def gateway(settings: Settings | None = None, index: Index | None = None) -> Gateway:
    return Gateway(settings or Settings(), index or small_index(), START)


def packet(
    source: str,
    destination: str,
    ports: tuple[int, int],
    protocol: int = PROTOCOL_TCP,
    at: float = 0.0,
    length: int = 100,
    flags: int = TCP_ACK,
    mac: bytes = PHONE_MAC,
    to: bytes = ROUTER_MAC,
    depth: int = 0,
    number: int = 1,
    interface: int = 0,
) -> Packet:
    key = flow_key(packed(source), packed(destination), ports[0], ports[1], protocol)
    seen = Packet(START + at, number, interface, to + mac, key, length, depth)
    seen.flags = flags if protocol == PROTOCOL_TCP else 0
    return seen


def answer_to(seen: Packet, at: float | None = None, length: int = 1000, flags: int = TCP_ACK) -> Packet:
    """A packet of the opposite direction."""
    time = seen.time if at is None else START + at
    back = Packet(
        time, seen.number, seen.interface, seen.ethernet[6:12] + seen.ethernet[0:6], reverse_key(seen.key), length, 0
    )
    back.flags = flags if seen.protocol == PROTOCOL_TCP else 0
    return back


def syn(
    source: str, destination: str, ports: tuple[int, int] = (40000, 443), at: float = 0.0, mac: bytes = PHONE_MAC
) -> Packet:
    return packet(source, destination, ports, at=at, length=60, flags=TCP_SYN, mac=mac)


def tls(carrier: Packet, name: str, ech: bool = False, ech_offered: bool = False) -> list[Observation]:
    """The packet that carries a ClientHello, and the hello; with `ech` the wire shows that the name is an outer one."""
    hello = ClientHello(carrier, 0)
    hello.sni = name.encode()
    hello.ech = ech
    hello.ech_offered = ech or ech_offered
    hello.version = 0x0304
    return [carrier, hello]


def quic(carrier: Packet, name: str) -> list[Observation]:
    hello = ClientHello(carrier, 1)
    hello.sni = name.encode()
    return [carrier, hello]


def http(carrier: Packet, host: str) -> list[Observation]:
    return [carrier, HttpRequest(carrier, host.encode())]


def hidden(carrier: Packet, method: str) -> list[Observation]:
    return [carrier, Tunnel(carrier, method)]


def wire_name(name: str) -> bytes:
    labels = [label.encode() for label in name.split(".") if label]
    return b"".join([bytes([len(label)]) + label for label in labels]) + b"\0"


def record(owner: str, kind: int, value: str, ttl: int = 60) -> bytes:
    if kind in (TYPE_A, TYPE_AAAA):
        data = packed(value)
    elif kind == TYPE_HTTPS:
        hint = packed(value)
        data = b"\0\1\0" + struct.pack("!HH", 4 if len(hint) == 4 else 6, len(hint)) + hint
    else:
        data = wire_name(value)
    return wire_name(owner) + struct.pack("!HHIH", kind, 1, ttl, len(data)) + data


def dns(carrier: Packet, payload: bytes, service: int = DNS) -> list[Observation]:
    message = parse_message(carrier, payload, 0, len(payload), service, carrier.protocol == PROTOCOL_TCP, ErrorCounts())
    assert message is not None
    return [carrier, message]


def question_bytes(name: str, kind: int, number: int, flags: int, records: list[bytes]) -> bytes:
    head = struct.pack("!HHHHHH", number, flags, 1, len(records), 0, 0)
    return head + wire_name(name) + struct.pack("!HH", kind, 1) + b"".join(records)


def asks(
    client: str, name: str, at: float = 0.0, port: int = 50000, number: int = 1, resolver: str = RESOLVER,
    kind: int = TYPE_A, mac: bytes = PHONE_MAC,
) -> list[Observation]:  # fmt: skip
    carrier = packet(client, resolver, (port, 53), PROTOCOL_UDP, at=at, length=60, mac=mac)
    return dns(carrier, question_bytes(name, kind, number, 0x0100, []))


def told(
    client: str, name: str, records: list[bytes], at: float = 0.0, port: int = 50000, number: int = 1,
    resolver: str = RESOLVER, kind: int = TYPE_A, rcode: int = 0, mac: bytes = PHONE_MAC,
) -> list[Observation]:  # fmt: skip
    carrier = packet(resolver, client, (53, port), PROTOCOL_UDP, at=at, length=120, mac=ROUTER_MAC, to=mac)
    return dns(carrier, question_bytes(name, kind, number, 0x8180 | rcode, records))


def resolves(
    client: str, name: str, address: str, at: float = 0.0, port: int = 50000, through: str = "", ttl: int = 60,
    mac: bytes = PHONE_MAC,
) -> list[Observation]:  # fmt: skip
    """The client asks for the name and is told the address, by a CNAME to `through` where given."""
    kind = TYPE_AAAA if ":" in address else TYPE_A
    records = [record(name, TYPE_CNAME, through)] if through else []
    records.append(record(through or name, kind, address, ttl))
    asked = asks(client, name, at, port, kind=kind, mac=mac)
    return asked + told(client, name, records, at + 0.02, port, kind=kind, mac=mac)


def ech_config(public: str) -> bytes:
    """An ECHConfigList of one configuration (RFC 9849 section 4)."""
    key = b"\1\0\x20" + b"\0\x20" + bytes(32) + b"\0\4\0\1\0\1"
    contents = key + b"\0" + bytes([len(public)]) + public.encode() + b"\0\0"
    config = b"\xfe\x0d" + struct.pack("!H", len(contents)) + contents
    return struct.pack("!H", len(config)) + config


def offers_ech(client: str, name: str, address: str, public: str, at: float = 0.0) -> list[Observation]:
    """The client resolves the name, and gets an HTTPS record that offers ECH behind a public name."""
    config = ech_config(public)
    data = b"\0\1\0\0\5" + struct.pack("!H", len(config)) + config
    offer = wire_name(name) + struct.pack("!HHIH", TYPE_HTTPS, 1, 60, len(data)) + data
    asked = asks(client, name, at + 0.1, 50001, 2, kind=TYPE_HTTPS)
    return (
        resolves(client, name, address, at) + asked + told(client, name, [offer], at + 0.2, 50001, 2, kind=TYPE_HTTPS)
    )


def lease(mac: bytes, address: str, hostname: str, at: float = 0.0, kind: str = "ack") -> DhcpMessage:
    carrier = packet(ROUTER, "255.255.255.255", (67, 68), PROTOCOL_UDP, at=at, mac=ROUTER_MAC, to=b"\xff" * 6)
    message = DhcpMessage(carrier, kind, mac)
    message.address = packed(address) if address else b""
    message.hostname = hostname.encode()
    return message


def neighbour(address: str, mac: bytes, at: float = 0.0) -> Neighbour:
    return Neighbour(START + at, 0, packed(address), mac)


def connection(
    state: int, sent: int, returned: int, at: float = 0.0, source: str = PHONE, destination: str = TIKTOK,
    ports: tuple[int, int] = (40000, 443), protocol: int = PROTOCOL_TCP, number: int = 7, translated: bytes = b"",
) -> FlowCount:  # fmt: skip
    key = flow_key(packed(source), packed(destination), ports[0], ports[1], protocol)
    count = FlowCount(START + at, state, number, key, translated or reverse_key(key))
    count.bytes_sent, count.bytes_reply = sent, returned
    count.packets_sent, count.packets_reply = sent // 100, returned // 1000
    return count


def exchange(
    source: str, destination: str, name: str, at: float = 0.0, ports: tuple[int, int] = (40000, 443),
    down: int = 5000, ech: bool = False, mac: bytes = PHONE_MAC, ech_offered: bool = False,
) -> list[Observation]:  # fmt: skip
    """A whole TLS connection: 60 + 500 + 40 bytes up, 60 + `down` + 40 down, over in half a second."""
    first = syn(source, destination, ports, at, mac=mac)
    hello = packet(source, destination, ports, at=at + 0.1, length=500, mac=mac)
    story: list[Observation] = [first, answer_to(first, at + 0.05, 60, TCP_SYN | TCP_ACK)]
    story += tls(hello, name, ech, ech_offered) if name or ech else [hello]
    story.append(answer_to(first, at + 0.2, down))
    story.append(packet(source, destination, ports, at=at + 0.3, length=40, flags=TCP_FIN | TCP_ACK, mac=mac))
    story.append(answer_to(first, at + 0.4, 40, TCP_FIN | TCP_ACK))
    return story


def ledger(seen_by: Gateway) -> dict[tuple[str, str, str], tuple[int, int, int]]:
    """What the rows say: device, vendor and evidence to bytes up, bytes down and flows."""
    return {(row.device, row.vendor, row.evidence): (row.bytes_up, row.bytes_down, row.flows) for row in seen_by.rows()}


def verdict(story: list[Observation], address: str, settings: Settings | None = None) -> tuple[str, str, str]:
    """Vendor, service and evidence of the last flow with `address` when the story is over."""
    watched = gateway(settings or Settings(events=frozenset({"flow"})))
    ended = [*watched.feed(story, START + 1.0), *watched.close(START + 100.0)]
    labels = [
        effect.labels
        for effect in ended
        if isinstance(effect.about, FlowRecord)
        and packed(address) in (key_source(effect.about.key), key_destination(effect.about.key))
    ]
    assert labels, f"no flow with {address}"
    return labels[-1].vendor, labels[-1].service, labels[-1].evidence
