"""Defines a subscription of the configuration, and when it is due."""

import hashlib
import json
from dataclasses import asdict, dataclass

from monitor.lists.copies import CopyRecord
from monitor.lists.user import UserList


@dataclass(frozen=True)
class Subscription:
    """A `[[list]]` that is fetched: every `interval` seconds, for at most `timeout` seconds per fetch.

    `sha256` in hex and `minisign`, a public key, are its pins, `""` for none. `skips_suffixes`: a public suffix among
    its lines is left out, and does not make the list suspicious.
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
        """Returns a digest of all settings that affect the request and its checks."""
        held = {**asdict(self), "interval": 0, "timeout": 0, "protected": sorted(name.decode() for name in protected)}
        return hashlib.sha256(json.dumps(held, sort_keys=True).encode()).hexdigest()[:32]


def due_at(subscription: Subscription, record: CopyRecord, now: float) -> float:
    """Returns when to fetch it, `now` if it was never fetched, failed, or was fetched at a time in the future."""
    if not record.succeeded or record.failures or record.succeeded > now:
        return now
    return record.succeeded + subscription.interval
