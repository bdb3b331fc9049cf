"""The generated files of docs/reference/: how each is made, which are stale, and how they are written."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from generate.cli import cli_page
from generate.configuration import configuration_page
from generate.events import events_page
from generate.metrics import metrics_page
from generate.schema import schema_text

FOLDER: Final = Path(__file__).resolve().parents[1] / "reference"
PAGES: Final[dict[str, Callable[[], str]]] = {
    "cli.md": cli_page,
    "configuration.md": configuration_page,
    "events.md": events_page,
    "gatewatch.schema.json": schema_text,
    "metrics.md": metrics_page,
}


def stale_pages() -> list[str]:
    """The names of the files that are missing or differ from what the code gives."""
    return [name for name, make in PAGES.items() if not _is_current(FOLDER / name, make())]


def write_pages() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, make in PAGES.items():
        (FOLDER / name).write_text(make(), encoding="utf-8")


def _is_current(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text
