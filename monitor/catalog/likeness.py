"""Finds known words similar to a typed word: typing errors, words of the same sound, beginnings.

A wrong hint is worse than none, so the rules are narrow: `lemon8` does not match `lenovo`, `shopify` not `spotify`.
"""

import difflib
from typing import Final

from monitor.catalog.words import sound

# Minimum of twice the number of equal letters divided by both words' letters. It is higher if the first letter differs:
# people seldom mistype the first letter.
RATIO_LEAST: Final = 0.8
RATIO_OF_OTHER_FIRST: Final = 0.9
# Shorter words resemble too many others.
LETTERS_LEAST: Final = 4
# Minimum length of a known word that the typed one begins with. Signs of non-Latin scripts carry more meaning.
BEGINNING_LEAST: Final = 5
SIGNS_LEAST: Final = 2
NEAREST_MAX: Final = 5
# Names of other vendors that resemble a known one; a hint would name a wrong vendor.
OTHERS: Final = frozenset(("element", "linode"))


def alike(folded: str, known: list[str]) -> list[str]:
    """Returns known words similar to the folded word, best first: at most `NEAREST_MAX` per kind of similarity."""
    if not folded or folded in OTHERS:
        return []
    found: list[str] = []
    if len(folded) >= LETTERS_LEAST:
        found += close(folded, known)
        spoken = sound(folded)
        found += [word for word in known if len(word) >= LETTERS_LEAST and sound(word) == spoken]
    begun = [word for word in known if begins(folded, word)]
    found += sorted(begun, key=len, reverse=True)[:NEAREST_MAX]
    return list(dict.fromkeys(found))


def close(folded: str, known: list[str]) -> list[str]:
    """Returns words with mostly equal letters in the same order."""
    near = difflib.get_close_matches(folded, known, NEAREST_MAX, RATIO_LEAST)
    return [word for word in near if word[0] == folded[0] or ratio(folded, word) >= RATIO_OF_OTHER_FIRST]


def ratio(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, one, other).ratio()


def begins(folded: str, known: str) -> bool:
    """Whether one of the words is the beginning of the other: `insta`, `tiktoklite`, `抖音短视频`."""
    if known.startswith(folded):
        return len(folded) >= (LETTERS_LEAST if folded.isascii() else SIGNS_LEAST)
    least = BEGINNING_LEAST if known.isascii() else SIGNS_LEAST
    enough = 2 * len(known) >= len(folded) or not known.isascii()
    return len(known) >= least and folded.startswith(known) and enough
