"""Devices that a ban blocked in the last hour."""

from typing import Final, final

from monitor.policy.owners import SubjectLabel

TRYING_SECONDS: Final = 3600.0


@final
class RecentDevices:
    """When each device was last blocked, by vendor, service and the ban's group; oldest first, at most `limit`."""

    __slots__ = ("_last", "evictions", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._last: dict[tuple[str, str, str, int], float] = {}
        self.evictions = 0

    def __len__(self) -> int:
        return len(self._last)

    def step(self, seconds: float) -> None:
        """Shifts the times after a clock step."""
        for key in self._last:
            self._last[key] += seconds

    def note(self, label: SubjectLabel, group: str, device: int, now: float) -> None:
        key = (label[0], label[1], group, device)
        self._last.pop(key, None)
        self._last[key] = now
        while len(self._last) > self.limit:
            del self._last[next(iter(self._last))]
            self.evictions += 1

    def counts(self, now: float) -> dict[tuple[str, str, str], int]:
        """Returns the devices blocked in the last hour by vendor, service and group, and drops older ones."""
        self._last = {key: last for key, last in self._last.items() if last > now - TRYING_SECONDS}
        counts: dict[tuple[str, str, str], int] = {}
        for vendor, service, group, _ in self._last:
            counts[vendor, service, group] = counts.get((vendor, service, group), 0) + 1
        return counts
