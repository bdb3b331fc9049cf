"""The types shared between layers: frames in, observations through, effects out.

Inside gatewatch, addresses are packed `bytes` (4 or 16). Names are lower-case presentation `bytes` without the trailing
dot (the root is `.`; bytes outside printable ASCII and dots inside labels are `\\DDD`, RFC 4343 section 2.1). MAC
addresses are 6 bytes (`b""` if the link has none). Times are seconds since the epoch as `float`, always passed in as
arguments. Conversion to text happens only at the edges.

Per-packet types are `@final` slotted classes; rare ones are frozen dataclasses. Per-packet objects never form reference
cycles (`acyclic`), so the garbage collector skips them, which halves the cost of a packet.
"""

from dataclasses import dataclass
from typing import Final, TypeAlias, final

from mypy_extensions import mypyc_attr

PROTOCOL_ICMP: Final = 1
PROTOCOL_TCP: Final = 6
PROTOCOL_UDP: Final = 17
PROTOCOL_ICMPV6: Final = 58

TCP_FIN: Final = 0x01
TCP_SYN: Final = 0x02
TCP_RST: Final = 0x04
TCP_ACK: Final = 0x10
TCP_URG: Final = 0x20

# A flow key is `source | destination | source port | destination port | protocol`, with packed addresses and big-endian
# ports: 13 bytes for IPv4, 37 for IPv6. Protocols without ports have port 0.
KEY_V4: Final = 13
KEY_V6: Final = 37


def flow_key(source: bytes, destination: bytes, source_port: int, destination_port: int, protocol: int) -> bytes:
    """Returns the key of the direction source → destination."""
    ports = bytes((source_port >> 8, source_port & 255, destination_port >> 8, destination_port & 255, protocol))
    return source + destination + ports


def reverse_key(key: bytes) -> bytes:
    """Returns the key of the opposite direction."""
    if len(key) == KEY_V4:
        return b"%b%b%b%b%b" % (key[4:8], key[0:4], key[10:12], key[8:10], key[12:13])
    return b"%b%b%b%b%b" % (key[16:32], key[0:16], key[34:36], key[32:34], key[36:37])


def key_source(key: bytes) -> bytes:
    return key[0:4] if len(key) == KEY_V4 else key[0:16]


def key_destination(key: bytes) -> bytes:
    return key[4:8] if len(key) == KEY_V4 else key[16:32]


def key_source_port(key: bytes) -> int:
    at = 8 if len(key) == KEY_V4 else 32
    return key[at] << 8 | key[at + 1]


def key_destination_port(key: bytes) -> int:
    at = 10 if len(key) == KEY_V4 else 34
    return key[at] << 8 | key[at + 1]


def key_protocol(key: bytes) -> int:
    return key[len(key) - 1]


# A frame's number counts within its file. If several files are read as one, the file's index is above these bits.
FILE_SHIFT: Final = 40


@mypyc_attr(acyclic=True)
@final
class Frame:
    """One captured frame, from the kernel or a capture file.

    `link` is a LINKTYPE_ number, `interface` an index into the capture's table of interface names, `length` the number
    of bytes on the wire (at least `len(data)`). `number` counts from 1 within its source. `vlan` is the tag that the
    kernel stripped (0: none).
    """

    __slots__ = ("data", "interface", "length", "link", "number", "time", "vlan")

    def __init__(
        self, data: bytes, time: float, link: int, interface: int, length: int, number: int, vlan: int = 0
    ) -> None:
        self.data = data
        self.time = time
        self.link = link
        self.interface = interface
        self.length = length
        self.number = number
        self.vlan = vlan


@mypyc_attr(acyclic=True)
@final
class Packet:
    """An IP packet's addresses and sizes. Most other observations refer to one.

    `length` is the packet's IP bytes on the wire, header included; inside a tunnel, the length of the outermost packet.
    `depth` is 0 for the outermost packet, 1 to 3 inside tunnels. `ethernet` is destination MAC then source MAC, `b""`
    if the link has none. `flags` are TCP's. `payload` is the transport payload's length in bytes, from the IP header.
    `fragment` is true for a fragment that has no ports of its own and did not complete its datagram; its key has the
    ports of the first fragment, 0 if that one was not seen. `acknowledgment` is TCP's in a SYN-ACK, and in a packet
    that completed a ClientHello, an HTTP request or a DNS message: a reset to its sender uses it as sequence number.
    `sequence` is TCP's. `hops` is the hop limit of a TCP segment with data. `opening` is true for a QUIC long header,
    which only a new connection sends. `share` is the number of bytes counted for the packet's own flow: `length` minus
    the length of a packet inside, so that tunneled bytes count once.
    """

    __slots__ = (
        "acknowledgment", "depth", "ethernet", "flags", "fragment", "hops", "interface", "key", "length", "number",
        "opening", "payload", "sequence", "share", "time", "vlan",
    )  # fmt: skip

    def __init__(
        self, time: float, number: int, interface: int, ethernet: bytes, key: bytes, length: int, depth: int
    ) -> None:
        self.time = time
        self.number = number
        self.interface = interface
        self.ethernet = ethernet
        self.key = key
        self.length = length
        self.depth = depth
        self.flags = 0
        self.payload = 0
        self.vlan = 0
        self.fragment = False
        self.opening = False
        self.hops = 0
        self.sequence = 0
        self.acknowledgment = 0
        self.share = length

    @property
    def source(self) -> bytes:
        return key_source(self.key)

    @property
    def destination(self) -> bytes:
        return key_destination(self.key)

    @property
    def source_port(self) -> int:
        return key_source_port(self.key)

    @property
    def destination_port(self) -> int:
        return key_destination_port(self.key)

    @property
    def protocol(self) -> int:
        return key_protocol(self.key)

    @property
    def source_mac(self) -> bytes:
        return self.ethernet[6:12]

    @property
    def destination_mac(self) -> bytes:
        return self.ethernet[0:6]


DNS: Final = 0
MDNS: Final = 1
LLMNR: Final = 2


@mypyc_attr(acyclic=True)
@final
class DnsRecord:
    """A resource record (RFC 1035 section 3.2.1): `rdata` is at `start` to `end` of the message's bytes."""

    __slots__ = ("end", "klass", "name", "start", "ttl", "type")

    def __init__(self, name: bytes, type: int, klass: int, ttl: int, start: int, end: int) -> None:
        self.name = name
        self.type = type
        self.klass = klass
        self.ttl = ttl
        self.start = start
        self.end = end


@mypyc_attr(acyclic=True)
@final
class DnsMessage:
    """A DNS, mDNS or LLMNR message (RFC 1035, 6762, 4795).

    `name`, `type` and `klass` are those of the first question (`b""`, 0, 0 without one). `answers` is the answer
    section only. `data[start:end]` are the message's bytes, from its header. `tcp` is true over TCP. `rcode` includes
    the EDNS extended bits (RFC 6891 section 6.1.3).
    """

    __slots__ = (
        "answers", "data", "edns", "end", "flags", "id", "klass", "name", "packet", "questions", "rcode", "service",
        "start", "tcp", "type",
    )  # fmt: skip

    def __init__(self, packet: Packet, data: bytes, start: int, end: int, service: int, tcp: bool) -> None:
        self.packet = packet
        self.data = data
        self.start = start
        self.end = end
        self.service = service
        self.tcp = tcp
        self.id = 0
        self.flags = 0
        self.rcode = 0
        self.questions = 0
        self.name = b""
        self.type = 0
        self.klass = 0
        self.edns = False
        self.answers: list[DnsRecord] = []

    @property
    def is_response(self) -> bool:
        return self.flags & 0x8000 != 0


@mypyc_attr(acyclic=True)
@final
class ClientHello:
    """A TLS ClientHello over TCP or QUIC (RFC 8446 section 4.1.2, RFC 9001).

    `sni` is lower case, `b""` if there is none. `ech_offered` is true if the hello has the extension of Encrypted
    ClientHello, which most clients send as GREASE. `ech` is true if the hello hides its true name; the core decides
    this by the name, which then is the outer one and weak evidence. `version` is the highest offered (0x0304 is TLS
    1.3). `quic` is QUIC's version, 0 over TCP. `packet` is the client's packet that completed the hello. `decoy` is
    true for a second hello at the same position of the stream: which of the two the server read is unknown. `other_sni`
    is the name in the other hello of a `decoy`.
    """

    __slots__ = ("alpn", "decoy", "ech", "ech_offered", "ja4", "other_sni", "packet", "quic", "sni", "version")

    def __init__(self, packet: Packet, quic: int) -> None:
        self.packet = packet
        self.quic = quic
        self.sni = b""
        self.alpn: list[bytes] = []
        self.version = 0
        self.ech = False
        self.ech_offered = False
        self.decoy = False
        self.other_sni = b""
        self.ja4 = ""


@mypyc_attr(acyclic=True)
@final
class HttpRequest:
    """The Host of an HTTP/1 request (RFC 9112 section 3.2), lower case, without its port.

    `decoy` is true if another request or hello was read at the same position of the stream.
    """

    __slots__ = ("decoy", "host", "packet")

    def __init__(self, packet: Packet, host: bytes) -> None:
        self.packet = packet
        self.host = host
        self.decoy = False


@mypyc_attr(acyclic=True)
@final
class Tunnel:
    """Encrypted traffic that hides names: `method` is the kind seen in the bytes, such as `vpn`, `dot`, `doq`."""

    __slots__ = ("method", "packet")

    def __init__(self, packet: Packet, method: str) -> None:
        self.packet = packet
        self.method = method


@mypyc_attr(acyclic=True)
@final
class DhcpMessage:
    """A DHCP message (RFC 2131): `kind` is `discover`, `request`, `ack`…; `address` is `b""` if absent.

    `lease` is in seconds, 0 if absent.
    """

    __slots__ = ("address", "hostname", "kind", "lease", "mac", "packet")

    def __init__(self, packet: Packet, kind: str, mac: bytes) -> None:
        self.packet = packet
        self.kind = kind
        self.mac = mac
        self.address = b""
        self.hostname = b""
        self.lease = 0


@mypyc_attr(acyclic=True)
@final
class Neighbour:
    """An address and its MAC, from ARP (RFC 826), ND (RFC 4861) or the kernel's table."""

    __slots__ = ("address", "interface", "mac", "time")

    def __init__(self, time: float, interface: int, address: bytes, mac: bytes) -> None:
        self.time = time
        self.interface = interface
        self.address = address
        self.mac = mac


FLOW_NEW: Final = 0
FLOW_UPDATE: Final = 1
FLOW_END: Final = 2


@mypyc_attr(acyclic=True)
@final
class FlowCount:
    """Conntrack's counters of one connection since its start, in IP bytes. `key` is the original direction.

    `reply` is the key of the reply direction that conntrack expects (after NAT). `id` is conntrack's.
    """

    __slots__ = (
        "bytes_reply", "bytes_sent", "id", "key", "packets_reply", "packets_sent", "reply", "state", "time",
    )  # fmt: skip

    def __init__(self, time: float, state: int, id: int, key: bytes, reply: bytes) -> None:
        self.time = time
        self.state = state
        self.id = id
        self.key = key
        self.reply = reply
        self.packets_sent = 0
        self.packets_reply = 0
        self.bytes_sent = 0
        self.bytes_reply = 0


Observation: TypeAlias = Packet | DnsMessage | ClientHello | HttpRequest | Tunnel | DhcpMessage | Neighbour | FlowCount


@dataclass(frozen=True)
class Labels:
    """What is known about device and remote side: an event's `gatewatch` object, a metric's labels."""

    device: str = ""
    group: str = "none"
    vendor: str = "unknown"
    service: str = "unknown"
    evidence: str = "none"
    list: str = ""
    entry: str = ""


@mypyc_attr(acyclic=True)
@final
class FlowRecord:
    """A completed flow: `key` is from client to server, bytes are IP bytes.

    `decoy` is true if two hellos or requests were read at the same position of its stream.
    """

    __slots__ = (
        "application", "bytes_to_client", "bytes_to_server", "decoy", "end", "key", "number", "packets_to_client",
        "packets_to_server", "reason", "start",
    )  # fmt: skip

    def __init__(self, key: bytes, start: float, end: float, reason: str) -> None:
        self.key = key
        self.start = start
        self.end = end
        self.reason = reason
        self.application = "unknown"
        self.decoy = False
        self.packets_to_server = 0
        self.packets_to_client = 0
        self.bytes_to_server = 0
        self.bytes_to_client = 0
        self.number = 0


@mypyc_attr(acyclic=True)
@final
class Event:
    """An effect: one EVE line to write."""

    __slots__ = ("about", "labels", "time")

    def __init__(self, time: float, about: DnsMessage | ClientHello | DhcpMessage | FlowRecord, labels: Labels) -> None:
        self.time = time
        self.about = about
        self.labels = labels


# Samples by metric name (without the `gatewatch_` prefix), then by label values in the order of the family's labels.
Samples: TypeAlias = dict[str, dict[tuple[str, ...], float]]
