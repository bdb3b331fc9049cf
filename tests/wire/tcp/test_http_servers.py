"""Requests beside two real servers' parsers: each Host that one of them serves is read, and nothing that is none.

The parsers are h11's and that of Python's `http.server`. Requests come in any cut, several in a connection, at the
beginning or behind a SOCKS greeting.
"""

import http.server
import io
import random
from itertools import pairwise

import h11
import pytest
from frames import ETHER, Watch, of
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP
from scapy.packet import Raw

from monitor.model import HttpRequest

METHODS = ("GET", "POST", "HEAD", "PUT", "OPTIONS", "PURGE", "M-SEARCH", "BREW", "X" * 30)
TARGETS = ("/", "/a%20b?c=d", "/" + "x" * 300, "*")
FIELDS = (
    b"Accept: */*",
    b"X-Host: no.example",
    b"Cookie: " + b"c" * 700,
    b"X-Long: " + b"y" * 6_000,
    b"Hostage: no.example",
)
seeds = st.integers(0, 1 << 62)


def served_by_h11(stream: bytes) -> list[bytes]:
    """The hosts of the requests that h11 takes, in their order."""
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 17)
    connection.receive_data(stream)
    hosts = []
    try:
        while (event := connection.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
            if isinstance(event, h11.Request):
                hosts.append(next((value for name, value in event.headers if name == b"host"), b""))
            if isinstance(event, h11.EndOfMessage):
                connection.send(h11.Response(status_code=204, headers=[]))
                connection.send(h11.EndOfMessage())
                if connection.our_state is not h11.DONE:
                    break
                connection.start_next_cycle()
    except h11.RemoteProtocolError:
        pass
    return hosts


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves any method from memory."""

    protocol_version = "HTTP/1.1"

    def __init__(self, stream: bytes) -> None:
        self.rfile = io.BytesIO(stream)
        self.wfile = io.BytesIO()
        self.hosts: list[bytes] = []
        self.client_address = ("192.0.2.1", 1)
        self.close_connection = False
        while not self.close_connection and self.rfile.tell() < len(stream):
            self.handle_one_request()

    def __getattr__(self, name: str) -> object:
        if name.startswith("do_"):
            return self.serve
        raise AttributeError(name)

    def serve(self) -> None:
        self.hosts.append((self.headers.get("Host") or "").strip().encode())
        self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def log_message(self, *_: object) -> None:
        pass


def served_by_python(stream: bytes) -> list[bytes]:
    return Handler(stream).hosts


def request(chance: random.Random, name: bytes) -> bytes:
    """A request as clients, careless ones and evading ones write it."""
    end = chance.choice((b"\r\n", b"\r\n", b"\r\n", b"\n"))
    blank = chance.choice((b" ", b" ", b" ", b"  ", b"\t"))
    line = blank.join((chance.choice(METHODS).encode(), chance.choice(TARGETS).encode(), b"HTTP/1.1"))
    host = chance.choice((b"Host", b"host", b"HOST", b"hOsT")) + chance.choice(
        (b":", b": ", b":\t ", b":" + end + b" ")
    )
    host += name + chance.choice((b"", b"", b" ", b"\t ", b":8080"))
    fields = [chance.choice(FIELDS) for _ in range(chance.choice((0, 1, 3)))]
    body = chance.choice((b"", b"", b"body", b"GET / HTTP/1.1\r\nHost: body.example\r\n\r\n", b"\r\n\r\n" * 40))
    if body:
        fields.append(b"Content-Length: %d" % len(body))
    fields.insert(chance.randrange(len(fields) + 1), host)
    if chance.random() < 0.1:
        fields = [one for one in fields if one is not host]
    first = chance.choice((b"", b"", b"\r\n", b"\r\n\r\n"))
    return first + end.join([line, *fields, b"", b""]) + body


def stream_of(chance: random.Random) -> bytes:
    count = chance.choice((1, 1, 2, 3))
    return b"".join(request(chance, b"www.%d.example" % turn) for turn in range(count))


def read(pieces: list[bytes], greeting: bytes = b"") -> list[bytes]:
    """The hosts that the decoder reads, each segment being a frame."""
    watch = Watch()
    head = IP(src="192.168.1.10", dst="203.0.113.5")
    watch.see(bytes(ETHER / head / TCP(sport=50_123, dport=8080, flags="S", seq=999)))
    hosts, number = [], 1000
    for piece in [greeting, *pieces] if greeting else pieces:
        segment = TCP(sport=50_123, dport=8080, flags="PA", seq=number, ack=1) / Raw(piece)
        hosts += [one.host for one in of(HttpRequest, watch.see(bytes(ETHER / head / segment)))]
        number += len(piece)
    return hosts


def cut(chance: random.Random, stream: bytes) -> list[bytes]:
    marks = {0, len(stream), *(chance.randrange(1, len(stream)) for _ in range(chance.choice((0, 1, 3, 12))))}
    return [stream[start:end] for start, end in pairwise(sorted(marks))]


def plain(hosts: list[bytes]) -> list[bytes]:
    """Names without their ports, of requests that have one."""
    return [host.split(b":")[0] for host in hosts if host]


@given(seeds)
@settings(max_examples=150)
def test_what_a_server_serves_is_read_and_nothing_that_is_no_host(seed: int) -> None:
    chance = random.Random(seed)
    stream = stream_of(chance)
    hosts = read(cut(chance, stream))
    served = [plain(served_by_h11(stream)), plain(served_by_python(stream))]
    for one in served:
        assert set(one) <= set(hosts)
    # Other servers take more than these two, such as empty lines first; bodies and other fields are for none a Host.
    assert hosts == sorted(set(hosts))
    assert all(host.startswith(b"www.") for host in hosts)


@pytest.mark.parametrize(
    "greeting",
    [b"\5\1\0", b"\5\1\0\5\1\0\1\x05\x2d\x03\x07\0\x50", b"\4\1\0\x50\x05\x2d\x03\x07\0"],
    ids=["SOCKS 5", "SOCKS 5 with its request", "SOCKS 4"],
)
@given(seed=seeds)
@settings(max_examples=30)
def test_requests_behind_socks_in_any_cut(greeting: bytes, seed: int) -> None:
    chance = random.Random(seed)
    stream = b"GET /a HTTP/1.1\r\n" + chance.choice(FIELDS[:3]) + b"\r\nHost: www.tiktok.com\r\n\r\n"
    assert read(cut(chance, stream), greeting) == [b"www.tiktok.com"]
