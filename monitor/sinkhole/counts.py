"""The counters of the sinkhole. All keys are literals of the code, so clients cannot make the tables grow."""

from typing import Final, final

from monitor.errors import ErrorCounts
from monitor.model import Samples

# The results of a query.
BANNED: Final = "banned"
CLOAKED: Final = "cloaked"
CANARY: Final = "canary"
PASSED: Final = "passed"
ERROR: Final = "error"
DROPPED: Final = "dropped"
UNREAD: Final = "unread"

# The faults of an exchange with an upstream.
TIMEOUT: Final = "timeout"
UNREACHABLE: Final = "unreachable"
FORGED: Final = "forged"
MISMATCHED: Final = "mismatched"
LATE: Final = "late"
EVICTED: Final = "evicted"
CROWDED: Final = "crowded"
UNDECODABLE: Final = "undecodable"

# Why the sinkhole closed a client's TCP connection.
FULL: Final = "full"
GREEDY: Final = "greedy"
IDLE: Final = "idle"
MALFORMED: Final = "malformed"
SLOW: Final = "slow"


@final
class Counts:
    """Counts queries by result, faults of upstreams and connections by reason, and answers that could not be sent."""

    def __init__(self) -> None:
        self.queries: dict[str, int] = dict.fromkeys((BANNED, CLOAKED, CANARY, PASSED, ERROR, DROPPED, UNREAD), 0)
        self.upstream: dict[str, int] = dict.fromkeys(
            (TIMEOUT, UNREACHABLE, FORGED, MISMATCHED, LATE, EVICTED, CROWDED, UNDECODABLE), 0
        )
        self.connections: dict[str, int] = dict.fromkeys((FULL, GREEDY, IDLE, MALFORMED, SLOW), 0)
        self.unsent = 0
        self.errors = ErrorCounts()

    def samples(self) -> Samples:
        self.upstream[UNDECODABLE] = sum(self.errors.counts.values())
        return {
            "sinkhole_queries_total": _by_reason(self.queries),
            "sinkhole_upstream_errors_total": _by_reason(self.upstream),
            "sinkhole_connections_refused_total": _by_reason(self.connections),
            "sinkhole_unsent_answers_total": {(): float(self.unsent)},
        }


def _by_reason(counts: dict[str, int]) -> dict[tuple[str, ...], float]:
    return {(reason,): float(count) for reason, count in counts.items()}
