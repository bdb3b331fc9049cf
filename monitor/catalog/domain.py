"""Names as people and lists write them, to names as gatewatch keeps them.

The result is lower case, without the trailing dot, non-ASCII labels as A-labels (RFC 5890 section 2.3.2.1). They are
mapped by NFKC and lower case and encoded with Punycode (RFC 3492), as browsers do it: ß stays ß.
"""

import unicodedata
from typing import Final

from mypy_extensions import i64

LONGEST_NAME: Final = 253
LONGEST_LABEL: Final = 63

# The characters that IDNA takes for dots (RFC 3490 section 3.1), and the joiners that RFC 5892 permits in context.
DOTS: Final = str.maketrans({"\u3002": ".", "\uff0e": ".", "\uff61": "."})
JOINERS: Final = "\u00b7\u200c\u200d\u30fb"


def parse_name(text: str) -> tuple[bytes, str]:
    """The name as `bytes`, or `b""` and why the text is none.

    Letters, digits, hyphens and underscores (service names have them, RFC 8552) in labels of 1 to 63 bytes, 253
    altogether; exactly one trailing dot is dropped; what looks like an IPv4 address is no name.
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
    """Why the labels of a lower-case ASCII name are wrong, `""` where they are right."""
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
            return f"a character that no name has: {chr(byte)!r}"
    if length == 0:
        return "an empty label"
    return "an address or a number, not a name" if numeric else ""


def to_ascii(text: str) -> tuple[str, str]:
    """The text with its non-ASCII labels as A-labels, or `""` and what is wrong."""
    labels = []
    for label in unicodedata.normalize("NFKC", text.translate(DOTS)).lower().split("."):
        if label.isascii():
            labels.append(label)
            continue
        for character in label:
            if not is_letter(character):
                return "", f"a character that no name has: U+{ord(character):04X}"
        labels.append("xn--" + label.encode("punycode").decode("ascii"))
    return ".".join(labels), ""


def is_under(name: bytes, roots: frozenset[bytes]) -> bool:
    """Whether the name or one that it lies below is among `roots`: whole labels, lower case."""
    if not roots:
        return False
    while name not in roots:
        dot = name.find(b".")
        if dot < 0:
            return False
        name = name[dot + 1 :]
    return True


def is_letter(character: str) -> bool:
    """Letters, marks and numbers of any script, the hyphen-minus and what IDNA allows between letters."""
    return unicodedata.category(character)[0] in "LMN" or character in "-_" or character in JOINERS
