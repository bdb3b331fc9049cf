"""Reads the aliases of a vendor file: other names of a vendor or a service, and names of its parts."""

from typing import Any, Final

from monitor.catalog.entry import Alias
from monitor.catalog.sheet import Sheet
from monitor.catalog.words import fold

ALIASES: Final = "aliases"
PARTS: Final = "parts"
ALIAS_KEYS: Final = (ALIASES, PARTS)
ALIAS_CHARACTERS_MAX: Final = 60


def read_aliases(table: dict[str, Any], service: str, sheet: Sheet) -> list[Alias]:
    """Returns the aliases and parts of a table: the file's (`service` is `""`) or a service's. Bad ones become
    complaints.
    """
    found: list[Alias] = []
    for key in ALIAS_KEYS:
        texts = table.get(key, [])
        if not isinstance(texts, list):
            sheet.ignore(f"{key} must be an array of strings", key)
            continue
        for text in texts:
            if not isinstance(text, str):
                sheet.ignore(f"{key} must be an array of strings", str(text))
            elif len(text) > ALIAS_CHARACTERS_MAX or not text.isprintable() or not fold(text):
                sheet.ignore(f"an alias is a word or name of at most {ALIAS_CHARACTERS_MAX} characters", text)
            else:
                found.append(Alias(text, service, key == PARTS))
    return found
