"""How resolvers answer: which questions wait, how long answers took, and what they said."""

from typing import Final, final

from monitor.attribution.generations import Generations
from monitor.histogram import Histogram

# A resolver that has not answered by now never will (RFC 1035 section 4.2.1 asks for 5 seconds between tries).
WAIT_SECONDS: Final = 10.0

RESPONSE_BOUNDS: Final[tuple[float, ...]] = (
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0,
)  # fmt: skip

# RFC 1035 section 4.1.1, RFC 2136 section 2.2, RFC 6891 section 9, RFC 7873 section 8.
RCODES: Final = {
    0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED", 6: "YXDOMAIN", 7: "YXRRSET",
    8: "NXRRSET", 9: "NOTAUTH", 10: "NOTZONE", 16: "BADVERS", 23: "BADCOOKIE",
}  # fmt: skip
OTHER_RCODE: Final = "other"
# The last one stands for all that come after.
RCODES_COUNTED: Final = 32


@final
class Pending:
    """Questions that wait for their answer: key of the direction and id to the time, at most `limit`.

    What leaves before it had `WAIT_SECONDS` was evicted, what leaves later was never answered.
    """

    __slots__ = ("_since", "_times")

    def __init__(self, limit: int) -> None:
        self._times: Generations[float] = Generations(limit)
        self._since = 0.0

    def __len__(self) -> int:
        return len(self._times)

    @property
    def evictions(self) -> int:
        return self._times.evictions

    def ask(self, key: bytes, now: float) -> None:
        """A question again is the same question: its first time counts."""
        times = self._times
        if now - self._since > WAIT_SECONDS:
            times.age()
            self._since = now
        elif times.is_full():
            times.turn()
            self._since = now
        if key not in times.young:
            times.put(key, now)

    def answer(self, key: bytes) -> float:
        """When the question was asked, negative where nobody saw it."""
        asked = self._times.pop(key)
        return -1.0 if asked is None else asked

    def resize(self, limit: int) -> None:
        self._times.limit = limit

    def step(self, seconds: float) -> None:
        """The clock was set: questions have waited for as long as they have."""
        self._since += seconds
        times = self._times
        times.young = {key: asked + seconds for key, asked in times.young.items()}
        times.old = {key: asked + seconds for key, asked in times.old.items()}


@final
class Seconds:
    """How long answers took. Each is counted once, by the first bound that holds it."""

    __slots__ = ("_bounds", "_counts", "_total")

    def __init__(self) -> None:
        self._bounds = list(RESPONSE_BOUNDS)
        self._counts = [0] * (len(RESPONSE_BOUNDS) + 1)
        self._total = 0.0

    def add(self, seconds: float) -> None:
        at = 0
        for bound in self._bounds:
            if seconds <= bound:
                break
            at += 1
        self._counts[at] += 1
        self._total += seconds

    def histogram(self) -> Histogram:
        """The same, cumulative."""
        histogram = Histogram(RESPONSE_BOUNDS)
        total = 0
        for at in range(len(self._bounds)):
            total += self._counts[at]
            histogram.counts[at] = total
        histogram.count = total + self._counts[len(self._bounds)]
        histogram.total = self._total
        return histogram


@final
class Rcodes:
    """Answers by response code."""

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        self._counts = [0] * RCODES_COUNTED

    def add(self, rcode: int) -> None:
        self._counts[rcode if rcode < RCODES_COUNTED else RCODES_COUNTED - 1] += 1

    def by_name(self) -> dict[str, int]:
        """Those that were seen."""
        counts: dict[str, int] = {}
        for rcode, count in enumerate(self._counts):
            if count:
                name = RCODES.get(rcode, OTHER_RCODE)
                counts[name] = counts.get(name, 0) + count
        return counts
