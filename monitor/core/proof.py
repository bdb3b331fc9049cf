"""The proof: what bans stopped, what they would have stopped, and what passed all the same.

A leak is what passed after the ban took effect. The bytes of a killed flow up to its hello are blocked bytes, what
it goes on sending is nothing. A server's data that passed behind the hello, before the kill was in the kernel,
makes an answer that came too late.
"""

from typing import Final, final

from monitor.attribution.counters import Cell, Traffic
from monitor.model import Samples

UP: Final = "up"
DOWN: Final = "down"


@final
class Proof:
    """Counters by labels from closed sets: vendor or category, the ban's group (`all` without one), layer, evidence."""

    __slots__ = ("blocked", "blocked_bytes", "late", "leaked", "shadowed")

    def __init__(self) -> None:
        self.blocked: dict[tuple[str, str, str], Cell] = {}
        self.shadowed: dict[tuple[str, str, str], Cell] = {}
        self.leaked: dict[tuple[str, str, str], Traffic] = {}
        self.blocked_bytes: dict[tuple[str, str], Cell] = {}
        self.late = Cell()

    def block(self, vendor: str, group: str, layer: str) -> None:
        count(self.blocked, vendor, group, layer)

    def shadow(self, vendor: str, group: str, layer: str) -> None:
        count(self.shadowed, vendor, group, layer)

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

    def put(self, samples: Samples) -> None:
        samples["blocked_total"] = {key: float(cell.value) for key, cell in self.blocked.items()}
        samples["shadow_blocked_total"] = {key: float(cell.value) for key, cell in self.shadowed.items()}
        samples["blocked_bytes_total"] = {key: float(cell.value) for key, cell in self.blocked_bytes.items()}
        samples["late_answers_total"] = {(): float(self.late.value)}
        leaked: dict[tuple[str, ...], float] = {}
        for (vendor, group, evidence), traffic in self.leaked.items():
            leaked[vendor, group, UP, evidence] = float(traffic.up)
            leaked[vendor, group, DOWN, evidence] = float(traffic.down)
        samples["leaked_bytes_total"] = leaked


def count(cells: dict[tuple[str, str, str], Cell], vendor: str, group: str, layer: str) -> None:
    cell = cells.get((vendor, group, layer))
    if cell is None:
        cell = Cell()
        cells[vendor, group, layer] = cell
    cell.value += 1
