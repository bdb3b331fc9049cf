"""Resources that the daemon takes from the machine and releases: the event file, the pseudonym key, memory.

The key is stored, so that a device has the same pseudonym after a restart.
"""

import ctypes
import os
import secrets
from collections.abc import Callable
from typing import Final

from monitor.config.sections import Config
from monitor.config.settings import PSEUDONYM_KEY_BYTES
from monitor.daemon.overrides import write_whole
from monitor.events.writer import EventWriter
from monitor.log import log


def open_writer(config: Config) -> EventWriter | None:
    """Opens the event output; returns None if none is configured. Raises ConfigError if it cannot be written."""
    events = config.events
    if not events.path:
        return None
    return EventWriter(events.path, lambda line: log.warning("%s", line), events.max_bytes, events.keep)


def return_memory() -> None:
    """Returns free memory to the system if the C library supports it: loading lists leaves much of it."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


FILE_NAME: Final = "pseudonym.key"


def pseudonym_key(folder: str, tell: Callable[[str], None]) -> bytes:
    """Returns the key stored in the state directory, and creates it if missing. If it cannot be read or written,
    returns a key that is valid for this run only.

    With the key, a pseudonym can be traced back to its MAC address; without it, it cannot. If the file is removed, all
    devices get new pseudonyms.
    """
    path = os.path.join(folder, FILE_NAME)
    try:
        with open(path, "rb") as file:
            key = file.read(PSEUDONYM_KEY_BYTES + 1)
        if len(key) == PSEUDONYM_KEY_BYTES:
            return key
        tell(f"{path}: damaged, replaced by a new one: devices get other pseudonyms")
    except FileNotFoundError:
        pass
    except OSError as error:
        tell(f"{path}: cannot be read ({error.strerror}): pseudonyms change with the next start")
        return secrets.token_bytes(PSEUDONYM_KEY_BYTES)
    key = secrets.token_bytes(PSEUDONYM_KEY_BYTES)
    try:
        write_whole(path, key)
    except OSError as error:
        tell(f"{path}: cannot be written ({error.strerror}): pseudonyms change with the next start")
    return key
