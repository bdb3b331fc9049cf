"""A web server on this host that serves lists, and misbehaves in every way that a list's reader may meet."""

import gzip
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TypeAlias

LAST_MODIFIED = "Tue, 24 Nov 2026 10:00:00 GMT"


class Handler(BaseHTTPRequestHandler):
    """Answers with what the server's `pages` hold for the path."""

    protocol_version = "HTTP/1.1"
    server: "ListServer"

    def do_GET(self) -> None:
        self.server.asked.append((self.path, dict(self.headers.items())))
        self.close_connection = True
        page = self.server.pages.get(self.path)
        if page is None:
            self.answer(404, b"not here")
        elif isinstance(page, bytes):
            self.answer(200, page)
        else:
            page(self)

    def answer(self, code: int, body: bytes, **headers: str) -> None:
        """A whole and honest answer."""
        self.begin(code, Content_Length=str(len(body)), **headers)
        self.wfile.write(body)

    def begin(self, code: int, **headers: str) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def write(self, piece: bytes) -> None:
        self.wfile.write(piece)
        self.wfile.flush()

    def log_message(self, format: str, *arguments: object) -> None:
        pass


Page: TypeAlias = bytes | Callable[[Handler], None]


class ListServer(ThreadingHTTPServer):
    """`pages` by path; `asked` are the requests, with their headers. It stops when `ended` is set."""

    daemon_threads = True
    block_on_close = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.pages: dict[str, Page] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.ended = threading.Event()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients go away in the middle: that is what is tested."""


@contextmanager
def serving(tls: ssl.SSLContext | None) -> Iterator[ListServer]:
    with ListServer() as server:
        if tls is not None:
            # The handshake is made by the thread that answers, so that a client without one blocks no other client.
            server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.ended.set()
            server.shutdown()
            thread.join()


def pieces(handler: Handler) -> Iterator[None]:
    """Until the client has had enough."""
    while not handler.server.ended.is_set():
        yield


def drip(handler: Handler) -> None:
    """A byte now and then, each before a time-out that restarts with every byte."""
    handler.begin(200, Content_Length="1000000")
    for _ in pieces(handler):
        handler.write(b"a")
        time.sleep(0.05)


def drip_head(handler: Handler) -> None:
    """The same before the answer has even begun."""
    handler.write(b"HTTP/1.1 200 OK\r\nX-Wait: ")
    for _ in pieces(handler):
        handler.write(b"a")
        time.sleep(0.05)


def silent(handler: Handler) -> None:
    handler.server.ended.wait()


def endless(handler: Handler) -> None:
    handler.begin(200, Transfer_Encoding="chunked")
    body = b"x.example\n" * 1000
    for _ in pieces(handler):
        handler.write(b"%x\r\n%b\r\n" % (len(body), body))


def endless_head(handler: Handler) -> None:
    handler.write(b"HTTP/1.1 200 OK\r\n")
    for _ in pieces(handler):
        handler.write(b"X-More: " + b"a" * 1000 + b"\r\n")


def cut(handler: Handler) -> None:
    handler.begin(200, Content_Length="1000")
    handler.write(b"a.example\n" * 10)


def cut_chunk(handler: Handler) -> None:
    handler.begin(200, Transfer_Encoding="chunked")
    handler.write(b"a\r\na.example\n\r\n")


def without_end(handler: Handler) -> None:
    """As old servers do: the list ends where the connection does, wherever that is."""
    handler.begin(200)
    handler.write(b"a.example\nb.example\n")


def bomb(handler: Handler) -> None:
    """Half a gigabyte in half a megabyte."""
    part = gzip.compress(b"x.example\n" * 100_000, mtime=0)
    handler.answer(200, part * 500, Content_Encoding="gzip")


def packed(body: bytes, encoding: str = "gzip") -> Page:
    return lambda handler: handler.answer(200, body, Content_Encoding=encoding)


def to(location: str) -> Page:
    return lambda handler: handler.answer(302, b"", Location=location)


def code(number: int, body: bytes = b"") -> Page:
    return lambda handler: handler.answer(number, body)


def no_http(handler: Handler) -> None:
    handler.write(b"220 mail.example ESMTP\r\n")


def validated(body: bytes, etag: str = "", modified: str = "") -> Page:
    """A page with validators, which answers 304 to those who have it."""

    def page(handler: Handler) -> None:
        known = etag and handler.headers.get("If-None-Match") == etag
        if known or (modified and handler.headers.get("If-Modified-Since") == modified):
            handler.begin(304)
            return
        given = {"ETag": etag, "Last_Modified": modified}
        handler.answer(200, body, **{name: value for name, value in given.items() if value})

    return page
