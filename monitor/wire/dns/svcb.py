"""Reads service binding parameters, SVCB and HTTPS (RFC 9460), and formats them."""

from binascii import b2a_base64
from typing import Final, final

from monitor.wire.dns.presentation import address_text, string_text
from monitor.wire.integers import two

MANDATORY: Final = 0
ALPN: Final = 1
NO_DEFAULT_ALPN: Final = 2
PORT: Final = 3
IPV4HINT: Final = 4
ECH: Final = 5
IPV6HINT: Final = 6
DOHPATH: Final = 7
OHTTP: Final = 8

_KEYS: Final[dict[int, str]] = {
    MANDATORY: "mandatory",
    ALPN: "alpn",
    NO_DEFAULT_ALPN: "no-default-alpn",
    PORT: "port",
    IPV4HINT: "ipv4hint",
    ECH: "ech",
    IPV6HINT: "ipv6hint",
    DOHPATH: "dohpath",
    OHTTP: "ohttp",
}


@final
class SvcParams:
    """Iterates over the SvcParams in `data[at:limit]` (RFC 9460 section 2.2).

    After each true `advance()`, `key` and the value `data[start:end]` are those of the next parameter. At the end
    `broken` is true if the bytes ended inside a parameter.
    """

    __slots__ = ("broken", "data", "end", "key", "limit", "start")

    def __init__(self, data: bytes, at: int, limit: int) -> None:
        self.data = data
        self.limit = limit
        self.key = -1
        self.start = at
        self.end = at
        self.broken = False

    def advance(self) -> bool:
        at = self.end
        if at >= self.limit or self.broken:
            return False
        start = at + 4
        end = start + two(self.data, at + 2) if start <= self.limit else self.limit + 1
        if end > self.limit:
            self.broken = True
            return False
        self.key = two(self.data, at)
        self.start = start
        self.end = end
        return True


def svcb_params_text(data: bytes, at: int, limit: int) -> list[str] | None:
    """Returns each parameter as `key=value` (RFC 9460 section 2.1), None if the bytes are not parameters."""
    texts: list[str] = []
    params = SvcParams(data, at, limit)
    before = -1
    while params.advance():
        # Section 2.2: keys come in strictly increasing order.
        value = _value_text(params.key, data[params.start : params.end]) if params.key > before else None
        if value is None:
            return None
        key = _key_text(params.key)
        texts.append(f"{key}={value}" if value else key)
        before = params.key
    return None if params.broken else texts


def _key_text(key: int) -> str:
    return _KEYS.get(key) or f"key{key}"


def _value_text(key: int, value: bytes) -> str | None:
    """Returns the value in the form of its key, empty if it has none, None if the bytes do not fit the key."""
    if key == MANDATORY:
        return _mandatory_text(value)
    if key == ALPN:
        return _alpn_text(value)
    if key in (NO_DEFAULT_ALPN, OHTTP):
        return None if value else ""
    if key == PORT:
        return str(two(value, 0)) if len(value) == 2 else None
    if key == IPV4HINT:
        return _hints_text(value, 4)
    if key == IPV6HINT:
        return _hints_text(value, 16)
    if key == ECH:
        return b2a_base64(value, newline=False).decode("ascii") if value else None
    return f'"{string_text(value)}"' if value else ""


def _mandatory_text(value: bytes) -> str | None:
    if not value or len(value) % 2:
        return None
    return ",".join([_key_text(two(value, at)) for at in range(0, len(value), 2)])


def _hints_text(value: bytes, size: int) -> str | None:
    if not value or len(value) % size:
        return None
    return ",".join([address_text(value[at : at + size]) for at in range(0, len(value), size)])


def _alpn_text(value: bytes) -> str | None:
    """Section 7.1.1: a comma-separated list, so commas and backslashes of an identifier are escaped twice."""
    names: list[str] = []
    at = 0
    while at < len(value):
        behind = at + 1 + value[at]
        if behind > len(value) or behind == at + 1:
            return None
        name = value[at + 1 : behind].replace(b"\\", b"\\\\").replace(b",", b"\\,")
        names.append(string_text(name))
        at = behind
    return '"' + ",".join(names) + '"' if names else None
