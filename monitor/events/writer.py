"""Writes event lines to a file that is rotated by size, or to standard output.

An event that cannot be written is counted and dropped. The first failure is reported once, and gatewatch goes on.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from stat import S_ISREG
from typing import Final

from monitor.errors import ConfigError
from monitor.model import Samples

STANDARD_OUTPUT: Final = "-"
BUFFER_CHARACTERS: Final = 262_144


class EventWriter:
    """Writes lines to `path`, rotated to `path.1` … `path.<keep>`; with `max_bytes` 0 the file is never rotated. With
    `append` false the file starts empty.

    Lines are buffered until `flush`. `report` receives one line when writing starts to fail, and one when it works
    again. Raises `ConfigError` if the path cannot be opened at the start, `BrokenPipeError` if standard output has no
    reader.
    """

    def __init__(
        self, path: str, report: Callable[[str], None], max_bytes: int = 0, keep: int = 0, append: bool = True
    ) -> None:
        self.path = path
        self.dropped = 0
        self.written: dict[str, int] = {}
        self._report = report
        self._max_bytes = max_bytes
        self._keep = keep
        self._failing = False
        self._lines: list[str] = []
        self._pending: dict[str, int] = {}
        self._characters = 0
        try:
            self._file = self._open(0 if append else os.O_TRUNC)
        except OSError as error:
            raise ConfigError(f"{path}: events cannot be written: {error.strerror}") from None

    def write(self, kind: str, line: str) -> None:
        """Buffers one line of this event type; the line ends with a newline."""
        self._lines.append(line)
        self._pending[kind] = self._pending.get(kind, 0) + 1
        self._characters += len(line)
        if self._characters >= BUFFER_CHARACTERS:
            self.flush()

    def flush(self) -> None:
        """Writes the buffered lines to the file. Each line is written whole or not at all."""
        if not self._lines:
            return
        data, kinds = "".join(self._lines).encode("ascii"), self._pending
        self._lines, self._pending, self._characters = [], {}, 0
        try:
            self._turn_over(len(data))
            self._put(data)
        except BrokenPipeError:
            raise
        except OSError as error:
            self._fail(error, sum(kinds.values()))
            return
        for kind, count in kinds.items():
            self.written[kind] = self.written.get(kind, 0) + count
        if self._failing:
            self._failing = False
            self._report(f"{self.path}: events are written again, {self.dropped} were dropped so far")

    def close(self) -> None:
        self.flush()
        if self.path != STANDARD_OUTPUT:
            os.close(self._file)

    def reopen(self) -> None:
        """Opens the path again, after another program (logrotate) moved the file away."""
        self.flush()
        if self.path == STANDARD_OUTPUT:
            return
        try:
            fresh = self._open()
        except OSError as error:
            self._fail(error, 0)
            return
        os.close(self._file)
        self._file = fresh

    def samples(self) -> Samples:
        return {
            "events_total": {(kind,): float(count) for kind, count in self.written.items()},
            "events_dropped_total": {(): float(self.dropped)},
        }

    def _open(self, flags: int = 0) -> int:
        """Returns a descriptor. Lines are written whole and unbuffered, so a file object would add nothing."""
        if self.path == STANDARD_OUTPUT:
            return sys.stdout.fileno()
        file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | flags, 0o640)
        now = os.fstat(file)
        if os.geteuid() == now.st_uid == now.st_size == 0 and S_ISREG(now.st_mode):
            # The service must be able to continue a file that root created.
            owner = os.stat(os.path.dirname(self.path) or ".")
            os.fchown(file, owner.st_uid, owner.st_gid)
        return file

    def _put(self, data: bytes) -> None:
        """Writes the data. If a full disk accepts only a part of a line, that part is truncated again."""
        before = os.fstat(self._file)
        try:
            while data:
                data = data[os.write(self._file, data) :]
        except OSError:
            if S_ISREG(before.st_mode):
                os.ftruncate(self._file, before.st_size)
            raise

    def _turn_over(self, more: int) -> None:
        """Rotates a file that would exceed `max_bytes`; the oldest file is deleted."""
        if not self._max_bytes:
            return
        now = os.fstat(self._file)
        if not S_ISREG(now.st_mode) or now.st_size == 0 or now.st_size + more <= self._max_bytes:
            return
        for number in range(self._keep, 0, -1):
            older = Path(f"{self.path}.{number - 1}" if number > 1 else self.path)
            if older.exists():
                older.replace(f"{self.path}.{number}")
        if not self._keep:
            Path(self.path).unlink(missing_ok=True)
        fresh = self._open()
        os.close(self._file)
        self._file = fresh

    def _fail(self, error: OSError, lost: int) -> None:
        self.dropped += lost
        if not self._failing:
            self._failing = True
            self._report(f"{self.path}: events cannot be written and are dropped: {error.strerror}")
