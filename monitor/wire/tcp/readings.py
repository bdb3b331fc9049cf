"""Stores the result of reading a stream. If conflicting segments allow several readings, reports the names of each."""

from typing import Final, final

from mypy_extensions import mypyc_attr

from monitor.model import ClientHello, DnsMessage, HttpRequest, Observation, Packet, reverse_key
from monitor.wire.tcp.conflict import TRIES_MAX, read, readings
from monitor.wire.tcp.handshake import HALF_OF_SEQUENCES, SEQUENCE_MASK, Syn
from monitor.wire.tcp.http import begins_request, may_begin_request
from monitor.wire.tcp.stream import Stream, without_urgent

NONE: Final = -1


@mypyc_attr(acyclic=True)
@final
class Decided:
    """A stream that needs no further reading: `first` is the sequence number of its first byte, `name` the reported
    name.

    `requests` is the sequence number where another HTTP request, for another host, may begin; -1 if none is expected.
    `syn` is the SYN of the stream. `reopened` is true after a SYN with another sequence number. Segments in the first
    `span` bytes are read again; `looked_at` is true if later segments are read too.
    """

    __slots__ = ("first", "looked_at", "name", "reopened", "requests", "span", "syn")

    def __init__(self, first: int, name: bytes, requests: int, syn: Syn | None) -> None:
        self.syn = syn
        self.first = first
        self.name = name
        self.requests = requests
        self.reopened = False
        self.span = 1
        self.looked_at = requests >= 0


def decide(stream: Stream, requests: int, reopened: bool) -> Decided:
    """Returns the record of a stream that needs no further reading; `requests` and `reopened` are its fields."""
    decided = Decided(stream.first, stream.name, requests, stream.syn)
    decided.reopened = reopened
    decided.looked_at = requests >= 0 or reopened or stream.conflicting or stream.before is not None
    if stream.parts:
        decided.span = max(1, stream.top - stream.number(stream.first))
    return decided


def note_names(seen: list[Observation], stream: Stream) -> None:
    """Stores the names of a stream that has only one reading."""
    for one in seen:
        if isinstance(one, ClientHello):
            note_name(stream, one.sni)
        elif isinstance(one, HttpRequest):
            note_name(stream, one.host)


def note_name(stream: Stream, name: bytes) -> None:
    """Stores a reported name."""
    stream.name = name
    stream.names = (*stream.names, name)


def report(seen: list[Observation], stream: Stream, known: bytes, out: list[Observation]) -> None:
    """Appends the observations of one reading; `known` is the name that the other reading has reported (`b""`: none).

    The same name comes from a repeated ClientHello. If the names differ, one of them is a decoy sent to deceive the
    gateway.
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
        note_name(stream, name)
        if known:
            if name == known:
                continue
            one.decoy = True
        out.append(one)


def next_request(stream: Stream, end: int) -> int:
    """Returns the sequence number where another request may begin; `end` is the number after the last segment."""
    if stream.dialogue.next_request >= 0:
        return (stream.first + stream.dialogue.next_request) & SEQUENCE_MASK
    return end & SEQUENCE_MASK if stream.later else NONE


def request_at(decided: Decided, data: bytes, start: int, end: int, sequence: int) -> int:
    """Returns the offset in `data[start:end]`, a segment with this number, of another request; -1 if there is none.

    It begins at the expected position, or later if a segment is missing or the end of a body is unknown.
    """
    ahead = (decided.requests - sequence) & SEQUENCE_MASK
    if ahead >= HALF_OF_SEQUENCES:
        ahead = 0
    at = start + ahead
    if at < end and (begins_request(data, at, end) or may_begin_request(data, at, end)):
        return at
    return NONE


def read_before(
    stream: Stream, packet: Packet, data: bytes, start: int, end: int, sequence: int, urgent: int,
    out: list[Observation],
) -> None:  # fmt: skip
    """Feeds the segment also to the earlier stream of the same ports, until that stream is decided."""
    before = stream.before
    if before is None:
        return
    seen: list[Observation] = []
    decided = before.accept(packet, data, start, end, sequence, urgent, seen)
    if seen:
        report(seen, before, stream.name, out)
    if seen or decided:
        stream.before = None


def report_other_readings(stream: Stream, packet: Packet, out: list[Observation]) -> None:
    """Appends the names that the other readings of a stream have and no earlier reading had."""
    if stream.tries >= TRIES_MAX or not stream.parts:
        return
    stream.tries += 1
    for reading in readings(stream.parts, stream.number(stream.first)):
        report_reading(reading, stream, packet, out)
        if stream.urgent:
            # Of several urgent bytes some receivers remove only the last one.
            report_reading(without_urgent(reading, stream.first, stream.urgent), stream, packet, out)
            report_reading(without_urgent(reading, stream.first, stream.urgent[-1:]), stream, packet, out)


def report_reading(reading: bytes, stream: Stream, packet: Packet, out: list[Observation]) -> None:
    """Appends the names of one reading that no earlier reading had."""
    if reading:
        for one in read(reading, packet, stream.dialogue):
            if isinstance(one, ClientHello):
                name = one.sni
                one.other_sni = stream.name
            elif isinstance(one, HttpRequest):
                name = one.host
            else:
                continue
            if not name or name in stream.names:
                continue
            one.decoy = len(stream.names) > 0
            note_name(stream, name)
            out.append(one)


def syn_of(stream: Stream | None, decided: Decided | None) -> Syn | None:
    """Returns the SYN of a stream, which is either `stream` or, if decided, `decided`. None if no SYN was seen."""
    if stream is not None:
        return stream.syn
    return None if decided is None else decided.syn


def stream_key(packet: Packet) -> bytes:
    """Returns the key of one direction of a connection: the flow key, and the VLAN if there is one."""
    return packet.key if packet.vlan == 0 else packet.key + vlan_bytes(packet.vlan)


def reverse_stream_key(packet: Packet) -> bytes:
    """Returns the key of the opposite direction."""
    key = reverse_key(packet.key)
    return key if packet.vlan == 0 else key + vlan_bytes(packet.vlan)


def vlan_bytes(vlan: int) -> bytes:
    """Returns the suffix of a key on a VLAN, so that the same flow key on another VLAN is another connection."""
    return bytes((vlan >> 16, vlan >> 8 & 255, vlan & 255))
