"""Validates group members, domain names and ban targets, and returns them in canonical form."""

import re
from ipaddress import ip_address
from typing import Final

from monitor.catalog.domain import LONGEST_NAME, to_ascii
from monitor.catalog.subject_index import WORD_CHARACTERS_MAX
from monitor.catalog.words import host_of, tokens
from monitor.config.device_address import device_address, mac, packed_device
from monitor.config.faults import EVERYONE
from monitor.config.values import prefix
from monitor.policy.group_words import BUT

_LABEL: Final = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_WORD: Final = re.compile(r"[a-z0-9][a-z0-9._-]*")
# Metric labels with a special meaning: everyone, devices without a group, folded series, traffic without a vendor.
_GROUP_LABELS: Final = ("all", "none", "other")
_VENDOR_LABELS: Final = ("other", "unknown")
_HOST_OR_INTERFACE: Final = re.compile(r"(?!\d+(?:\.|$))[\w.-]{1,15}")
MULTICAST: Final = "an address of several devices or of none, not one of a device"
_INTERFACE: Final = re.compile(r"[^\s/]{1,15}")


def word(text: str) -> str:
    """Validates the name of a group, list or vendor, which becomes a metric label."""
    if not _WORD.fullmatch(text):
        raise ValueError(f"expected a name of a-z, 0-9, '.', '_' and '-', got '{text}'")
    return text


def group_name(text: str) -> str:
    """Validates the name of a group. Labels with a special meaning in metrics are refused."""
    if text in _GROUP_LABELS:
        raise ValueError(f"'{text}' is what metrics call something else, expected another name")
    return word(text)


def vendor_name(text: str) -> str:
    """Validates the owner of a list's entries: a `target`, but no label with a special meaning in metrics."""
    if text in _VENDOR_LABELS:
        raise ValueError(f"'{text}' is what metrics call something else, expected another name")
    return target(text)


def list_name(text: str) -> str:
    """Validates the name of a list that is also its vendor."""
    return vendor_name(word(text))


def interface(text: str) -> str:
    """Validates a network interface name by Linux's rules."""
    if not _INTERFACE.fullmatch(text) or text in (".", ".."):
        raise ValueError(f"expected an interface name, got '{text}'")
    return text


def name(text: str) -> str:
    """Returns a domain name in lower case, with A-labels (RFC 5890 section 2.3.2.1), without a trailing dot."""
    bare = text.strip().removesuffix(".").lower()
    plain = bare if bare.isascii() else to_ascii(bare)[0]
    if is_name(plain):
        return plain
    host = host_of(bare).removeprefix("*").removeprefix(".").removesuffix(".")
    hint = f": write '{host}', which stands for all names below it, too" if "." in host and is_name(host) else ""
    raise ValueError(f"expected a domain name, got '{text}'{hint}")


def is_name(text: str) -> bool:
    return len(text) <= LONGEST_NAME and bool(text) and all(_LABEL.fullmatch(label) for label in text.split("."))


def target(text: str) -> str:
    """Validates `vendor`, `vendor/service` or `category:name`."""
    scheme, colon, rest = text.rpartition(":")
    if colon and scheme != "category":
        raise ValueError(f"expected a vendor, vendor/service or category:name, got '{text}'")
    parts = [rest] if colon else rest.split("/")
    if len(parts) > 2 or not all(_WORD.fullmatch(part) for part in parts):
        raise ValueError(f"expected a vendor, vendor/service or category:name, got '{text}'")
    return text


def subject(text: str) -> str:
    """Validates the subject of a ban or exception: a word or name in any script. The catalogue resolves it later."""
    word = text.strip()
    if not word or not word.isprintable() or len(word) > WORD_CHARACTERS_MAX or not tokens(word):
        raise ValueError(f"expected the name of a vendor, service or category, or a domain name, got '{text}'")
    return word


def member(text: str) -> str:
    """Validates a MAC address, an address, a prefix, `host:PATTERN` or `iface:NAME`. A leading `!` negates it."""
    text = text.strip()
    if text.startswith(BUT) and not text.startswith(BUT + BUT):
        return BUT + member(text[len(BUT) :])
    scheme, _, rest = text.partition(":")
    if scheme == "host" and rest:
        return f"host:{rest.lower()}"
    if scheme == "iface":
        return f"iface:{interface(rest)}"
    try:
        return unicast(mac(text)).hex(":")
    except ValueError as error:
        if MULTICAST in str(error):
            raise
    address = device_address(text)
    if address is not None:
        return str(prefix(str(ip_address(address))))
    try:
        return str(prefix(text))
    except ValueError as error:
        if "/" in text:
            raise
        wanted = "a MAC address, an address, a prefix, host:PATTERN or iface:NAME"
        raise ValueError(f"expected {wanted}, got '{text}'{member_hint(text)}") from error


def unicast(address: bytes) -> bytes:
    """Returns the MAC address if it is a unicast address (IEEE 802-2014 section 8.2.2). Raises ValueError otherwise."""
    if address[0] & 1 or not any(address):
        raise ValueError(f"'{address.hex(':')}' is {MULTICAST}")
    return address


def member_hint(text: str) -> str:
    """Returns a hint for an invalid member: a host name and an interface need their prefix."""
    if text.lower() in EVERYONE:
        return ": a ban without `groups` is for everyone"
    if not _HOST_OR_INTERFACE.fullmatch(text):
        return ""
    return f": 'host:{text}' or 'iface:{text}' may be meant"


def device(text: str) -> bytes:
    """Returns a MAC or IP address, packed."""
    if "/" in text:
        raise ValueError(f"expected the MAC address or address of one device, got '{text}'")
    try:
        return packed_device(text)
    except ValueError:
        raise ValueError(f"expected the MAC address or address of a device, got '{text}'") from None
