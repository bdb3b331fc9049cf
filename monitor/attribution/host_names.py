"""Stores the host names that devices send by DHCP, and decides which of them groups match.

A client chooses its host name, and a forged request can contain the name of another client. So a name belongs to the
MAC that had it first, and a MAC keeps its first name. Later requests change neither, unless the name has not been seen
for `PIN_SECONDS`. The daemon keeps the table across restarts, see `daemon/host_pins.py`.
"""

import unicodedata
from collections.abc import Sequence
from typing import Final, final

PIN_SECONDS: Final = 7 * 86_400.0


def host_text(hostname: bytes) -> str:
    """Returns UTF-8 as text; other bytes, and characters that are not printable, as escapes in one line."""
    text = hostname.decode("utf-8", "backslashreplace")
    return "".join([sign if sign.isprintable() else sign.encode("unicode_escape").decode("ascii") for sign in text])


def host_key(text: str) -> str:
    """Returns the normalised spelling of a name: letters without case, accents composed (Unicode NFC)."""
    return unicodedata.normalize("NFC", text).casefold()


@final
class HostPins:
    """The name of each MAC, for at most `limit` MACs. If the table is full, drops the MAC not seen for longest.

    `refused` counts names that were ignored, `evictions` those that were dropped. `version` changes with the table.
    """

    __slots__ = ("_macs", "_names", "evictions", "limit", "refused", "version")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.refused = 0
        self.evictions = 0
        self.version = 0
        self._names: dict[bytes, tuple[bytes, float]] = {}  # by MAC, the one seen last at the end
        self._macs: dict[bytes, bytes] = {}

    def __len__(self) -> int:
        return len(self._names)

    def name_of(self, mac: bytes, hostname: bytes, now: float) -> bytes:
        """Returns the name by which groups match a MAC that has just sent `hostname`; `b""` if the name belongs to
        another MAC.
        """
        pinned, last = self._names.get(mac, (b"", 0.0))
        if pinned and pinned != hostname and now - last < PIN_SECONDS:
            self.refused += 1
            return pinned
        holder = self._macs.get(hostname, b"")
        if holder and holder != mac and now - self._names[holder][1] < PIN_SECONDS:
            self.refused += 1
            return b""
        self._drop(mac)
        self._drop(holder)
        self._put(mac, hostname, now)
        return hostname

    def entries(self) -> list[tuple[bytes, bytes, float]]:
        """Returns each MAC with its name and the time of its last request, the newest at the end."""
        return [(mac, name, last) for mac, (name, last) in self._names.items()]

    def take(self, entries: Sequence[tuple[bytes, bytes, float]], now: float) -> None:
        """Loads the entries of an earlier run that are still valid; existing entries take precedence."""
        for mac, name, last in entries:
            if now - PIN_SECONDS < last <= now and mac not in self._names and name not in self._macs:
                self._put(mac, name, last)

    def _put(self, mac: bytes, name: bytes, last: float) -> None:
        if len(self._names) >= self.limit:
            self.evictions += 1
            self._drop(next(iter(self._names)))
        self._names[mac] = (name, last)
        self._macs[name] = mac
        self.version += 1

    def step(self, seconds: float) -> None:
        """Shifts all times after a clock step, so that names keep their age."""
        self._names = {mac: (name, last + seconds) for mac, (name, last) in self._names.items()}

    def _drop(self, mac: bytes) -> None:
        if mac in self._names:
            name, _ = self._names.pop(mac)
            self._macs.pop(name, None)
