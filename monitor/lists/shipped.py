"""Finds the lists that gatewatch ships: TOML files inside the package, or in the checkout."""

from functools import cache
from pathlib import Path
from typing import Final

import publicsuffixlist

from monitor.catalog.suffixes import PublicSuffixes
from monitor.errors import ListError

PACKAGE: Final = Path(__file__).resolve().parents[1]
# An installed package contains the lists; a checkout has them beside the package.
FOLDERS: Final = (PACKAGE / "blocklists", PACKAGE.parent / "blocklists")


def find_folder() -> Path:
    for folder in FOLDERS:
        if (folder / "vendors").is_dir():
            return folder
    raise ListError(f"the shipped lists are missing: no folder {FOLDERS[0]}/vendors; install gatewatch again")


def shipped_files() -> list[Path]:
    """Returns every shipped list: the vendors and categories by slug, then the shared infrastructure."""
    folder = find_folder()
    return sorted((folder / "vendors").glob("*.toml")) + sorted(folder.glob("*.toml"))


@cache
def public_suffixes() -> PublicSuffixes:
    """Returns the public suffix list of the `publicsuffixlist` package."""
    try:
        with open(publicsuffixlist.PSLFILE, encoding="utf-8") as lines:
            return PublicSuffixes(lines)
    except OSError as error:
        raise ListError(f"the public suffix list cannot be read: {error}") from error
