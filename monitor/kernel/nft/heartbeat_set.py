"""The dead man's switch: rules of `open` bans match the set `alive`, whose elements only this module renews.

If the daemon exits, hangs or is stopped, its elements expire. Adding an existing element does not renew it, so it is
deleted and added in one batch. An expired element cannot be deleted and is only added. The batch contains nothing else,
so that an invalid element of another set can neither fail nor delay the renewal and thereby open the bans.
"""

from collections.abc import Sequence
from typing import final

from monitor.kernel.nft.elements import Elements
from monitor.policy.table.probe import PROBE
from monitor.policy.table.rules import ALIVE, ALIVE_SECONDS


@final
class HeartbeatSet:
    """`interfaces` are the LAN interfaces and the self-test's, by name. Renew once a second."""

    def __init__(self, elements: Elements) -> None:
        self._elements = elements
        self.interfaces: list[bytes] = [PROBE.encode()]
        self.ports: list[bytes] = []

    def watch(self, interfaces: Sequence[str]) -> None:
        """Replaces the interfaces from the next renewal on. The elements of other interfaces expire."""
        self.interfaces = [name.encode() for name in (*interfaces, PROBE)]

    def watch_ports(self, ports: Sequence[str]) -> None:
        """Replaces the bridge ports where queries are diverted, and renews them at once."""
        self.ports = [name.encode() for name in ports]
        if self.ports:
            self._elements.renew(ALIVE, [(name, "") for name in self.ports], ALIVE_SECONDS)

    def renew_probe(self) -> None:
        """Renews only the self-test's interface, so that a trial of the rules affects no client."""
        self._elements.renew(ALIVE, [(PROBE.encode(), "")], ALIVE_SECONDS)

    def renew(self) -> bool:
        """Renews all elements. Returns False if the kernel refused: `open` bans then stop blocking within
        `ALIVE_SECONDS`, unless a later renewal succeeds.
        """
        return self._elements.renew(ALIVE, [(name, "") for name in (*self.interfaces, *self.ports)], ALIVE_SECONDS) == 0
