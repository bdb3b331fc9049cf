"""Parses durations, sizes, addresses, endpoints and dates. Invalid text raises a one-line ValueError."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias

Prefix: TypeAlias = IPv4Network | IPv6Network
Address: TypeAlias = IPv4Address | IPv6Address

_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_BYTES: Final = {
    "": 1, "B": 1,
    "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9,
    "K": 2**10, "M": 2**20, "G": 2**30, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30,
}  # fmt: skip
_SPAN: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)")
_SIZE: Final = re.compile(r"(\d+) ?([A-Za-z]*)")


def duration(text: str) -> float:
    """Returns `90s`, `5m`, `1h30m`, `7d` or `0` in seconds."""
    parts = _SPAN.findall(text)
    if text == "0":
        return 0.0
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"expected a duration such as 90s, 5m, 24h or 7d, got '{text}'")
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


def size(value: str | int) -> int:
    """Returns `64MiB`, `10MB` or a plain number in bytes."""
    match = _SIZE.fullmatch(str(value).strip())
    if match is None or match[2] not in _BYTES:
        raise ValueError(f"expected a size such as 64MiB or a number of bytes, got '{value}'")
    return int(match[1]) * _BYTES[match[2]]


def prefix(text: str) -> Prefix:
    try:
        return ip_network(text, strict=True)
    except ValueError:
        pass
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f"expected an address prefix such as 192.168.0.0/16 or fd00::/8, got '{text}'") from None
    raise ValueError(f"'{text}' has bits set behind its prefix length, '{network}' may be meant")


def nat64_prefix(text: str) -> Prefix:
    """Returns a prefix that may embed IPv4 addresses (RFC 6052 section 2.2)."""
    network = prefix(text)
    if network.version != 6 or network.prefixlen not in (32, 40, 48, 56, 64, 96):
        raise ValueError(f"expected an IPv6 prefix of 32, 40, 48, 56, 64 or 96 bits, got '{text}'")
    return network


def address(text: str) -> Address:
    try:
        return ip_address(text)
    except ValueError:
        raise ValueError(f"expected an IP address, got '{text}'") from None


@dataclass(frozen=True)
class Endpoint:
    """The address where a server listens; an empty host disables it."""

    host: str = ""
    port: int = 0

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def endpoint(text: str) -> Endpoint:
    """Parses `127.0.0.1:10053`, `[::1]:10053`, or `""` for none."""
    if not text:
        return Endpoint()
    host, _, port = text.rpartition(":")
    if not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ValueError(f"expected address:port such as 127.0.0.1:10053, got '{text}'")
    if not host:
        raise ValueError(f"expected address:port such as 127.0.0.1:10053, got '{text}'")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if (":" in bare) != (bare != host):
        raise ValueError(f"expected address:port, an IPv6 address in brackets, got '{text}'")
    return Endpoint(str(address(bare)), int(port))


def moment(value: object) -> float:
    """Returns a TOML date, or date and time, quoted or not, in seconds since the epoch. A date without a time means its
    end in UTC; a date and time without a zone is local time.
    """
    if isinstance(value, str):
        value = quoted_moment(value)
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.astimezone()).timestamp()
    if isinstance(value, date):
        return datetime.combine(value, time.max, UTC).timestamp()
    raise ValueError("expected a date such as 2026-12-31 or a date with time such as 2026-12-31T18:00:00+01:00")


def quoted_moment(text: str) -> date:
    """Returns the date (ISO 8601) in a string. Raises a one-line ValueError."""
    plain = text.strip()
    try:
        return date.fromisoformat(plain)
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(plain)
    except ValueError:
        raise ValueError(f"expected a date such as 2026-12-31, without quotes, got '{text}'") from None
