"""Where event lines go: a file that is turned over when it has grown, or standard output.

An event that cannot be written is counted and lost, and the trouble is told once; gatewatch goes on.
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
    """Writes lines to `path`, to `path.1` … `path.<keep>` as they get old; `max_bytes` 0 never turns over.
    `append` false begins with an empty file.

    Lines are buffered until `flush`. `tell` gets one line when writing begins to fail, and one when it works again.
    Raises `ConfigError` if the path cannot be opened at the start, `BrokenPipeError` if nobody reads standard output.
    """

    def __init__(
        self, path: str, tell: Callable[[str], None], max_bytes: int = 0, keep: int = 0, append: bool = True
    ) -> None:
        self.path = path
        self.dropped = 0
        self.written: dict[str, int] = {}
        self._tell = tell
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
        """Takes one line of that event type, newline included."""
        self._lines.append(line)
        self._pending[kind] = self._pending.get(kind, 0) + 1
        self._characters += len(line)
        if self._characters >= BUFFER_CHARACTERS:
            self.flush()

    def flush(self) -> None:
        """Hands what is buffered to the file; lines are whole or not there."""
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
            self._tell(f"{self.path}: events are written again, {self.dropped} were lost so far")

    def close(self) -> None:
        self.flush()
        if self.path != STANDARD_OUTPUT:
            os.close(self._file)

    def reopen(self) -> None:
        """Opens the path anew, for whoever moved the file away (logrotate)."""
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
        """A descriptor. Lines are written whole and unbuffered, so a file object would add nothing."""
        if self.path == STANDARD_OUTPUT:
            return sys.stdout.fileno()
        file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | flags, 0o640)
        now = os.fstat(file)
        if os.geteuid() == now.st_uid == now.st_size == 0 and S_ISREG(now.st_mode):
            owner = os.stat(os.path.dirname(self.path) or ".")  # a service must be able to go on with what root began
            os.fchown(file, owner.st_uid, owner.st_gid)
        return file

    def _put(self, data: bytes) -> None:
        """Writes and, where a full disk took only a part, cuts that part off again."""
        before = os.fstat(self._file)
        try:
            while data:
                data = data[os.write(self._file, data) :]
        except OSError:
            if S_ISREG(before.st_mode):
                os.ftruncate(self._file, before.st_size)
            raise

    def _turn_over(self, more: int) -> None:
        """Moves a file that would grow past its maximum aside, the oldest one away."""
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
            self._tell(f"{self.path}: events cannot be written and are dropped: {error.strerror}")
