"""What a ban writes for its devices: `staff`, `!staff` (everyone but members of staff), `students!staff` (members of
students who are no members of staff).

A name of a group has no `!`, so that the words stay apart from names, and a word is a label like a name.
"""

from collections.abc import Sequence
from typing import Final

BUT: Final = "!"


def parts_of(word: str) -> tuple[str, tuple[str, ...]]:
    """The group that the word is about, `""` for everyone, and the groups that it leaves out."""
    first, *others = word.split(BUT)
    return first, tuple(others)


def is_meant(word: str, groups: Sequence[str]) -> bool:
    """Whether the word means a device of these groups."""
    first, others = parts_of(word)
    if first and first not in groups:
        return False
    return not any(other in groups for other in others)


def word_of(first: str, others: Sequence[str]) -> str:
    return "".join([first, *[BUT + other for other in others]])


def words_of(names: Sequence[str]) -> tuple[str, ...]:
    """The names of a configuration, of which those with `!` are left out of all others, as words."""
    others = [name[len(BUT) :] for name in names if name.startswith(BUT)]
    firsts = [name for name in names if not name.startswith(BUT)]
    return tuple([word_of(first, others) for first in firsts]) if firsts or not others else (word_of("", others),)


def group_text(word: str) -> str:
    """For people: `students but staff`, `everyone but staff`."""
    first, others = parts_of(word)
    left_out = f" but {', '.join(others)}" if others else ""
    return f"{first or 'everyone'}{left_out}"
