"""The proof: what bans stopped, what they would have stopped, and what passed all the same.

A leak is what passed after the ban took effect. The bytes of a killed flow up to its hello are blocked bytes, what
it goes on sending is nothing. A server's data that passed behind the hello, before the kill was in the kernel,
makes an answer that came too late.

A counter is there, at zero, as soon as a ban that may move it is in force, and stays when the ban is over: Prometheus
sees a rise only where it saw the nothing before it.
"""

from collections.abc import Sequence
from typing import Final, final

from monitor.attribution.counters import Cell, Traffic
from monitor.attribution.matches import EVIDENCE
from monitor.core.trying import Trying
from monitor.model import Samples
from monitor.policy.ban import ENFORCE, EVERYONE, SHADOW, Ban

UP: Final = "up"
DOWN: Final = "down"


@final
class Proof:
    """Counters by labels from closed sets: vendor or category, the ban's group (`all` without one), layer, evidence."""

    __slots__ = ("blocked", "blocked_bytes", "late", "leaked", "shadowed", "trying")

    def __init__(self, trying: int) -> None:
        self.blocked: dict[tuple[str, str, str], Cell] = {}
        self.shadowed: dict[tuple[str, str, str], Cell] = {}
        self.leaked: dict[tuple[str, str, str], Traffic] = {}
        self.blocked_bytes: dict[tuple[str, str], Cell] = {}
        self.late = Cell()
        self.trying = Trying(trying)

    def expect(self, bans: Sequence[Ban]) -> None:
        """Makes the counters of bans that are in force now."""
        for ban in bans:
            for subject in ban.subjects:
                for group in ban.groups or (EVERYONE,):
                    self._expect(ban, subject.category or subject.vendor, group)

    def _expect(self, ban: Ban, vendor: str, group: str) -> None:
        if ban.mode == SHADOW:
            for layer in ban.layers:
                cell_of(self.shadowed, vendor, group, layer)
        elif ban.mode == ENFORCE:
            for layer in ban.layers:
                cell_of(self.blocked, vendor, group, layer)
            for evidence in EVIDENCE:
                self.leak_of(vendor, group, evidence)
            self.blocked_bytes_of(vendor, group)

    def block(self, vendor: str, group: str, layer: str, device: int, now: float) -> None:
        """The device with this number was stopped."""
        cell_of(self.blocked, vendor, group, layer).value += 1
        self.trying.note(vendor, group, device, now)

    def shadow(self, vendor: str, group: str, layer: str) -> None:
        cell_of(self.shadowed, vendor, group, layer).value += 1

    def leak_of(self, vendor: str, group: str, evidence: str) -> Traffic:
        """Where the bytes of one flow go that pass."""
        traffic = self.leaked.get((vendor, group, evidence))
        if traffic is None:
            traffic = Traffic()
            self.leaked[vendor, group, evidence] = traffic
        return traffic

    def blocked_bytes_of(self, vendor: str, group: str) -> Cell:
        cell = self.blocked_bytes.get((vendor, group))
        if cell is None:
            cell = Cell()
            self.blocked_bytes[vendor, group] = cell
        return cell

    def put(self, samples: Samples, now: float) -> None:
        samples["blocked_total"] = {key: float(cell.value) for key, cell in self.blocked.items()}
        samples["shadow_blocked_total"] = {key: float(cell.value) for key, cell in self.shadowed.items()}
        samples["blocked_bytes_total"] = {key: float(cell.value) for key, cell in self.blocked_bytes.items()}
        samples["late_answers_total"] = {(): float(self.late.value)}
        leaked: dict[tuple[str, ...], float] = {}
        for (vendor, group, evidence), traffic in self.leaked.items():
            leaked[vendor, group, UP, evidence] = float(traffic.up)
            leaked[vendor, group, DOWN, evidence] = float(traffic.down)
        samples["leaked_bytes_total"] = leaked
        trying = self.trying.counts(now)
        samples["ban_devices"] = {key: float(trying.get(key, 0)) for key in self.blocked_bytes}


def cell_of(cells: dict[tuple[str, str, str], Cell], vendor: str, group: str, layer: str) -> Cell:
    cell = cells.get((vendor, group, layer))
    if cell is None:
        cell = Cell()
        cells[vendor, group, layer] = cell
    return cell
