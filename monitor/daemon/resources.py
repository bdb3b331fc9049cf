"""What the daemon takes from the machine and gives back: the file of events, and memory."""

import ctypes

from monitor.config.sections import Config
from monitor.events.writer import EventWriter
from monitor.log import log


def open_writer(config: Config) -> EventWriter | None:
    """Where events go, None where nobody wants them. Raises ConfigError where they cannot be written."""
    events = config.events
    if not events.path:
        return None
    return EventWriter(events.path, lambda line: log.warning("%s", line), events.max_bytes, events.keep)


def return_memory() -> None:
    """Gives free memory back to the system, where the C library can: loading lists leaves much of it."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
