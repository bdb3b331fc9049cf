"""Recognises the comments that most formats share."""

import re
from typing import Final

MARKS: Final = "#;!"
# Starts of other comments: `-- text`, a ruler of hyphens, and `rem text` of Windows.
REMARKS: Final = "-rR"
# A comment after a name, in formats that have no other use for these marks.
TAIL: Final = re.compile(r"\s(?:;|//|!|--\s).*")


def without_comment(line: str) -> str:
    """Returns the line without surrounding blanks and without a comment: `#` at the start or after a blank."""
    mark = line.find("#")
    while mark > 0 and not line[mark - 1].isspace():
        mark = line.find("#", mark + 1)
    return (line[:mark] if mark >= 0 else line).strip()


def without_tail(line: str) -> str:
    """Returns a stripped line without the text after `;`, `//`, `!` or `--` that follows a blank."""
    return TAIL.sub("", line).rstrip() if " " in line or "\t" in line else line


def is_comment(line: str) -> bool:
    """Whether a stripped line is empty or a comment after `#`, `;`, `!`, `//`, `--` or `rem`."""
    return not line or line[0] in MARKS or line.startswith("//") or (line[0] in REMARKS and is_remark(line))


def is_remark(line: str) -> bool:
    return line.startswith("-- ") or not line.strip("-") or line[:4].lower() in ("rem", "rem ")
