"""Determines the encoding of a file from its first bytes, and refuses files that are not lists."""

import codecs
from typing import Final

from monitor.errors import ListError

HEAD_BYTES: Final = 65_536
TEXT_SHOWN: Final = 60
# Bytes that do not occur in text.
BINARY: Final = bytes(set(range(32)) - set(b"\t\n\r\f\v\x1a"))
# Byte order marks, the longer ones first; editors and shells of Windows write them.
ENCODINGS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Percentage of zero bytes from which a text without a mark counts as UTF-16.
ZEROS_PERCENT: Final = 40


def encoding_of(head: bytes) -> str:
    """Returns the encoding of the byte order mark, else UTF-8."""
    return next((encoding for mark, encoding in ENCODINGS if head.startswith(mark)), "utf-8")


def check_head(head: bytes) -> None:
    """Raises ListError if the file is not text, or is text of another kind."""
    encoding = encoding_of(head)
    if encoding != "utf-8":
        head = head.decode(encoding, "ignore").encode("utf-8", "ignore")
    text = head.removeprefix(codecs.BOM_UTF8).lstrip()
    if not text:
        raise ListError("empty")
    if head.count(0) * 100 >= ZEROS_PERCENT * len(head):
        raise ListError("not a list: a text in UTF-16 or UTF-32 without a byte order mark: save it in UTF-8")
    if any(byte in BINARY for byte in head):
        raise ListError("not a list: it contains bytes that do not occur in text")
    if text.startswith(b"<"):
        raise ListError(
            f"not a list: a page of HTML or XML, it begins with {printable(text[:24].decode('utf-8', 'replace'))}"
        )


def printable(text: str) -> str:
    """Returns a piece of a downloaded list with only printable characters, for a terminal."""
    return "".join(sign if sign.isprintable() else "?" for sign in text[:TEXT_SHOWN])
