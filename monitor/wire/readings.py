"""What was read of a stream: what is kept of a decided one, and how two readings of one beginning are reported."""

from typing import Final, final

from mypy_extensions import mypyc_attr

from monitor.model import ClientHello, DnsMessage, HttpRequest, Observation, Packet, reverse_key
from monitor.wire.stream import Stream

NONE: Final = -1


@mypyc_attr(acyclic=True)
@final
class Decided:
    """A stream that needs no look: `first` is the sequence number of its first byte, `name` what it reported.

    `requests` is the sequence number behind an HTTP request, from which on another one may name another host; -1
    elsewhere. `reopened` is true once a SYN with another number came. `looked_at` is true where a segment other than
    the first one may matter.
    """

    __slots__ = ("first", "looked_at", "name", "reopened", "requests")

    def __init__(self, first: int, name: bytes, requests: int) -> None:
        self.first = first
        self.name = name
        self.requests = requests
        self.reopened = False
        self.looked_at = requests >= 0


def report(seen: list[Observation], stream: Stream, known: bytes, out: list[Observation]) -> None:
    """Appends what one reading of a stream shows; `known` is the name that the other one has reported (`b""`: none).

    The same name is the same hello again; another one means that one of the two was for the gateway alone.
    """
    for one in seen:
        if isinstance(one, ClientHello):
            name = one.sni
            one.other_sni = known
        elif isinstance(one, HttpRequest):
            name = one.host
        else:
            if not known or not isinstance(one, DnsMessage):
                out.append(one)
            continue
        stream.name = name
        if known:
            if name == known:
                continue
            one.decoy = True
        out.append(one)


def stream_key(packet: Packet) -> bytes:
    """What tells a direction of a connection from others: the flow key, and the VLAN where there is one."""
    return packet.key if packet.vlan == 0 else packet.key + vlan_bytes(packet.vlan)


def reverse_stream_key(packet: Packet) -> bytes:
    """The key of the opposite direction."""
    key = reverse_key(packet.key)
    return key if packet.vlan == 0 else key + vlan_bytes(packet.vlan)


def vlan_bytes(vlan: int) -> bytes:
    """What a key gets behind it on a VLAN, so that the same key on another one is another connection."""
    return bytes((vlan >> 8, vlan & 255))
