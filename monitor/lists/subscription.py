"""A subscription as the configuration has it, and when it is due."""

import hashlib
import json
from dataclasses import asdict, dataclass

from monitor.lists.copies import CopyRecord
from monitor.lists.user import UserList


@dataclass(frozen=True)
class Subscription:
    """A `[[list]]` that is fetched: every `interval` seconds, each time for at most `timeout` seconds.

    `sha256` in hex and `minisign`, a public key, are what it is pinned to, `""` where to nothing. `skips_suffixes`: a
    public suffix among its lines is left out, and does not make the list suspicious.
    """

    user: UserList
    interval: float
    timeout: float
    sha256: str = ""
    minisign: str = ""
    skips_suffixes: bool = False

    @property
    def name(self) -> str:
        return self.user.name

    def terms(self, protected: frozenset[bytes]) -> str:
        """A digest of everything that an answer is asked for and held to."""
        held = {**asdict(self), "interval": 0, "timeout": 0, "protected": sorted(name.decode() for name in protected)}
        return hashlib.sha256(json.dumps(held, sort_keys=True).encode()).hexdigest()[:32]


def due_at(subscription: Subscription, record: CopyRecord, now: float) -> float:
    """When to fetch it, `now` where that is at once: never fetched, failed, or by a clock that was wrong."""
    if not record.succeeded or record.failures or record.succeeded > now:
        return now
    return record.succeeded + subscription.interval
