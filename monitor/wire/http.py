"""The host that an HTTP/1 request is for (RFC 9112 section 3.2), read line by line as the bytes come in."""

from typing import Final, final

from monitor.wire.hello import present_name

METHODS: Final[tuple[bytes, ...]] = (
    b"GET ", b"POST ", b"HEAD ", b"PUT ", b"DELETE ", b"CONNECT ", b"OPTIONS ", b"PATCH ", b"TRACE ", b"PROPFIND ",
    b"PROPPATCH ", b"MKCOL ", b"COPY ", b"MOVE ", b"LOCK ", b"UNLOCK ", b"REPORT ", b"SEARCH ", b"NOTIFY ",
    b"SUBSCRIBE ", b"UNSUBSCRIBE ", b"RPC_IN_DATA ", b"RPC_OUT_DATA ",
)  # fmt: skip
METHOD_MAX: Final = 16
HOST_MAX: Final = 255

MORE: Final = 0
HOST: Final = 1
TUNNEL: Final = 2
OTHER: Final = 3


@final
class RequestHead:
    """Reads the head of one request; `host` is set once known, `end` is where the head ends (`TUNNEL` only)."""

    __slots__ = ("at", "connect", "end", "host", "started")

    def __init__(self) -> None:
        self.at = 0
        self.end = 0
        self.host = b""
        self.connect = False
        self.started = False

    def read(self, data: bytes) -> int:
        """`HOST` once the host is known, `TUNNEL` behind the head of a CONNECT, `OTHER` where it is no request."""
        while True:
            line_end = data.find(b"\n", self.at)
            if line_end < 0:
                return MORE
            line = data[self.at : line_end].rstrip(b"\r")
            self.at = line_end + 1
            state = self._read_field(line) if self.started else self._read_request_line(line)
            if state != MORE:
                return state

    def _read_request_line(self, line: bytes) -> int:
        parts = line.split(b" ")
        if len(parts) != 3 or not parts[2].startswith(b"HTTP/1."):
            return OTHER
        self.started = True
        self.connect = parts[0] == b"CONNECT"
        # Section 3.2.3, authority-form; 3.2.2, absolute-form, which overrides the Host field.
        authority = parts[1] if self.connect else absolute_authority(parts[1])
        if authority:
            self.host = host_of(authority)
        return HOST if self.host and not self.connect else MORE

    def _read_field(self, line: bytes) -> int:
        if not line:
            self.end = self.at
            return TUNNEL if self.connect else OTHER
        if not self.host and line[:5].lower() == b"host:":
            self.host = host_of(line[5:].strip(b" \t"))
        return HOST if self.host and not self.connect else MORE


def absolute_authority(target: bytes) -> bytes:
    """The authority of an absolute-form target, `b""` for the other forms."""
    if target[:7].lower() != b"http://" and target[:8].lower() != b"https://":
        return b""
    return target.split(b"/", 3)[2]


def host_of(authority: bytes) -> bytes:
    """The host without user information, port and the brackets of an IPv6 literal (RFC 3986 section 3.2)."""
    host = authority[authority.rfind(b"@") + 1 :]
    if host.startswith(b"["):
        host = host[1:].split(b"]", 1)[0]
    else:
        host = host.split(b":", 1)[0].split(b"?", 1)[0]
    return present_name(host) if len(host) <= HOST_MAX else b""
