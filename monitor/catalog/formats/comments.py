"""Comments, as most formats have them."""

import re
from typing import Final

MARKS: Final = "#;!"
# The first signs of other comments: `-- text`, a ruler of hyphens, and `rem text` of Windows.
REMARKS: Final = "-rR"
# A comment behind a name, where the format has no other use for these marks.
TAIL: Final = re.compile(r"\s(?:;|//|!|--\s).*")


def without_comment(line: str) -> str:
    """The line without surrounding blanks, and without what follows a `#` at its start or behind a blank."""
    mark = line.find("#")
    while mark > 0 and not line[mark - 1].isspace():
        mark = line.find("#", mark + 1)
    return (line[:mark] if mark >= 0 else line).strip()


def without_tail(line: str) -> str:
    """A stripped line without what follows `;`, `//`, `!` or `--` behind a blank."""
    return TAIL.sub("", line).rstrip() if " " in line or "\t" in line else line


def is_comment(line: str) -> bool:
    """Whether a stripped line holds nothing: empty, or a comment after `#`, `;`, `!`, `//`, `--` or `rem`."""
    return not line or line[0] in MARKS or line.startswith("//") or (line[0] in REMARKS and is_remark(line))


def is_remark(line: str) -> bool:
    return line.startswith("-- ") or not line.strip("-") or line[:4].lower() in ("rem", "rem ")
