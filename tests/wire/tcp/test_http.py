"""The host of an HTTP/1 request, in every form of its target."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.wire.tcp.http import HOST, MORE, OTHER, TUNNEL, RequestHead, host_of


@pytest.mark.parametrize(
    ("head", "host"),
    [
        (b"GET / HTTP/1.1\r\nHost: Example.com\r\n\r\n", b"example.com"),
        (b"GET / HTTP/1.1\r\nAccept: */*\r\nhOST:\texample.com:8080 \r\n", b"example.com"),
        (b"POST /x HTTP/1.0\nHost: example.com\n\n", b"example.com"),
        (b"GET http://a.example/x HTTP/1.1\r\nHost: b.example\r\n\r\n", b"a.example"),
        (b"GET http://user:pass@a.example:81 HTTP/1.1\r\n\r\n", b"a.example"),
        (b"GET HTTP://[2001:DB8::1]:80/ HTTP/1.1\r\n\r\n", b"2001:db8::1"),
        (b"OPTIONS * HTTP/1.1\r\nHost: [::1]\r\n\r\n", b"::1"),
        (b"GET / HTTP/1.1\r\nHost: example.com.\r\n\r\n", b"example.com"),
    ],
)
def test_the_host_is_found(head: bytes, host: bytes) -> None:
    request = RequestHead()
    assert request.read(head) == HOST
    assert request.host == host


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nAccept: */*\r\n\r\n",
        b"OPTIONS sip:a@b.example SIP/2.0\r\nHost: a.example\r\n\r\n",
        b"GET /\r\nHost: a.example\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost:\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\n",
    ],
)
def test_no_host_no_observation(head: bytes) -> None:
    request = RequestHead()
    assert request.read(head) == OTHER
    assert request.host == b""


def test_connect_ends_behind_its_head() -> None:
    head = b"CONNECT Example.com:443 HTTP/1.1\r\nHost: other.example\r\nX: y\r\n\r\n"
    request = RequestHead()
    assert request.read(head + b"\x16\3\1") == TUNNEL
    assert (request.host, request.consumed) == (b"example.com", len(head))


@given(st.lists(st.integers(1, 20), max_size=40))
def test_any_split_finds_the_host(steps: list[int]) -> None:
    head = b"GET / HTTP/1.1\r\nAccept: text/html\r\nHost: example.com\r\n"
    request = RequestHead()
    seen = b""
    for step in [*steps, len(head)]:
        seen, head = seen[request.consumed :] + head[:step], head[step:]
        found = request.read(seen)
        assert (found == HOST) == (not head) or found == MORE
        if found == HOST:
            break
    assert request.host == b"example.com"


@given(st.binary(max_size=200))
def test_any_bytes_are_read(data: bytes) -> None:
    RequestHead().read(b"GET / HTTP/1.1\r\n" + data)
    RequestHead().read(data)
    host_of(data)
