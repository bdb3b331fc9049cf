"""Accepts rows from the daemon at once and writes them in a thread.

The daemon's event loop shares only a lock with the thread; the lock is held while a list is swapped. If the disk is
full, read-only or hangs, one line is logged and rows wait; rows beyond the maximum are dropped and counted. A damaged
file is renamed, and a new file is created.
"""

import os
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from math import inf
from typing import Final, TypeAlias, final

from monitor.core.books.diary import NoteRow
from monitor.journal.entries import Waiting
from monitor.journal.store import Store, Written
from monitor.journal.tables import FILE_NAME, DamagedError, is_damage
from monitor.model import Samples

ASIDE: Final = ".damaged"
AGAIN_SECONDS: Final = 30.0
FORGET_SECONDS: Final = 3600.0
# The clock was set if it differs from elapsed time by more than this. Its time is trusted an hour later.
STEADY_SECONDS: Final = 120.0
WAITING_MAX: Final = 65_536

WAITED: Final = "waited"  # the file could not be written for too long
NO_ROOM: Final = "no_room"  # one day alone fills the file
OLD: Final = "old"  # given up for newer ones

Clock: TypeAlias = Callable[[], float]


@final
class Journal:
    """One file in `folder` of at most `max_bytes` bytes and `days` days. `report` receives a line for each fault.

    `wall` and `steady` are time.time and time.monotonic; tests replace them.
    """

    def __init__(
        self, folder: str, max_bytes: int, days: int, report: Callable[[str], None], wall: Clock = time.time,
        steady: Clock = time.monotonic,
    ) -> None:  # fmt: skip
        self.path = os.path.join(folder, FILE_NAME)
        self.fault = ""
        self.written = 0
        self.errors = 0
        self.dropped = {WAITED: 0, NO_ROOM: 0, OLD: 0}
        self._max_bytes = max_bytes
        self._days = days
        self._report = report
        self._wall = wall
        self._steady = steady
        self._store: Store | None = None
        self._waiting = Waiting(WAITING_MAX)
        self._bytes = 0
        self._told_of_room: date | None = None
        self._looked = (0.0, -inf)
        self._changed = threading.Condition()
        self._incoming: list[tuple[str, list[NoteRow]]] = []
        self._rows = 0
        self._stopping = False
        # A daemon thread: if the disk hangs, the process can still exit.
        self._thread = threading.Thread(target=self._work, name="gatewatch-journal", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def put(self, day: str, rows: list[NoteRow]) -> None:
        """Adds rows of that day (`2026-12-31`). Never waits for the disk."""
        with self._changed:
            if self._rows + len(rows) > WAITING_MAX:
                self.dropped[WAITED] += len(rows)
                return
            self._rows += len(rows)
            self._incoming.append((day, rows))
            self._changed.notify()

    def close(self, seconds: float) -> None:
        """Writes the waiting rows, if that does not take longer than the timeout."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread.ident is None:
            self._let_go()
        else:
            self._thread.join(seconds)
        lost = len(self._waiting.entries) + self._rows
        if lost:
            self._report(f"{self.path}: {lost} rows of the journal were not written before shutdown")

    def samples(self) -> Samples:
        return {
            "journal_bytes": {(): float(self._bytes)},
            "journal_written_rows_total": {(): float(self.written)},
            "journal_errors_total": {(): float(self.errors)},
            "journal_dropped_rows_total": {(reason,): float(count) for reason, count in self.dropped.items()},
        }

    def _work(self) -> None:
        try:
            self._write_on()
        finally:
            self._let_go()

    def _write_on(self) -> None:
        self.take([])  # creates the file at the start, and reports a failure now
        while True:
            with self._changed:
                if not self._incoming and not self._stopping:
                    self._changed.wait(AGAIN_SECONDS)
                incoming, self._incoming = self._incoming, []
                self._rows = 0
                stopping = self._stopping
            self.take(incoming)
            if stopping:
                return

    def take(self, incoming: list[tuple[str, list[NoteRow]]]) -> None:
        """Runs one pass of the thread: adds new rows to the waiting ones and writes all if possible."""
        for day, rows in incoming:
            for row in rows:
                self._waiting.add(day, row)
        self.dropped[WAITED] += self._waiting.dropped
        self._waiting.dropped = 0
        if not self._try() and self._store is None and not self.fault:
            self._try()  # the damaged file has been renamed

    def _try(self) -> bool:
        try:
            self._write()
            return True
        except (OSError, sqlite3.Error, DamagedError) as error:
            self.errors += 1
            if is_damage(error):
                self._set_aside(error)
            else:
                self._complain(error)
            return False

    def _write(self) -> None:
        store = self._opened()
        today = date.fromtimestamp(self._wall())
        if self._is_due():
            last = day_before(today, self._days)
            store.forget(last.isoformat())
            self._forget_aside(last)
        done = Written()
        try:
            store.write(self._waiting, today.isoformat(), done)
        finally:
            self._count(done, today)
        self._bytes = store.bytes()
        if self.fault:
            self.fault = ""
            self._report(f"{self.path}: the journal is written again")

    def _opened(self) -> Store:
        """Returns the open file; creates a new file if the old one was moved or removed."""
        if self._store is not None and not self._store.is_there():
            self._let_go()
        if self._store is None:
            self._store = Store(self.path, self._max_bytes)
        return self._store

    def _is_due(self) -> bool:
        """Whether to look for old days: at the start, then every hour, unless the clock was set in between.

        A clock that jumps forward and back must not delete the days in between.
        """
        wall, steady = self._looked
        now = (self._wall(), self._steady())
        if now[1] - steady < FORGET_SECONDS:
            return False
        self._looked = now
        is_first = steady == -inf
        return is_first or abs((now[0] - wall) - (now[1] - steady)) < STEADY_SECONDS

    def _count(self, done: Written, today: date) -> None:
        """Counts lost rows and logs at most one line a day; the metrics have the exact numbers."""
        self.written += done.rows
        self.dropped[NO_ROOM] += done.missed
        self.dropped[OLD] += done.given_up
        if today == self._told_of_room or not (done.missed or done.given_up):
            return
        self._told_of_room = today
        what = f"{done.given_up} rows of old days were removed" if done.given_up else f"{done.missed} rows did not fit"
        self._report(f"{self.path}: {what}: [state].journal_max_bytes is {self._max_bytes}")

    def _complain(self, error: Exception) -> None:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        fault = f"{self.path}: the journal cannot be written ({reason}): rows wait, and writing is retried"
        if fault != self.fault:
            self._report(fault)
        self.fault = fault
        self._let_go()

    def _set_aside(self, why: Exception) -> None:
        """Renames the damaged file and its log, so that an administrator can repair it."""
        self._let_go()
        aside = self.path + ASIDE
        try:
            for ending in ("", "-wal"):
                with suppress(FileNotFoundError):
                    os.replace(self.path + ending, aside + ending)
            with suppress(FileNotFoundError):
                os.unlink(self.path + "-shm")
        except OSError as error:
            self._complain(error)
            return
        self._report(f"{self.path}: the journal is damaged ({why}), set aside as {aside}: a new one is created")

    def _forget_aside(self, last: date) -> None:
        """Deletes a renamed damaged file after the retention time, because it contains days too."""
        for ending in ("", "-wal"):
            path = self.path + ASIDE + ending
            with suppress(FileNotFoundError):
                if date.fromtimestamp(os.stat(path).st_mtime) <= last:
                    os.unlink(path)

    def _let_go(self) -> None:
        store, self._store = self._store, None
        if store is not None:
            with suppress(sqlite3.Error):
                store.close()


def day_before(day: date, days: int) -> date:
    """Returns the day `days` days before `day`, or the first day possible if `days` reaches further back."""
    return date.fromordinal(max(1, day.toordinal() - days))
