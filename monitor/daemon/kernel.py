"""The kernel's inputs of the pipeline: conntrack's counters and the neighbour table, as observations."""

import time
from collections.abc import Sequence
from typing import Final, final

from monitor.attribution.conntrack_filter import LanConnections
from monitor.errors import MachineError
from monitor.kernel.netlink.conntrack import Conntrack
from monitor.kernel.netlink.interfaces import LinkEvents, Machine
from monitor.kernel.netlink.neighbours import Neighbours
from monitor.lan.interfaces import vantage
from monitor.log import log
from monitor.model import Observation

DUMP_SECONDS: Final = 5.0  # a third of Prometheus' usual scrape interval
DUMP_DIVISOR: Final = 128  # one datagram of a dump holds about a hundred entries
DUMP_SHARE: Final = 20.0  # pause after a dump, as a multiple of the time it took; at most DUMP_SECONDS_MAX
DUMP_SECONDS_MAX: Final = 20.0


@final
class KernelSide:
    """The netlink sockets that are read beside the frames. Raises MachineError if the kernel refuses a subscription."""

    def __init__(self, with_conntrack: bool) -> None:
        self.conntrack: Conntrack | None = None
        try:
            self.links = LinkEvents()
            self.neighbours = Neighbours()
            if with_conntrack:
                self.conntrack = Conntrack()
        except OSError as error:
            raise MachineError(f"cannot read the network state from the kernel: {error.strerror or error}") from error
        self._places: dict[int, int] = {}
        self._vantage: LanConnections | None = None
        self._told_overruns = 0
        self._dump_due = 0.0

    def look_around(self, machine: Machine, names: Sequence[str], watched: Sequence[str], local: Sequence[str]) -> None:
        """Updates interfaces and addresses. Call it before the first read, and after each change of interfaces or
        addresses.

        `names` gives the order in which interfaces are numbered; `watched` are those of them that are captured now.
        """
        self._places = {
            interface.index: names.index(interface.name)
            for interface in machine.interfaces
            if interface.name in watched
        }
        self._vantage = vantage(machine, watched, local)
        self.neighbours.refresh()

    def filenos(self) -> list[int]:
        found = [self.neighbours.fileno()]
        if self.conntrack is not None:
            found += [self.conntrack.events.fileno(), self.conntrack.dumps.fileno()]
        return found

    def read(self, now: float, events_max: int, out: list[Observation]) -> None:
        """Appends pending observations to `out`, a bounded number per call."""
        out.extend(self.neighbours.read(now, self._places))
        conntrack, watch = self.conntrack, self._vantage
        if conntrack is None or watch is None:
            return
        out.extend(watch.keep(conntrack.read_events(now, events_max)))
        if conntrack.is_dumping:
            out.extend(watch.keep(conntrack.read_dump(now, max(1, events_max // DUMP_DIVISOR))))
            if not conntrack.is_dumping:
                ended = time.monotonic()
                pause = DUMP_SHARE * (ended - conntrack.dump_began)
                self._dump_due = ended + min(max(DUMP_SECONDS, pause), DUMP_SECONDS_MAX)

    def dump_when_due(self) -> None:
        """Requests a dump of all conntrack counters if one is due."""
        conntrack = self.conntrack
        if conntrack is None:
            return
        if conntrack.overruns > self._told_overruns:
            self._told_overruns = conntrack.overruns
            log.warning("conntrack's events came faster than they were read, %d times so far", conntrack.overruns)
        if not conntrack.is_dumping and time.monotonic() >= self._dump_due:
            conntrack.start_dump()

    def is_behind(self) -> bool:
        """Whether conntrack has reported more flows than were read."""
        return self.conntrack is not None and self.conntrack.is_behind

    def dump(self) -> None:
        """Requests all counters immediately."""
        if self.conntrack is not None:
            self.conntrack.start_dump()

    def close(self) -> None:
        self.links.close()
        self.neighbours.close()
        if self.conntrack is not None:
            self.conntrack.close()
