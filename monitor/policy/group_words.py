"""Group words, by which a ban selects devices: `staff`, `!staff` (all devices except members of staff),
`students!staff` (members of students that are not members of staff).

A group name contains no `!`, so words and names cannot be confused, and a word can be a label like a name.
"""

from collections.abc import Sequence
from typing import Final

BUT: Final = "!"


def parts_of(word: str) -> tuple[str, tuple[str, ...]]:
    """Returns the group of the word, `""` for all devices, and the groups that the word leaves out."""
    first, *others = word.split(BUT)
    return first, tuple(others)


def is_meant(word: str, groups: Sequence[str]) -> bool:
    """Whether the word selects a device of these groups."""
    first, others = parts_of(word)
    if first and first not in groups:
        return False
    return not any(other in groups for other in others)


def word_of(first: str, others: Sequence[str]) -> str:
    return "".join([first, *[BUT + other for other in others]])


def words_of(names: Sequence[str]) -> tuple[str, ...]:
    """Converts names of a configuration to words. Names with `!` are left out of all other names."""
    others = [name[len(BUT) :] for name in names if name.startswith(BUT)]
    firsts = [name for name in names if not name.startswith(BUT)]
    return tuple([word_of(first, others) for first in firsts]) if firsts or not others else (word_of("", others),)


def group_text(word: str) -> str:
    """Returns the word as text for people: `students but staff`, `everyone but staff`."""
    first, others = parts_of(word)
    left_out = f" but {', '.join(others)}" if others else ""
    return f"{first or 'everyone'}{left_out}"
