"""The flows that were killed lately: a hello that is sent again is no second one, and what is over is let go."""

from typing import Final, final

from monitor.attribution.devices import Device

KILLS_KEPT: Final = 65_536  # the kernel's sets have room for both directions of each
# As long as the kernel keeps a killed flow that is silent.
KILL_SECONDS: Final = 120.0


@final
class Grounds:
    """What a flow was killed for, so that another policy can judge it again: conntrack has forgotten the flow by then.

    `owners` and `name` are what the verdict rests on. `blind`: nothing named the flow, and the ban rejects such.
    """

    __slots__ = ("blind", "device", "name", "owners")

    def __init__(self, device: Device, owners: tuple[str, ...], name: bytes, blind: bool) -> None:
        self.device = device
        self.owners = owners
        self.name = name
        self.blind = blind


@final
class Killed:
    """`ban` is the id of the ban that keeps the flow killed, `on_failure` decides which set of the kernel holds it."""

    __slots__ = ("acknowledgment", "ban", "grounds", "on_failure", "time")

    def __init__(self, ban: str, on_failure: str, acknowledgment: int, time: float, grounds: Grounds) -> None:
        self.ban = ban
        self.on_failure = on_failure
        self.acknowledgment = acknowledgment
        self.time = time
        self.grounds = grounds


@final
class Kills:
    """By the flow's key, the oldest first; at most `limit`. `evicted` are those that gave way, to be let go."""

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
        """Notes a kill; False where it is the same again: TCP's numbers tell a new connection between used ports."""
        known = self._killed.pop(key, None)
        self._killed[key] = Killed(ban, on_failure, acknowledgment, now, grounds)
        self._evict()
        if known is None or known.ban != ban or now - known.time > KILL_SECONDS:
            return True
        return known.acknowledgment != acknowledgment

    def step(self, seconds: float) -> None:
        """The clock was set: the kernel's timeouts do not follow it."""
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
        """The flows that the kernel must hold still, with the bans that killed them."""
        return {key: killed.ban for key, killed in self._killed.items() if now - killed.time <= KILL_SECONDS}

    def all(self) -> list[tuple[bytes, Killed]]:
        """Every flow by its key, the oldest first."""
        return list(self._killed.items())

    def drop(self, key: bytes) -> None:
        """The flow is killed no longer."""
        self._killed.pop(key, None)
