"""What the first bytes of a file tell: its encoding, and whether it is a list at all."""

import codecs
from typing import Final

from monitor.errors import ListError

HEAD_BYTES: Final = 65_536
TEXT_SHOWN: Final = 60
# No text has these.
BINARY: Final = bytes(set(range(32)) - set(b"\t\n\r\f\v\x1a"))
# By their byte order marks, the longer ones first; editors and shells of Windows write these.
ENCODINGS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Of the bytes of a text in UTF-16 without a mark, at least so many in a hundred are zero.
ZEROS_PERCENT: Final = 40


def encoding_of(head: bytes) -> str:
    """The encoding that a byte order mark names, else UTF-8."""
    return next((encoding for mark, encoding in ENCODINGS if head.startswith(mark)), "utf-8")


def check_head(head: bytes) -> None:
    """Raises ListError for what is no text, or a text of another sort."""
    encoding = encoding_of(head)
    if encoding != "utf-8":
        head = head.decode(encoding, "ignore").encode("utf-8", "ignore")
    text = head.removeprefix(codecs.BOM_UTF8).lstrip()
    if not text:
        raise ListError("empty")
    if head.count(0) * 100 >= ZEROS_PERCENT * len(head):
        raise ListError("no list: a text in UTF-16 or UTF-32 without a byte order mark: save it in UTF-8")
    if any(byte in BINARY for byte in head):
        raise ListError("no list: it holds bytes that no text has")
    if text.startswith(b"<"):
        raise ListError(
            f"no list: a page of HTML or XML, it begins with {printable(text[:24].decode('utf-8', 'replace'))}"
        )


def printable(text: str) -> str:
    """A piece of a stranger's list, for a terminal."""
    return "".join(sign if sign.isprintable() else "?" for sign in text[:TEXT_SHOWN])
