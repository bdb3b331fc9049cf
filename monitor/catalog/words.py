"""Normalises typed words for comparison: case, blanks, punctuation and the spelling of hosts do not count."""

import re
import unicodedata
from typing import Final

from monitor.catalog.domain import DOTS
from monitor.catalog.prefix import parse_address

# Different spellings of one sound: `tictoc`, `roblocks`. Applied to folded words, in this order.
SPELLINGS: Final = (("ck", "k"), ("ph", "f"), ("x", "ks"), ("c", "k"), ("q", "k"), ("z", "s"), ("y", "i"))
# Labels under which country registries register names: `example.co.uk`.
SECOND_LEVEL: Final = ("ac", "co", "com", "edu", "gov", "net", "org")
SCHEME_END: Final = "://"
AS_NUMBER: Final = re.compile(r"AS(\d{1,10})", re.IGNORECASE)


def fold(text: str) -> str:
    """Returns letters and digits of any script without case: `Tik-Tok`, `tik tok` and `TIKTOK` are one word.

    NFKC and case folding (Unicode 15 section 3.13) make full-width and half-width forms equal.
    """
    # Folding may denormalise a text, as with U+0345, so it is normalised again.
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return "".join([sign for sign in folded if is_kept(sign)])


def is_kept(sign: str) -> bool:
    """Whether the character is a letter, number or mark; variation selectors (U+FE00 to U+FE0F) only choose a glyph."""
    return unicodedata.category(sign)[0] in "LMN" and not "\ufe00" <= sign <= "\ufe0f"


def tokens(text: str) -> list[str]:
    """Returns the folded words between blanks and punctuation."""
    spaced = "".join([sign if is_kept(sign) else " " for sign in unicodedata.normalize("NFKC", text)])
    return [fold(part) for part in spaced.split()]


def sound(folded: str) -> str:
    """Returns an approximate pronunciation of the folded word: equal for spellings that people confuse."""
    for spelling, plain in SPELLINGS:
        folded = folded.replace(spelling, plain)
    letters: list[str] = []
    for letter in folded:
        if not letters or letters[-1] != letter:
            letters.append(letter)
    return "".join(letters)


def host_of(text: str) -> str:
    """Returns the host of a URL, an authority or a name (RFC 3986 section 3.2): without scheme, user, port and path.

    An address is returned without brackets. Any other text is returned without surrounding blanks.
    """
    rest = text.strip().translate(DOTS)
    scheme, mark, behind = rest.partition(SCHEME_END)
    if mark and not any(end in scheme for end in "/?#"):
        rest = behind
    elif rest.startswith("//"):
        rest = rest[2:]
    for end in "/?#":
        rest = rest.partition(end)[0]
    rest = rest.rpartition("@")[2]
    if rest.startswith("["):
        return rest[1:].partition("]")[0]
    host, colon, port = rest.rpartition(":")
    if colon and ":" not in host and (not port or (port.isascii() and port.isdigit())):
        rest = host
    return rest.strip()


def is_host(text: str) -> bool:
    """Whether the text is written as a URL, an authority or a name of several labels, none of which has a blank."""
    host = host_of(text)
    return SCHEME_END in text or ("." in host.strip(".") and len(host.split()) == 1)


def brand_of(host: str) -> str:
    """Returns the registered label: `tiktok` of `www.tiktok.co.uk`, `""` if there is one label only."""
    labels = [label for label in host.split(".") if label]
    if len(labels) > 2 and labels[-2] in SECOND_LEVEL:
        return labels[-3]
    return labels[-2] if len(labels) > 1 else ""


def is_number(word: str) -> bool:
    """Whether the word is an address or an AS number."""
    return parse_address(host_of(word)) is not None or AS_NUMBER.fullmatch(word) is not None
