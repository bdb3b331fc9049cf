"""Merges several files into one configuration: tables are joined, arrays of tables are concatenated, and a key that is
set twice is an error.
"""

import hashlib
from collections.abc import Sequence
from typing import Final, TypeGuard

from monitor.config.faults import ConfigFault, KeyPath, dotted
from monitor.config.files import File
from monitor.config.lines import KeyLines

HASH_DIGITS: Final = 16


class Merged:
    """`values` of all files together; `faults` lists each key that is set twice, with both places."""

    def __init__(self, files: Sequence[File]) -> None:
        self.values: dict[str, object] = {}
        self.faults: list[ConfigFault] = []
        self.hash = digest(files)
        self._files = files
        self._lines = [KeyLines(file.text) for file in files]
        self._from: dict[KeyPath, tuple[int, KeyPath]] = {}
        for number, file in enumerate(files):
            self._join(self.values, file.values, (), number)

    def place(self, path: KeyPath) -> tuple[str, int, KeyPath]:
        """Returns file, line, and path within that file of a key of `values`, or of the nearest enclosing table."""
        known = path
        while known and known not in self._from:
            known = known[:-1]
        number, own = self._from.get(known, (0, ()))
        own = (*own, *path[len(known) :])
        return self._files[number].path, self._lines[number].line(own), own

    def _join(self, target: dict[str, object], values: dict[str, object], path: KeyPath, number: int) -> None:
        for key, value in values.items():
            here = (*path, key)
            known = target.get(key)
            self._from.setdefault(here, (number, here))
            if isinstance(value, dict) and (known is None or isinstance(known, dict)):
                table: dict[str, object] = {} if known is None else known
                target[key] = table
                self._join(table, value, here, number)
            elif are_tables(value) and (known is None or are_tables(known)):
                array = [] if known is None else known
                target[key] = array
                for at, entry in enumerate(value):
                    self._from[*here, len(array)] = (number, (*here, at))
                    array.append(entry)
            elif known is None:
                target[key] = value
            else:
                self._complain(here, number)

    def _complain(self, path: KeyPath, number: int) -> None:
        file, line, _ = self.place(path)
        own = self._lines[number].line(path)
        text = f"{dotted(path)}: is set in {file}:{line} already: remove one of the two"
        self.faults.append(ConfigFault(self._files[number].path, own, text))


def are_tables(value: object) -> TypeGuard[list[dict[str, object]]]:
    """Whether a value is an array of tables, such as all `[[ban]]` sections of a file."""
    return isinstance(value, list) and bool(value) and all(isinstance(entry, dict) for entry in value)


def digest(files: Sequence[File]) -> str:
    """Returns a hash of all texts, and of the names of all files but the first."""
    found = hashlib.sha256()
    for number, file in enumerate(files):
        if number:
            found.update(f"\0{file.path}\0".encode())
        found.update(file.text.encode())
    return found.hexdigest()[:HASH_DIGITS]
