"""Adds up rows of the same day and key in one entry, until the entry is written."""

from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias, final

from monitor.core.books.diary import NoteRow

NAMES_MAX: Final = 16
ADDRESSES_MAX: Final = 16
ROW_BYTES: Final = 64  # approximate size of numbers and headers

# Day, device, group, vendor, service, evidence.
Key: TypeAlias = tuple[str, str, str, str, str, str]
# Host name, and addresses in the order of their first appearance.
Identity: TypeAlias = tuple[str, str]


@final
class JournalEntry:
    """The counts of one day and key (device, group, vendor, service, evidence). `names`: distinct, space-separated."""

    __slots__ = ("blocked", "down", "first", "flows", "last", "leaked", "names", "up")

    def __init__(self, row: NoteRow) -> None:
        self.up = row.bytes_up
        self.down = row.bytes_down
        self.flows = row.flows
        self.blocked = row.blocked
        self.leaked = row.leaked
        self.first = row.first
        self.last = row.last
        self.names = join_words("", " ".join(row.names), NAMES_MAX)

    def add(self, other: "JournalEntry") -> None:
        self.up += other.up
        self.down += other.down
        self.flows += other.flows
        self.blocked += other.blocked
        self.leaked += other.leaked
        self.first = min(self.first, other.first)
        self.last = max(self.last, other.last)
        self.names = join_words(self.names, other.names, NAMES_MAX)

    def values(self) -> tuple[int, int, int, int, int, float, float, str]:
        return self.up, self.down, self.flows, self.blocked, self.leaked, self.first, self.last, self.names


@final
class Waiting:
    """Entries that are not in the file yet, at most `limit`. `dropped` counts the rows that exceeded the limit."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.dropped = 0
        self.entries: dict[Key, JournalEntry] = {}
        self.identities: dict[tuple[str, str], Identity] = {}

    def add(self, day: str, row: NoteRow) -> None:
        key = (day, row.device, row.group, row.vendor, row.service, row.evidence)
        entry = self.entries.get(key)
        if entry is not None:
            entry.add(JournalEntry(row))
        elif len(self.entries) >= self.limit:
            self.dropped += 1
            return
        else:
            self.entries[key] = JournalEntry(row)
        if row.hostname or row.addresses:
            known = self.identities.get((day, row.device), ("", ""))
            addresses = join_words(known[1], " ".join(row.addresses), ADDRESSES_MAX)
            self.identities[day, row.device] = (row.hostname or known[0], addresses)

    def parts(self, max_bytes: int) -> Iterator[list[Key]]:
        """Yields all keys in parts. Each part has entries of about `max_bytes`."""
        part: list[Key] = []
        size = 0
        for key, entry in list(self.entries.items()):
            part.append(key)
            size += ROW_BYTES + sum(map(len, key)) + len(entry.names)
            if size > max_bytes:
                yield part
                part, size = [], 0
        if part:
            yield part

    def remove(self, keys: Sequence[Key]) -> None:
        """Removes entries that have been written."""
        for key in keys:
            del self.entries[key]
        if not self.entries:
            self.identities = {}


def join_words(kept: str, more: str, limit: int) -> str:
    """Returns the first `limit` distinct words of `kept` and `more`."""
    if kept == more:
        return kept
    words = dict.fromkeys([*kept.split(), *more.split()])
    return " ".join(list(words)[:limit])
