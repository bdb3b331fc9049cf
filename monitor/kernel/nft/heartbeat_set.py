"""The dead man's switch: rules of `open` bans look at the set `alive`, whose elements nobody but this renews.

A daemon that dies, hangs or is stopped renews nothing, and the elements lapse by themselves. Adding an element again
does not renew it, so it is deleted and added in one batch; once lapsed it cannot be deleted, and is only added. The
batch holds nothing else: a bad element of somebody else must not open the bans, nor may a renewal wait for one.
"""

from collections.abc import Sequence
from typing import final

from monitor.kernel.nft.elements import Elements
from monitor.policy.table.probe import PROBE
from monitor.policy.table.rules import ALIVE, ALIVE_SECONDS


@final
class HeartbeatSet:
    """`interfaces` are those of the LAN and the self-test's, by name; to be renewed once a second."""

    def __init__(self, elements: Elements) -> None:
        self._elements = elements
        self.interfaces: list[bytes] = [PROBE.encode()]
        self.ports: list[bytes] = []

    def watch(self, interfaces: Sequence[str]) -> None:
        """From the next renewal on these interfaces; of those that are no longer wanted the time runs out."""
        self.interfaces = [name.encode() for name in (*interfaces, PROBE)]

    def watch_ports(self, ports: Sequence[str]) -> None:
        """Where questions are diverted at the ports of a bridge: from now on at these, which are no interfaces."""
        self.ports = [name.encode() for name in ports]
        if self.ports:
            self._elements.renew(ALIVE, [(name, "") for name in self.ports], ALIVE_SECONDS)

    def renew_probe(self) -> None:
        """The self-test's interface alone: what is tried there touches no client."""
        self._elements.renew(ALIVE, [(PROBE.encode(), "")], ALIVE_SECONDS)

    def renew(self) -> bool:
        """False where the kernel refused: bans open within `ALIVE_SECONDS` unless it works before."""
        return self._elements.renew(ALIVE, [(name, "") for name in (*self.interfaces, *self.ports)], ALIVE_SECONDS) == 0
