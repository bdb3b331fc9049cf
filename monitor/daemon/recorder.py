"""Writes the core's notes into the journal, once a minute and when the day changes. Host names have a separate file
beside it.

Days are local days of the wall clock at the moment a note is taken. After a clock step, later notes go to another day;
nothing is written twice.
"""

import asyncio
import os
import time
from collections.abc import Callable
from typing import Final, final

from monitor.catalog.entry import UNKNOWN_SERVICE
from monitor.config.sections import Config
from monitor.core.books.diary import NoteRow
from monitor.core.gateway import Gateway
from monitor.daemon.host_pins import HostPinBook
from monitor.journal.journal import Journal
from monitor.journal.tables import FILE_NAME
from monitor.log import log
from monitor.model import Samples
from monitor.periodic import Periodic

LOOK_SECONDS: Final = 1.0
TAKE_SECONDS: Final = 60.0
SLICE: Final = 256  # notes taken between two yields to the loop
CLOSE_SECONDS: Final = 0.3

Count = dict[tuple[str, ...], float]


@final
class Recorder:
    """Writes the journal. `refused` returns the packets refused by address so far, by vendor, service and group."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, gateway: Gateway, config: Config, refused: Callable[[], Samples]
    ) -> None:
        self._loop = loop
        self._gateway = gateway
        self._refused = refused
        self._counted: Count = {}
        self._journal: Journal | None = None
        self._settings: tuple[str, int, int] = ("", 0, 0)
        self._day = today()
        self._taken = loop.time()
        self._timer = Periodic(loop, "writing the journal", LOOK_SECONDS, self._look)
        self._taking: asyncio.Task[None] | None = None
        self._pins = HostPinBook(gateway.host_pins, lambda line: log.warning("%s", line))
        self.configure(config)

    def configure(self, config: Config) -> None:
        """Applies the settings. If path, size or retention change, a new journal continues from here."""
        self._pins.configure(config, time.time())
        settings = (config.state.path, config.state.journal_max_bytes, config.privacy.retention_days)
        if settings == self._settings:
            return
        old, self._journal = self._journal, None
        self._settings = settings
        folder, max_bytes, days = settings
        self._gateway.keep_notes(max_bytes > 0)
        if max_bytes == 0:
            tell_of_leftover(os.path.join(folder, FILE_NAME))
        if old is not None:
            self._loop.run_in_executor(None, old.close, CLOSE_SECONDS)
        if max_bytes > 0:
            self._journal = Journal(folder, max_bytes, days, lambda line: log.warning("%s", line))
            self._journal.start()

    def start(self) -> None:
        self._timer.start()

    def close(self) -> None:
        """Writes everything, including the notes of the last second."""
        self._timer.stop()
        if self._taking is not None:
            self._taking.cancel()
        self._pins.save()
        journal, self._journal = self._journal, None
        if journal is not None:
            journal.put(self._day, self._gateway.take_notes(self._gateway.notes_waiting()) + self._refusals())
            journal.close(CLOSE_SECONDS)

    def health(self) -> str:
        return self._journal.fault if self._journal is not None else ""

    def samples(self) -> Samples:
        return self._journal.samples() if self._journal is not None else {}

    def _look(self) -> None:
        self._pins.look(self._loop)
        is_due = self._loop.time() - self._taken >= TAKE_SECONDS or self._gateway.wants_notes_taken()
        is_over = today() != self._day
        if (is_due or is_over) and (self._taking is None or self._taking.done()):
            self._taking = self._loop.create_task(self._take(self._day))
            self._day = today()

    async def _take(self, day: str) -> None:
        """Writes the notes taken so far under `day`, and yields to the loop in between."""
        self._taken = self._loop.time()
        waiting = self._gateway.notes_waiting()
        journal = self._journal
        if journal is not None:
            journal.put(day, self._refusals())
        while waiting > 0 and journal is not None:
            rows = self._gateway.take_notes(min(SLICE, waiting))
            journal.put(day, rows)
            waiting -= len(rows)
            if not rows:
                break
            await asyncio.sleep(0)

    def _refusals(self) -> list[NoteRow]:
        """Returns the packets refused by address since the last call. The kernel counts by group, not by device."""
        counts: Count = dict(self._refused().get("refused_packets_total", {}))
        now = time.time()
        rows = []
        for (vendor, service, group), count in counts.items():
            more = int(count - self._counted.get((vendor, service, group), 0.0))
            if more > 0:
                known = service or UNKNOWN_SERVICE
                rows.append(NoteRow("", "", (), group, vendor, known, "prefix", 0, 0, 0, more, 0, now, now, ()))
        self._counted.update(counts)
        return rows


def tell_of_leftover(path: str) -> None:
    """Warns about an existing journal file: it is not deleted, but its entries no longer expire."""
    if os.path.exists(path):
        log.warning("%s: is not written any more, and its days are not deleted: remove it if it is not needed", path)


def today() -> str:
    return time.strftime("%Y-%m-%d")
