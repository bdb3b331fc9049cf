"""Comments, as most formats have them."""

from typing import Final

MARKS: Final = "#;!"


def without_comment(line: str) -> str:
    """The line without surrounding blanks, and without what follows a `#` at its start or behind a blank."""
    mark = line.find("#")
    while mark > 0 and not line[mark - 1].isspace():
        mark = line.find("#", mark + 1)
    return (line[:mark] if mark >= 0 else line).strip()


def is_comment(line: str) -> bool:
    """Whether a stripped line says nothing: empty, or a comment after `#`, `;`, `!` or `//`."""
    return not line or line[0] in MARKS or line.startswith("//")
