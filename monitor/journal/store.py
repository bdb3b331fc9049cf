"""Changes the journal file: adds entries, deletes days past retention and, in a full file, the oldest days."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, final

from monitor.journal.entries import ADDRESSES_MAX, NAMES_MAX, Key, Waiting
from monitor.journal.tables import PAGE_BYTES, open_writer

# Above this part of the maximum size old days are deleted, to make room for the next batch.
FULL_NUMERATOR: Final = 7
FULL_DENOMINATOR: Final = 8
PART_DIVISOR: Final = 32

CHANGE: Final = f"""
    bytes_up = bytes_up + :up, bytes_down = bytes_down + :down, flows = flows + :flows,
    blocked = blocked + :blocked, leaked = leaked + :leaked, first = min(first, :first), last = max(last, :last),
    names = join_words(names, :names, {NAMES_MAX})
"""
ADD: Final = f"""
INSERT INTO traffic VALUES (
    :day, :device, :grp, :vendor, :service, :evidence, :up, :down, :flows, :blocked, :leaked, :first, :last, :names
) ON CONFLICT DO UPDATE SET {CHANGE}
"""
ADD_TO: Final = f"""
UPDATE traffic SET {CHANGE} WHERE day = :day AND device = :device AND grp = :grp AND vendor = :vendor
    AND service = :service AND evidence = :evidence
"""
KNOW: Final = f"""
INSERT INTO identity VALUES (:day, :device, :hostname, :addresses) ON CONFLICT DO UPDATE SET
    hostname = CASE WHEN :hostname = '' THEN hostname ELSE :hostname END,
    addresses = join_words(addresses, :addresses, {ADDRESSES_MAX})
"""
ENTRY_NAMES: Final = (
    "day", "device", "grp", "vendor", "service", "evidence", "up", "down", "flows", "blocked", "leaked", "first",
    "last", "names",
)  # fmt: skip


@dataclass
class Written:
    """Counts of rows that were written, that did not fit because one day alone fills the file, and that
    were deleted.
    """

    rows: int = 0
    missed: int = 0
    given_up: int = 0


@final
class Store:
    """An open journal file. Every method raises sqlite3.Error; a failed transaction changes nothing."""

    def __init__(self, path: str, max_bytes: int) -> None:
        self._database = open_writer(path, max_bytes)
        self._max_bytes = max_bytes
        self._path = path
        try:
            self._inode = os.stat(path).st_ino
        except OSError:
            self._database.close()
            raise

    def is_there(self) -> bool:
        """Whether the path still leads to this file; false after another program moved or removed it."""
        try:
            return os.stat(self._path).st_ino == self._inode
        except OSError:
            return False

    def write(self, waiting: Waiting, today: str, done: Written) -> None:
        """Adds all entries in parts smaller than the room kept free. A part is written whole, or stays waiting."""
        for keys in waiting.parts(self._max_bytes // PART_DIVISOR):
            has_room = self._make_room(today, done)
            with self._transaction():
                if has_room:
                    self._database.executemany(ADD, [entry_row(key, waiting) for key in keys])
                    self._database.executemany(KNOW, identity_rows(keys, waiting))
                else:
                    missed = sum(self._add_to(key, waiting) for key in keys)
            done.rows += len(keys) if has_room else len(keys) - missed
            done.missed += 0 if has_room else missed
            waiting.remove(keys)

    def forget(self, day: str) -> int:
        """Deletes that day and all earlier days; returns the number of deleted rows."""
        with self._transaction():
            gone = self._database.execute("DELETE FROM traffic WHERE day <= ?", (day,)).rowcount
            gone += self._database.execute("DELETE FROM identity WHERE day <= ?", (day,)).rowcount
        if gone:
            self._database.execute("PRAGMA incremental_vacuum").fetchall()
            self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return gone

    def bytes(self) -> int:
        """Returns the size of the file in bytes, without its write-ahead log."""
        return self._pragma("page_count") * PAGE_BYTES

    def close(self) -> None:
        self._database.close()

    def _make_room(self, today: str, done: Written) -> bool:
        """Deletes the oldest days, never today, while the file is nearly full. Returns whether there is room then."""
        while self._used() * FULL_DENOMINATOR > self._max_bytes * FULL_NUMERATOR:
            (oldest,) = self._database.execute("SELECT min(day) FROM traffic WHERE day <> ?", (today,)).fetchone()
            if oldest is None:
                return False
            with self._transaction():
                gone = self._database.execute("DELETE FROM traffic WHERE day = ?", (oldest,)).rowcount
                self._database.execute("DELETE FROM identity WHERE day = ?", (oldest,))
            done.given_up += gone
        return True

    def _add_to(self, key: Key, waiting: Waiting) -> int:
        """Adds to an existing row. Returns 1 if there is none, because there is no room for another row."""
        return 0 if self._database.execute(ADD_TO, entry_row(key, waiting)).rowcount else 1

    def _used(self) -> int:
        return (self._pragma("page_count") - self._pragma("freelist_count")) * PAGE_BYTES

    def _pragma(self, name: str) -> int:
        (value,) = self._database.execute(f"PRAGMA {name}").fetchone()
        return int(value)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._database.execute("COMMIT")
        except BaseException:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            raise


def entry_row(key: Key, waiting: Waiting) -> dict[str, object]:
    return dict(zip(ENTRY_NAMES, (*key, *waiting.entries[key].values()), strict=True))


def identity_rows(keys: Sequence[Key], waiting: Waiting) -> Iterator[dict[str, object]]:
    for day, device in dict.fromkeys((key[0], key[1]) for key in keys):
        if (day, device) in waiting.identities:
            hostname, addresses = waiting.identities[day, device]
            yield {"day": day, "device": device, "hostname": hostname, "addresses": addresses}
