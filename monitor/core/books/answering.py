"""How resolvers respond: open queries, response times and response codes."""

from typing import Final, final

from monitor.attribution.generations import Generations
from monitor.histogram import Histogram

# A resolver that has not answered by now never will (RFC 1035 section 4.2.1 demands 5 seconds between retries).
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
# The last index counts all higher codes.
RCODES_COUNTED: Final = 32


@final
class Pending:
    """Open queries: maps the key of the direction and the query id to the time of the query, at most `limit`.

    An entry that leaves before `WAIT_SECONDS` was evicted, one that leaves later was never answered.
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
        """Records a query. A repeated query keeps its first time."""
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
        """Returns the time of the query, negative if the query was not seen."""
        asked = self._times.pop(key)
        return -1.0 if asked is None else asked

    def resize(self, limit: int) -> None:
        self._times.limit = limit

    def step(self, seconds: float) -> None:
        """Shifts the times after a clock step, so waiting times are preserved."""
        self._since += seconds
        times = self._times
        times.young = {key: asked + seconds for key, asked in times.young.items()}
        times.old = {key: asked + seconds for key, asked in times.old.items()}


@final
class Seconds:
    """A histogram of response times. Each is counted once, in the first bucket that contains it."""

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
        """Returns the cumulative histogram."""
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
    """Responses by response code."""

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        self._counts = [0] * RCODES_COUNTED

    def add(self, rcode: int) -> None:
        self._counts[rcode if rcode < RCODES_COUNTED else RCODES_COUNTED - 1] += 1

    def by_name(self) -> dict[str, int]:
        """Returns the counts of the codes that were seen."""
        counts: dict[str, int] = {}
        for rcode, count in enumerate(self._counts):
            if count:
                name = RCODES.get(rcode, OTHER_RCODE)
                counts[name] = counts.get(name, 0) + count
        return counts
