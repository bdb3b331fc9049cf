"""Validates the location of a list and its checksum or key. Invalid text raises a one-line ValueError."""

import base64
import re
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

_SHA256: Final = re.compile(r"[0-9a-fA-F]{64}")
_KEY_BYTES: Final = 42  # algorithm, key number and an Ed25519 key
_KEY_ALGORITHM: Final = b"Ed"


def location(text: str, folder: Path) -> str:
    """Returns a list's location: an https or `file:` URL, or a file path. Plain http is accepted for this host only."""
    if "://" not in text:
        return below(folder, text)
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
    except ValueError:
        raise ValueError(f"expected https://… or a file's path, got '{text}'") from None
    if parts.scheme == "file":
        if host or len(parts.path) < 2:
            raise ValueError(f"expected file:///… with the whole path, got '{text}'")
        return text
    if parts.scheme == "https" and host:
        return text
    if parts.scheme == "http" and is_this_host(host):
        return text
    raise ValueError(f"expected https://… or a file's path, got '{text}'")


def is_this_host(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def below(folder: Path, path: str) -> str:
    return str(folder / path) if path else ""


def sha256(text: str) -> str:
    if text and not _SHA256.fullmatch(text):
        raise ValueError(f"expected a SHA-256 of 64 hexadecimal digits, got '{text}'")
    return text.lower()


def minisign_key(text: str) -> str:
    """Returns a public key as printed by `minisign -G`: its base64 line."""
    try:
        key = base64.b64decode(text, validate=True)
    except ValueError:
        key = b""
    if text and (len(key) != _KEY_BYTES or not key.startswith(_KEY_ALGORITHM)):
        raise ValueError(f"expected a minisign public key such as RWQ…, got '{text}'")
    return text
