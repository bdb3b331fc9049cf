"""Plain text as Markdown: table rows, and text that keeps its signs outside code spans."""

import re
from collections.abc import Iterable
from typing import Final

# Code spans stay as they are; what HTML or emphasis would take outside of them is escaped.
_CODE_SPAN: Final = re.compile(r"(`[^`]*`)")
_SPECIAL: Final = re.compile(r"([*_<>\[\]])")


def escaped(text: str) -> str:
    """Text for a paragraph."""
    parts = _CODE_SPAN.split(text)
    return "".join(part if part.startswith("`") else _SPECIAL.sub(r"\\\1", part) for part in parts)


def cell(text: str) -> str:
    """Text for a table cell: one line, without a separator of cells."""
    return escaped(" ".join(text.split())).replace("|", "\\|")


def code(text: str) -> str:
    return f"`{text}`"


def row(cells: Iterable[str]) -> str:
    """One line of a table; cells are Markdown already. An empty cell takes one blank."""
    return f"| {' | '.join(cells)} |".replace("|  |", "| |").replace("|  |", "| |")


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    names = list(heads)
    return [row(names), row(["---"] * len(names)), *map(row, rows), ""]


def page(title: str, source: str, lines: Iterable[str]) -> str:
    """A whole page; `source` names the file that its text comes from."""
    note = f"<!-- Written by `make references` from {source}: change it there. -->"
    return "\n".join([f"# {title}", "", note, "", *lines]).rstrip("\n") + "\n"
