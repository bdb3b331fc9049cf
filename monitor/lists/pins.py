"""Checks a subscription's pins: a SHA-256 of its content, or a minisign key of its author."""

from pathlib import Path
from typing import Final

import minisign

from monitor.errors import ListError

SIGNATURE_SUFFIX: Final = ".minisig"
SIGNATURE_BYTES: Final = 16_384


def check_digest(digest: str, pinned: str) -> None:
    if digest != pinned:
        raise ListError(f"its SHA-256 is {digest}, pinned is {pinned}")


def check_signature(path: Path, signature: bytes, key: str) -> None:
    """Raises ListError if the key did not sign the file (https://jedisct1.github.io/minisign/)."""
    try:
        found = minisign.Signature.from_bytes(signature)
    except (minisign.ParseError, ValueError) as error:
        raise ListError(f"its signature is not a minisign signature: {error}") from None
    try:
        with path.open("rb") as file:
            minisign.PublicKey.from_base64(key).verify(file, found)
    except minisign.VerifyError as error:
        raise ListError(f"not signed by the pinned minisign key: {error}") from None
