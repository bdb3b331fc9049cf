"""Finds the host of an HTTP/1 request (RFC 9112 section 3.2), line by line as the bytes arrive.

The reader accepts what servers accept: empty lines before the request line (section 2.2), any method token, several
blanks between the parts of the request line (section 3), and fields of any length before the Host.
"""

import re
from typing import Final, final

from mypy_extensions import mypyc_attr

from monitor.wire.tls.client_hello import present_name

METHODS: Final[tuple[bytes, ...]] = (
    b"GET ", b"POST ", b"HEAD ", b"PUT ", b"DELETE ", b"CONNECT ", b"OPTIONS ", b"PATCH ", b"TRACE ", b"PROPFIND ",
    b"PROPPATCH ", b"MKCOL ", b"COPY ", b"MOVE ", b"LOCK ", b"UNLOCK ", b"REPORT ", b"SEARCH ", b"NOTIFY ",
    b"SUBSCRIBE ", b"UNSUBSCRIBE ", b"RPC_IN_DATA ", b"RPC_OUT_DATA ",
)  # fmt: skip
# RFC 9110 section 5.6.2: a token; no method of any registry is longer.
METHOD_MAX: Final = 32
HOST_MAX: Final = 255
# Octets of a field line without its end that decide whether the line is a Host; the rest of another line is skipped.
FIELD_START: Final = 512
LENGTH_DIGITS_MAX: Final = 10
# Maximum of an incomplete request line: the limit of servers (nginx: large_client_header_buffers).
LINE_MAX: Final = 8_192

MORE: Final = 0
HOST: Final = 1
TUNNEL: Final = 2
OTHER: Final = 3
END: Final = 4

# The length of a body whose end the head does not determine.
UNKNOWN: Final = -1

_METHOD: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}[ \t]")
_LINE: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}[ \t]+[^\r\n]*[ \t]HTTP/1\.[0-9][ \t]*\r?\n")
# The beginning of a request line: upper case, as all methods of the registries are, and what a target may hold.
_BEGINNING: Final = re.compile(rb"[A-Z_-]{1,32}(?:[ \t]+[\x21-\xff \t]*)?\r?\Z")
_TOKEN_END: Final = re.compile(rb"[^!#$%&'*+.^_`|~0-9A-Za-z-]")


@mypyc_attr(acyclic=True)
@final
class RequestHead:
    """Reads the head of one request; `host` is set once known.

    `consumed` octets of the input of `read` need not be passed again; after `TUNNEL` and `END` they are the whole head.
    `body` is the length of the body (RFC 9112 section 6.3), `UNKNOWN` if the head alone does not determine it.
    """

    __slots__ = ("_folded", "_skipping", "_told", "body", "connect", "consumed", "host", "started")

    def __init__(self) -> None:
        self.consumed = 0
        self.body = 0
        self._folded = False
        self._told = False
        self.host = b""
        self.connect = False
        self.started = False
        self._skipping = False

    def read(self, data: bytes) -> int:
        """Returns `HOST` once the host is known and then `END` after the head; `TUNNEL` after that of a CONNECT.

        Returns `OTHER` if it is not a request, or its head has ended without a host.
        """
        self.consumed = 0
        while True:
            line_end = data.find(b"\n", self.consumed)
            if line_end < 0:
                return self._read_beginning(data)
            line = data[self.consumed : line_end].rstrip(b"\r")
            self.consumed = line_end + 1
            state = self._read_line(line)
            if state != MORE:
                return state

    def _read_beginning(self, data: bytes) -> int:
        """Reads the beginning of a line whose end has not arrived. Skips a long field other than Host up to its end."""
        if self._skipping or (
            self.started and len(data) - self.consumed > FIELD_START and not self._is_awaited(data, self.consumed)
        ):
            self._skipping = True
            self.consumed = len(data)
        return MORE

    def _read_line(self, line: bytes) -> int:
        if self._skipping:
            self._skipping = False
            return MORE
        if self.started:
            return self._read_field(line)
        return self._read_request_line(line) if line else MORE

    def _read_request_line(self, line: bytes) -> int:
        parts = line.split()
        if len(parts) < 3 or not parts[len(parts) - 1].startswith(b"HTTP/1."):
            return OTHER
        self.started = True
        self.connect = parts[0] == b"CONNECT"
        # Section 3.2.3, authority-form; 3.2.2, absolute-form, which overrides the Host field.
        authority = parts[1] if self.connect else absolute_authority(parts[1])
        if authority:
            self.host = host_of(authority)
        return self._judge()

    def _is_awaited(self, data: bytes, at: int) -> bool:
        return (self._folded and data[at] in b" \t") or (not self.host and is_host(data, at))

    def _read_field(self, line: bytes) -> int:
        if not line:
            return TUNNEL if self.connect else END if self.host else OTHER
        if line[0] in b" \t":
            # RFC 9112 section 5.2: a line that goes on with the field before it.
            if self._folded:
                self.host = host_of(line.strip(b" \t"))
                self._folded = not self.host
            return self._judge()
        self._folded = False
        if not self.host and is_host(line, 0):
            self.host = host_of(line[line.find(b":") + 1 :].strip(b" \t"))
            self._folded = not self.host
        elif line[0] in b"cCtT":
            self._measure(line)
        return self._judge()

    def _judge(self) -> int:
        if not self.host or self.connect or self._told:
            return MORE
        self._told = True
        return HOST

    def _measure(self, line: bytes) -> None:
        """Reads the two fields about the body's length. If they disagree, it is unknown (section 6.3)."""
        name, _, value = line.partition(b":")
        name = name.rstrip(b" \t").lower()
        value = value.strip(b" \t")
        if name == b"transfer-encoding":
            self.body = UNKNOWN
        elif name == b"content-length":
            known = self.body == 0 and value.isdigit() and len(value) < LENGTH_DIGITS_MAX
            self.body = int(value) if known else UNKNOWN


def is_host(data: bytes, at: int) -> bool:
    """Whether a Host field begins at `at`. Accepts blanks before the colon, as some servers do (section 5)."""
    return data[at : at + 4].lower() == b"host" and data[at + 4 : at + FIELD_START].lstrip(b" \t")[:1] == b":"


def recognise_request(data: bytes) -> int:
    """Identifies the first octets of a stream: `HOST` for the start of a request line, `MORE`, or `OTHER`.

    A registered method is sufficient. After any other token the whole line is needed, because streams of other
    protocols may begin with a word too.
    """
    head = data[:METHOD_MAX]
    for method in METHODS:
        if head.startswith(method):
            return HOST
        if method.startswith(head):
            return MORE
    if _METHOD.match(data) is None:
        end = _TOKEN_END.search(data)
        return MORE if end is None and len(data) <= METHOD_MAX else OTHER
    if b"\n" not in data:
        return MORE
    return HOST if _LINE.match(data) is not None else OTHER


def begins_request(data: bytes, start: int, end: int) -> bool:
    """Whether a segment begins with a whole request line; empty lines may come first (RFC 9112 section 2.2)."""
    start = _skip_empty_lines(data, start, end)
    return start < end and 0x21 <= data[start] <= 0x7E and _LINE.match(data, start, end) is not None


def may_begin_request(data: bytes, start: int, end: int) -> bool:
    """Whether a segment is the start of a request line or, if it ends earlier, may be."""
    begins = _skip_empty_lines(data, start, end)
    if begins == end:
        return begins > start
    return 0x41 <= data[begins] <= 0x5F and end - begins <= LINE_MAX and _is_beginning(data[begins:end])


def _is_beginning(line: bytes) -> bool:
    return _BEGINNING.match(line) is not None


def _skip_empty_lines(data: bytes, start: int, end: int) -> int:
    while start < end and data[start] in b"\r\n":
        start += 1
    return start


def absolute_authority(target: bytes) -> bytes:
    """Returns the authority of an absolute-form target, `b""` for the other forms."""
    if target[:7].lower() != b"http://" and target[:8].lower() != b"https://":
        return b""
    return target.split(b"/", 3)[2]


def host_of(authority: bytes) -> bytes:
    """Returns the host without user information, port and the brackets of an IPv6 literal (RFC 3986 section 3.2)."""
    host = authority[authority.rfind(b"@") + 1 :]
    if host.startswith(b"["):
        host = host[1:].split(b"]", 1)[0]
    else:
        host = host.split(b":", 1)[0].split(b"?", 1)[0]
    return present_name(host) if len(host) <= HOST_MAX else b""
