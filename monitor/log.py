"""Logs one line per event to standard error; under systemd, with the journal's priority."""

import logging
import os
import sys
from typing import Final

# The priority prefixes of sd-daemon(3).
PRIORITIES: Final = {logging.DEBUG: "<7>", logging.INFO: "<6>", logging.WARNING: "<4>", logging.ERROR: "<3>"}

log: Final = logging.getLogger("monitor")


class Lines(logging.Formatter):
    """Formats a record in one line: as `gatewatch: message`, or with a priority prefix for the journal."""

    def __init__(self, journal: bool) -> None:
        super().__init__()
        self._journal = journal

    def format(self, record: logging.LogRecord) -> str:
        text = " ".join(record.getMessage().splitlines())
        return f"{PRIORITIES.get(record.levelno, '')}{text}" if self._journal else f"gatewatch: {text}"


def start_log() -> None:
    """Configures logging. Call it once, before the loop starts."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines("JOURNAL_STREAM" in os.environ))
    log.handlers[:] = [handler]
    log.setLevel(logging.INFO)
    log.propagate = False
