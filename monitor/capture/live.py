"""Live capture: several interfaces, whatever becomes of them while it runs."""

import errno
import socket
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final, final

from monitor.capture.interface import InterfaceCapture
from monitor.errors import MachineError
from monitor.model import Frame

FRAMES_MAX: Final = 512  # of each socket at a time, so that none of them waits long for the others
SNAP_BYTES: Final = 192  # headers, where packets are only counted


@dataclass(frozen=True)
class InterfaceCounts:
    """What one interface gave since the start: frames handed on, their bytes on the wire, frames lost."""

    frames: int
    bytes: int
    dropped: int


@final
class LiveCapture:
    """The frames of `names`, numbered from 1 over all of them; `Frame.interface` is the place in `names`.

    With `counting` every IP packet comes, headers only where nothing in it is looked at; without, only what names
    something (`capture/filters.py`). Interfaces that are `untagged` give nothing of the VLANs on them, because those
    are among `names`.
    """

    def __init__(
        self, names: Iterable[str], counting: bool, snap: int = SNAP_BYTES, untagged: Collection[str] = ()
    ) -> None:
        self.names = list(names)
        self.counting = counting
        self._snap = snap
        self._watched = list(self.names)
        self._interfaces = [InterfaceCapture(name, index, counting, snap) for index, name in enumerate(self.names)]
        self._untagged = untagged
        self._number = 1

    def open(self) -> None:
        """Opens every interface. Raises MachineError for one that does not exist, or without the privilege."""
        self.watch(self.names, self._untagged)

    def watch(self, names: Iterable[str], untagged: Collection[str] = ()) -> None:
        """Watches exactly these from now on. An interface keeps its place in `names`, also when it is left out.

        Raises MachineError for one that cannot be opened; nothing has changed then.
        """
        wanted = list(names)
        existing = [name for _, name in socket.if_nameindex()]
        opened: list[InterfaceCapture] = []
        for name in wanted:
            interface = self._interface(name)
            if interface.is_open:
                continue
            try:
                if name not in existing:
                    raise MachineError(f"interface {name} does not exist; there are {', '.join(existing)}")
                interface.open()
            except (OSError, MachineError) as error:
                for other in opened:
                    other.close()
                raise error if isinstance(error, MachineError) else _machine_error(name, error) from error
            opened.append(interface)
        for interface in opened:
            if interface not in self._interfaces:
                interface.index = len(self.names)
                self._interfaces.append(interface)
                self.names.append(interface.name)
        for name in wanted:
            self._interface(name).leave_vlans(name in untagged)
        for interface in self._interfaces:
            if interface.name not in wanted:
                interface.close()
        self._watched = wanted

    @property
    def watched(self) -> tuple[str, ...]:
        """Those of `names` that are watched now, be they there or not."""
        return tuple(self._watched)

    def _interface(self, name: str) -> InterfaceCapture:
        """The known one, or a new one that has no place yet."""
        for interface in self._interfaces:
            if interface.name == name:
                return interface
        return InterfaceCapture(name, -1, self.counting, self._snap)

    def refresh(self) -> list[str]:
        """To be called when links change: reopens what came back. Returns what changed, for the log."""
        changes = []
        for interface in self._interfaces:
            if interface.name in self._watched and interface.refresh():
                changes.append(f"interface {interface.name} {'is captured again' if interface.is_open else 'is gone'}")
        return changes

    def filenos(self) -> list[int]:
        """What to wait on; it changes only in `refresh`."""
        return [fileno for interface in self._interfaces for fileno in interface.filenos()]

    def read(self, frames_max: int = FRAMES_MAX) -> list[Frame]:
        """The frames that wait, in order of their time; at most about `frames_max` of each socket."""
        out: list[Frame] = []
        for interface in self._interfaces:
            self._number += interface.read(frames_max, self._number, out)
        out.sort(key=_time)
        return out

    def counts(self) -> dict[str, InterfaceCounts]:
        """Of those that are watched: one that is left is not silent, it is not looked at."""
        return {
            interface.name: InterfaceCounts(interface.frames, interface.bytes, interface.dropped())
            for interface in self._interfaces
            if interface.name in self._watched
        }

    def dropped(self) -> int:
        """Frames that were lost on all interfaces since the start."""
        return sum(interface.dropped() for interface in self._interfaces)

    def down(self) -> list[str]:
        """The interfaces that give nothing now, being down or gone."""
        return [
            interface.name
            for interface in self._interfaces
            if interface.name in self._watched and not interface.is_up()
        ]

    def close(self) -> None:
        for interface in self._interfaces:
            interface.close()


def _time(frame: Frame) -> float:
    return frame.time


def _machine_error(name: str, error: OSError) -> MachineError:
    if error.errno in (errno.EPERM, errno.EACCES):
        return MachineError(f"no permission to capture on {name}: run as root, or with CAP_NET_RAW and CAP_NET_ADMIN")
    return MachineError(f"cannot capture on {name}: {error.strerror}")
