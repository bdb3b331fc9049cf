"""Aligned columns for a terminal."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    title: str
    right: bool = False


def table_text(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> str:
    """Returns a header line and one line per row; control characters in the cells become `?`."""
    cells = [[column.title for column in columns], *[[printable(cell) for cell in row] for row in rows]]
    widths = [max(len(row[at]) for row in cells) for at in range(len(columns))]
    return "".join(_line(columns, widths, row) for row in cells)


def _line(columns: Sequence[Column], widths: Sequence[int], row: Sequence[str]) -> str:
    parts = [
        cell.rjust(width) if column.right else cell.ljust(width)
        for column, width, cell in zip(columns, widths, row, strict=True)
    ]
    return "  ".join(parts).rstrip() + "\n"


def printable(cell: str) -> str:
    """Replaces unprintable characters by `?`: text from the network must not move the terminal's cursor."""
    return cell if cell.isprintable() else "".join(sign if sign.isprintable() else "?" for sign in cell)
