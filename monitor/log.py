"""One clear line on standard error for each thing that happened; the journal gets its priority too."""

import logging
import os
import sys
from typing import Final

# sd-daemon(3): what the journal takes for the line's priority.
PRIORITIES: Final = {logging.DEBUG: "<7>", logging.INFO: "<6>", logging.WARNING: "<4>", logging.ERROR: "<3>"}

log: Final = logging.getLogger("monitor")


class Lines(logging.Formatter):
    """`gatewatch: message`, whatever the message holds on one line."""

    def __init__(self, journal: bool) -> None:
        super().__init__()
        self._journal = journal

    def format(self, record: logging.LogRecord) -> str:
        text = " ".join(record.getMessage().splitlines())
        return f"{PRIORITIES.get(record.levelno, '')}{text}" if self._journal else f"gatewatch: {text}"


def start_log() -> None:
    """To be called once, before the loop."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines("JOURNAL_STREAM" in os.environ))
    log.handlers[:] = [handler]
    log.setLevel(logging.INFO)
    log.propagate = False
