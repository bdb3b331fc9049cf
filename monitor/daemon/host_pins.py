"""Stores which MAC has which host name, so that after a restart no other device can claim the name first.

Used only if a group has `host:` members, and never if privacy settings forbid device names: the file contains both in
clear text.
"""

import json
import os
from asyncio import AbstractEventLoop
from collections.abc import Callable
from typing import Final, final

from monitor.attribution.host_names import HostPins
from monitor.config.sections import Config
from monitor.core.settings import NONE
from monitor.daemon.overrides import write_whole
from monitor.policy.group_words import BUT
from monitor.policy.groups import HOST_MARK

FILE_NAME: Final = "host-names.json"
VERSION: Final = 1
MAX_BYTES: Final = 16_777_216
SAVE_SECONDS: Final = 60.0

Entries = list[tuple[bytes, bytes, float]]


@final
class HostPinBook:
    """Reads and writes the file of host names. A failed read or write is reported once through the constructor's
    callback; a failed read also loses the stored names.
    """

    def __init__(self, pins: HostPins, tell: Callable[[str], None]) -> None:
        self._pins = pins
        self._tell = tell
        self._path = ""
        self._saved = 0
        self._due = 0.0
        self._told = ""

    def configure(self, config: Config, now: float) -> None:
        """Loads the names of an earlier run, if host names are used and may be stored."""
        members = [member for group in config.groups for member in group.members]
        counts = any(member.removeprefix(BUT).startswith(HOST_MARK) for member in members)
        path = os.path.join(config.state.path, FILE_NAME) if counts and config.privacy.device != NONE else ""
        if path and path != self._path:
            self._pins.take(self._read(path), now)
            self._saved = self._pins.version
        self._path = path

    def look(self, loop: AbstractEventLoop) -> None:
        """Writes changes in a thread, at most once in `SAVE_SECONDS`."""
        if loop.time() >= self._due and self._has_changed():
            self._due = loop.time() + SAVE_SECONDS
            loop.run_in_executor(None, self._write, self._pins.entries())

    def save(self) -> None:
        """Writes changes immediately."""
        if self._has_changed():
            self._write(self._pins.entries())

    def _has_changed(self) -> bool:
        return self._path != "" and self._saved != self._pins.version

    def _write(self, entries: Entries) -> None:
        self._saved = self._pins.version
        try:
            write_whole(self._path, pack(entries))
            self._told = ""
        except OSError as error:
            self._complain(f"{self._path}: cannot be written ({error.strerror}): host names of devices are not kept")

    def _read(self, path: str) -> Entries:
        try:
            with open(path, "rb") as file:
                return unpack(file.read(MAX_BYTES + 1))
        except FileNotFoundError:
            return []
        except OSError as error:
            self._complain(f"{path}: cannot be read ({error.strerror}): host names are learned again")
        except ValueError as error:
            self._complain(f"{path}: damaged ({error}), and replaced: host names are learned again")
        return []

    def _complain(self, line: str) -> None:
        if line != self._told:
            self._told = line
            self._tell(line)


def pack(entries: Entries) -> bytes:
    """Returns `{"version": 1, "names": [[MAC, name, last], …]}`: MAC and name as hexadecimal digits, `last` in seconds
    since the epoch. Omits the oldest entries if the file would become too large.
    """
    lines: list[str] = []
    size = 0
    for mac, name, last in reversed(entries):
        line = json.dumps([mac.hex(), name.hex(), last])
        size += len(line) + 2
        if size > MAX_BYTES - 64:
            break
        lines.append(line)
    return f'{{"version": {VERSION}, "names": [\n{("," + chr(10)).join(reversed(lines))}\n]}}\n'.encode()


def unpack(data: bytes) -> Entries:
    """The reverse of `pack`. Raises ValueError with the reason."""
    if len(data) > MAX_BYTES:
        raise ValueError("it is too large")
    try:
        whole = json.loads(data)
        if whole["version"] != VERSION:
            raise ValueError("another version wrote it")
        entries = [(bytes.fromhex(mac), bytes.fromhex(name), float(last)) for mac, name, last in whole["names"]]
    except (KeyError, TypeError, AttributeError, RecursionError, UnicodeDecodeError) as error:
        raise ValueError("it is no table of host names") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"line {error.lineno} is no JSON") from error
    if any(len(mac) != 6 or not name for mac, name, _ in entries):
        raise ValueError("an entry is no MAC with a name")
    return entries
