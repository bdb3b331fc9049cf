"""Identifies the protocol of one direction of a TCP connection from its bytes in order.

OPENING   the first bytes: TLS, HTTP, a PROXY header to step over, DNS, or something else
TLS       collecting the records of a ClientHello, then of the second one after a HelloRetryRequest
HTTP      collecting the head of a request; after that of a CONNECT the state is OPENING again
WATCHING  another protocol, which may switch to TLS or HTTP (STARTTLS, SOCKS and similar ones): bytes of a segment that
          starts like a ClientHello are collected, and must form a valid one; a request must begin with a
          whole request line
"""

from typing import Final, final

from mypy_extensions import mypyc_attr

from monitor.errors import ErrorCounts
from monitor.model import HttpRequest, Observation, Packet
from monitor.wire.dns.heuristic import has_dns_header, looks_like_dns
from monitor.wire.dns.message import HEADER
from monitor.wire.integers import two
from monitor.wire.tcp import http
from monitor.wire.tcp import protocol_sniffer as opening
from monitor.wire.tls import records as tls
from monitor.wire.tls.client_hello import Hello, read_hello

OPENING: Final = 0
TLS: Final = 1
HTTP: Final = 2
WATCHING: Final = 3

UNDECIDED: Final = 0
DECIDED: Final = 1
IS_DNS: Final = 2

# A dialogue before TLS is a few short lines; what goes on for longer is none.
WATCHED_BYTES: Final = 4096
WATCHED_SEGMENTS: Final = 32
# Octets of a request's head that are looked through for a host: twice what servers take by default (nginx: 4 x 8 KiB).
HEAD_MAX: Final = 65_536
# Octets of a dialogue's first segment that may be the length of a DNS message alone, or with the message's header.
DNS_HEAD: Final = 2 + HEADER
DNS_RECORDS_MAX: Final = 64


@mypyc_attr(acyclic=True)
@final
class StreamClassifier:
    """`answers` marks the side that accepted the connection: it may start with a ClientHello (active FTP), but not
    after other bytes. With `dns_port` bytes of no other protocol are DNS.
    """

    __slots__ = (
        "answers", "buffer", "dns_port", "errors", "head", "limit", "next_request", "records", "seen",
        "segments", "starts", "state", "strict",
    )  # fmt: skip

    def __init__(self, limit: int, answers: bool, dns_port: bool, errors: ErrorCounts) -> None:
        self.limit = limit
        self.answers = answers
        self.dns_port = dns_port
        self.errors = errors
        self.state = OPENING
        self.strict = False
        self.buffer = b""
        self.records: tls.Records | None = None
        self.head: http.RequestHead | None = None
        self.seen = 0
        self.segments = 0
        self.starts: list[int] = []
        self.next_request = -1

    def again(self) -> "StreamClassifier":
        """Returns a new classifier for the same direction."""
        return StreamClassifier(self.limit, self.answers, self.dns_port, self.errors)

    def is_begun(self) -> bool:
        """Whether the bytes so far are the beginning of a ClientHello or a request."""
        return self.state == TLS or self.state == HTTP

    def size(self) -> int:
        """Returns the number of stored bytes."""
        return len(self.buffer) + (len(self.records.message) if self.records is not None else 0)

    def take(self, packet: Packet, data: bytes, start: int, end: int, out: list[Observation]) -> int:
        """Reads the next bytes in order: `DECIDED` once no more are needed, `IS_DNS` with all of them in `buffer`."""
        self.seen += end - start
        self.segments += 1
        if self.state == OPENING or self.state == WATCHING:
            self.starts.append(len(self.buffer))
        self.buffer = self.buffer + data[start:end] if self.buffer else data[start:end]
        found = self._read(packet, out)
        if found == UNDECIDED and self.size() > self.limit:
            return self._give_up_long(packet, out)
        return found

    def _read(self, packet: Packet, out: list[Observation]) -> int:
        if self.state == OPENING:
            return self._open(packet, out)
        if self.state == TLS:
            return self._read_records(packet, out)
        if self.state == HTTP:
            return self._read_head(packet, out)
        return self._watch(packet, out)

    def give_up_cut(self, packet: Packet, out: list[Observation]) -> bool:
        """Ends a ClientHello whose next bytes were not captured; returns true if its beginning has the server name."""
        return self.state == TLS and self._read_beginning(packet, out)

    def _read_beginning(self, packet: Packet, out: list[Observation]) -> bool:
        records = self.records
        if records is None or records.another:
            return False
        hello = read_hello(records.beginning(self.buffer), True)
        if hello is None or not hello.server_name:
            return False
        out.append(tls.observe_hello(packet, hello, 0))
        return True

    def _give_up_long(self, packet: Packet, out: list[Observation]) -> int:
        """Stops storing bytes. The beginning of a ClientHello is enough if it contains the server name."""
        if not self._read_beginning(packet, out):
            self.errors.add("tcp", "too_long")
        return DECIDED

    def _open(self, packet: Packet, out: list[Observation]) -> int:
        kind = opening.recognise(self.buffer)
        while kind == opening.PROXY:
            length = opening.proxy_length(self.buffer)
            if length < 0:
                return self._give_up_opening(packet, out)
            if length == 0 or len(self.buffer) <= length:
                return UNDECIDED
            self.buffer = self.buffer[length:]
            self.starts = []
            kind = opening.recognise(self.buffer)
        if kind == opening.TLS:
            return self._start_records(packet, out)
        if kind == opening.HTTP:
            return self._start_head(packet, out)
        waits = kind == opening.MORE and self.segments < WATCHED_SEGMENTS
        return UNDECIDED if waits else self._give_up_opening(packet, out)

    def _give_up_opening(self, packet: Packet, out: list[Observation]) -> int:
        if self.dns_port or is_dns(self.buffer):
            return IS_DNS
        if may_become_dns(self.buffer):
            return UNDECIDED
        return self._watch_later(packet, out)

    def _watch_later(self, packet: Packet, out: list[Observation]) -> int:
        """Drops the bytes so far, which begin nothing known; bytes from a later segment on may."""
        starts, buffer = self.starts, self.buffer
        found = self._start_watching()
        if found == DECIDED or len(starts) > WATCHED_SEGMENTS:
            return found
        for at in starts:
            if at > 0 and may_begin(buffer[at:]):
                self.buffer = buffer[at:]
                self.starts = [start - at for start in starts if start >= at]
                return self._watch(packet, out)
        return found

    def _start_watching(self) -> int:
        self.buffer = b""
        self.starts = []
        self.records = None
        self.state = WATCHING
        watched = self.seen > WATCHED_BYTES or self.segments >= WATCHED_SEGMENTS
        return DECIDED if self.answers or watched else UNDECIDED

    def _watch(self, packet: Packet, out: list[Observation]) -> int:
        kind = opening.recognise_hello(self.buffer)
        if kind == opening.TLS:
            self.strict = True
            return self._start_records(packet, out)
        if http.begins_request(self.buffer, 0, len(self.buffer)):
            return self._start_head(packet, out)
        if kind == opening.MORE or http.may_begin_request(self.buffer, 0, len(self.buffer)):
            return UNDECIDED
        return self._watch_later(packet, out)

    def _start_head(self, packet: Packet, out: list[Observation]) -> int:
        self.state = HTTP
        self.head = http.RequestHead()
        return self._read_head(packet, out)

    def _start_records(self, packet: Packet, out: list[Observation]) -> int:
        self.state = TLS
        self.records = tls.Records()
        return self._read_records(packet, out)

    def _read_records(self, packet: Packet, out: list[Observation]) -> int:
        records = self.records
        if records is None:
            return DECIDED
        while True:
            found = records.read(self.buffer)
            self.buffer = self.buffer[records.consumed :]
            if found == tls.MORE:
                # Early data cannot be distinguished from other data: an upload must not be followed to its end.
                return DECIDED if records.another and self.seen > 2 * self.limit else UNDECIDED
            if found == tls.OTHER:
                return self._give_up_records(records)
            hello = read_hello(records.message)
            if hello is None or (self.strict and not hello.clean):
                return self._give_up_records(records)
            self._observe(packet, hello, out)
            if records.another or not may_be_retried(hello):
                return DECIDED
            records.expect_another(hello.early_data)

    def _give_up_records(self, records: tls.Records) -> int:
        if records.another:
            return DECIDED
        if self.strict:
            self.strict = False
            return self._start_watching()
        self.errors.add("tls", "malformed")
        return DECIDED

    def _observe(self, packet: Packet, hello: Hello, out: list[Observation]) -> None:
        if not hello.clean:
            self.errors.add("tls", "malformed")
        out.append(tls.observe_hello(packet, hello, 0))

    def _read_head(self, packet: Packet, out: list[Observation]) -> int:
        head = self.head
        if head is None:
            return DECIDED
        while True:
            found = head.read(self.buffer)
            self.buffer = self.buffer[head.consumed :]
            if found == http.HOST:
                out.append(HttpRequest(packet, head.host))
            elif found == http.MORE:
                self.next_request = self.seen
                return DECIDED if self.seen > HEAD_MAX else UNDECIDED
            elif found == http.TUNNEL:
                return self._enter_tunnel(packet, head, out)
            elif not head.started:
                return self._start_watching()
            elif not self._step_over_body(head.body):
                return DECIDED
            else:
                self.head = head = http.RequestHead()

    def _enter_tunnel(self, packet: Packet, head: http.RequestHead, out: list[Observation]) -> int:
        if head.host:
            out.append(HttpRequest(packet, head.host))
        self.state = WATCHING
        return self._watch(packet, out) if self.buffer else UNDECIDED

    def _step_over_body(self, body: int) -> bool:
        """Finds where the next request begins. Returns true if its first bytes are already in the buffer."""
        self.next_request = self.seen - len(self.buffer) + max(0, body)
        if body < 0 or body >= len(self.buffer):
            return False
        self.buffer = self.buffer[body:]
        size = len(self.buffer)
        return http.begins_request(self.buffer, 0, size) or http.may_begin_request(self.buffer, 0, size)


def may_begin(data: bytes) -> bool:
    """Whether the bytes may be the beginning of a ClientHello or a request."""
    if opening.recognise_hello(data) != opening.UNKNOWN:
        return True
    return http.begins_request(data, 0, len(data)) or http.may_begin_request(data, 0, len(data))


def is_dns(data: bytes) -> bool:
    """Whether the bytes start with a complete DNS message with its length (RFC 1035 section 4.2.2)."""
    if len(data) < DNS_HEAD:
        return False
    end = 2 + two(data, 0)
    return end <= len(data) and looks_like_dns(data, 2, end)


def may_become_dns(data: bytes) -> bool:
    """Whether the bytes may be the beginning of a DNS message with its length. TCP may split them anywhere."""
    if len(data) < 2:
        return True
    size = two(data, 0)
    if size < HEADER or len(data) >= 2 + size:
        return False
    if len(data) < DNS_HEAD:
        return True
    return has_dns_header(data, 2) and two(data, 6) == 1 and two(data, 10) <= DNS_RECORDS_MAX


def may_be_retried(hello: Hello) -> bool:
    """Whether a HelloRetryRequest may follow: only TLS 1.3 and its drafts have it (RFC 8446 section 4.1.4)."""
    return tls.highest_version(hello) >= tls.TLS_13
