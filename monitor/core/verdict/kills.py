"""Recently killed flows: recognises a repeated hello, and releases flows that no ban blocks any longer."""

from typing import Final, final

from monitor.attribution.devices import Device

KILLS_KEPT: Final = 65_536  # the kernel's sets have room for both directions of each
# The time for which the kernel keeps a silent killed flow.
KILL_SECONDS: Final = 120.0


@final
class Grounds:
    """The basis of a kill, so that another policy can judge the flow again after conntrack has deleted it.

    `owners` and `name` are those that the verdict was based on. `blind`: the flow had no known name, and the ban
    rejects such flows.
    """

    __slots__ = ("blind", "device", "name", "owners")

    def __init__(self, device: Device, owners: tuple[str, ...], name: bytes, blind: bool) -> None:
        self.device = device
        self.owners = owners
        self.name = name
        self.blind = blind


@final
class Killed:
    """`ban` is the id of the ban that keeps the flow killed, `on_failure` selects the kernel set that holds it."""

    __slots__ = ("acknowledgment", "ban", "grounds", "on_failure", "time")

    def __init__(self, ban: str, on_failure: str, acknowledgment: int, time: float, grounds: Grounds) -> None:
        self.ban = ban
        self.on_failure = on_failure
        self.acknowledgment = acknowledgment
        self.time = time
        self.grounds = grounds


@final
class Kills:
    """Kills by flow key, oldest first, at most `limit`. `evicted` are the keys of evicted kills, to be released."""

    __slots__ = ("_killed", "_limit", "evicted", "evictions")

    def __init__(self, limit: int = KILLS_KEPT) -> None:
        self._limit = min(limit, KILLS_KEPT)
        self._killed: dict[bytes, Killed] = {}
        self.evicted: list[bytes] = []
        self.evictions = 0

    def __len__(self) -> int:
        return len(self._killed)

    def __contains__(self, key: bytes) -> bool:
        return key in self._killed

    def take(self, key: bytes, ban: str, on_failure: str, acknowledgment: int, now: float, grounds: Grounds) -> bool:
        """Records a kill. Returns False if it repeats a known kill: the TCP acknowledgment number distinguishes a new
        connection that reuses the ports.
        """
        known = self._killed.pop(key, None)
        self._killed[key] = Killed(ban, on_failure, acknowledgment, now, grounds)
        self._evict()
        if known is None or known.ban != ban or now - known.time > KILL_SECONDS:
            return True
        return known.acknowledgment != acknowledgment

    def step(self, seconds: float) -> None:
        """Shifts the times after a clock step, because the kernel's timeouts do not follow the wall clock."""
        for killed in self._killed.values():
            killed.time += seconds

    def resize(self, limit: int) -> None:
        self._limit = min(limit, KILLS_KEPT)
        self._evict()

    def _evict(self) -> None:
        while len(self._killed) > self._limit:
            oldest = next(iter(self._killed))
            del self._killed[oldest]
            self.evicted.append(oldest)
            self.evictions += 1

    def standing(self, now: float) -> dict[bytes, str]:
        """Returns the flows that the kernel must still hold, with the ids of their bans."""
        return {key: killed.ban for key, killed in self._killed.items() if now - killed.time <= KILL_SECONDS}

    def all(self) -> list[tuple[bytes, Killed]]:
        """Returns every kill with its flow key, oldest first."""
        return list(self._killed.items())

    def drop(self, key: bytes) -> None:
        """Removes the flow: it is no longer killed."""
        self._killed.pop(key, None)
