"""Captures live on several interfaces, which may disappear and come back."""

import errno
import socket
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final, final

from monitor.capture.interface import InterfaceCapture
from monitor.errors import MachineError
from monitor.model import Frame

FRAMES_MAX: Final = 512  # per socket and read, so that no socket waits long for the others
SNAP_BYTES: Final = 192  # headers, if packets are only counted


@dataclass(frozen=True)
class InterfaceCounts:
    """Counts of one interface since the start: delivered frames, their bytes on the wire, lost frames."""

    frames: int
    bytes: int
    dropped: int


@final
class LiveCapture:
    """The frames of `names`, numbered from 1 over all interfaces; `Frame.interface` is an index into `names`.

    With `counting` every IP packet is captured, only its headers if its content is not decoded; without, only frames
    with names (`capture/filters.py`). `untagged` interfaces deliver no frames of their VLANs, because those are among
    `names`.
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
        """Opens every interface. Raises MachineError if one does not exist, or without the privilege."""
        self.watch(self.names, self._untagged)

    def watch(self, names: Iterable[str], untagged: Collection[str] = ()) -> None:
        """Watches exactly these interfaces from now on. An interface keeps its index in `names` after it is removed.

        Raises MachineError if one cannot be opened; nothing has changed then.
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
        """Returns the watched interfaces of `names`, present or not."""
        return tuple(self._watched)

    def _interface(self, name: str) -> InterfaceCapture:
        """Returns the known interface, or a new one without an index."""
        for interface in self._interfaces:
            if interface.name == name:
                return interface
        return InterfaceCapture(name, -1, self.counting, self._snap)

    def refresh(self) -> list[str]:
        """Reopens interfaces that came back; call it when links change. Returns the changes as lines for the log."""
        changes = []
        for interface in self._interfaces:
            if interface.name in self._watched and interface.refresh():
                changes.append(f"interface {interface.name} {'is captured again' if interface.is_open else 'is gone'}")
        return changes

    def filenos(self) -> list[int]:
        """Returns the descriptors to wait for; they change only in `refresh`."""
        return [fileno for interface in self._interfaces for fileno in interface.filenos()]

    def read(self, frames_max: int = FRAMES_MAX) -> list[Frame]:
        """Returns the waiting frames in order of time; at most about `frames_max` of each socket."""
        out: list[Frame] = []
        for interface in self._interfaces:
            self._number += interface.read(frames_max, self._number, out)
        out.sort(key=_time)
        return out

    def counts(self) -> dict[str, InterfaceCounts]:
        """Returns the counts of the watched interfaces. Leaves out removed interfaces, so that they do not
        appear as interfaces without traffic.
        """
        return {
            interface.name: InterfaceCounts(interface.frames, interface.bytes, interface.dropped())
            for interface in self._interfaces
            if interface.name in self._watched
        }

    def dropped(self) -> int:
        """Returns the frames lost on all interfaces since the start."""
        return sum(interface.dropped() for interface in self._interfaces)

    def down(self) -> list[str]:
        """Returns the interfaces that are down or missing, and so deliver no frames."""
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
