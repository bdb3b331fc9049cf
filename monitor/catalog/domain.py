"""Normalises domain names as people and lists write them.

The result is lower case, without the trailing dot, with non-ASCII labels as A-labels (RFC 5890 section 2.3.2.1). Labels
are mapped by NFKC and lower case and encoded with Punycode (RFC 3492), as browsers do: ß stays ß.
"""

import unicodedata
from typing import Final

from mypy_extensions import i64

LONGEST_NAME: Final = 253
LONGEST_LABEL: Final = 63

# The characters that IDNA treats as dots (RFC 3490 section 3.1), and the joiners that RFC 5892 permits in context.
DOTS: Final = str.maketrans({"\u3002": ".", "\uff0e": ".", "\uff61": "."})
JOINERS: Final = "\u00b7\u200c\u200d\u30fb"


def parse_name(text: str) -> tuple[bytes, str]:
    """Returns the name as `bytes`, or `b""` and the reason why the text is not a name.

    Labels have 1 to 63 letters, digits, hyphens and underscores (in service names, RFC 8552), the name has at most 253
    bytes. Exactly one trailing dot is dropped. Text that looks like an IPv4 address is not a name.
    """
    if not text.isascii():
        text, fault = to_ascii(text)
        if fault:
            return b"", fault
    text = text.lower()
    if text.endswith("."):
        text = text[:-1]
    if not text:
        return b"", "an empty name"
    if len(text) > LONGEST_NAME:
        return b"", f"a name of more than {LONGEST_NAME} bytes"
    name = text.encode("ascii")
    fault = label_fault(name)
    return (b"", fault) if fault else (name, "")


def label_fault(name: bytes) -> str:
    """Returns why the labels of a lower-case ASCII name are invalid, `""` if they are valid."""
    length: i64 = 0
    at: i64 = 0
    end: i64 = len(name)
    numeric = True
    while at < end:
        byte: i64 = name[at]
        at += 1
        if byte == 0x2E:
            if length == 0:
                return "an empty label"
            length = 0
            numeric = True
            continue
        length += 1
        if length > LONGEST_LABEL:
            return f"a label of more than {LONGEST_LABEL} bytes"
        if 0x30 <= byte <= 0x39:
            continue
        numeric = False
        if not (0x61 <= byte <= 0x7A or byte == 0x2D or byte == 0x5F):
            return f"a character that names cannot contain: {chr(byte)!r}"
    if length == 0:
        return "an empty label"
    return "an address or a number, not a name" if numeric else ""


def to_ascii(text: str) -> tuple[str, str]:
    """Returns the text with its non-ASCII labels as A-labels, or `""` and the fault."""
    labels = []
    for label in unicodedata.normalize("NFKC", text.translate(DOTS)).lower().split("."):
        if label.isascii():
            labels.append(label)
            continue
        for character in label:
            if not is_letter(character):
                return "", f"a character that names cannot contain: U+{ord(character):04X}"
        labels.append("xn--" + label.encode("punycode").decode("ascii"))
    return ".".join(labels), ""


def is_under(name: bytes, roots: frozenset[bytes]) -> bool:
    """Whether the name or one of its parents is in `roots`; compares whole labels in lower case."""
    if not roots:
        return False
    while name not in roots:
        dot = name.find(b".")
        if dot < 0:
            return False
        name = name[dot + 1 :]
    return True


def is_letter(character: str) -> bool:
    """Whether IDNA allows the character in a label: letters, marks and numbers of any script, hyphen-minus, joiners."""
    return unicodedata.category(character)[0] in "LMN" or character in "-_" or character in JOINERS
