"""What the daemon takes from the machine and gives back: the file of events, the key of pseudonyms, and memory.

The key is kept, so that a device has the same pseudonym after a restart.
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


FILE_NAME: Final = "pseudonym.key"


def pseudonym_key(folder: str, tell: Callable[[str], None]) -> bytes:
    """The key of the state directory, made where there is none; one for this life only where that is impossible.

    Whoever has it can find out which MAC address is behind a pseudonym; without it nobody can. Removing the file
    makes strangers of all devices.
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
