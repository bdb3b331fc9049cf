"""All tables of the core: sizes, evictions, limits, and the shift of their times after a clock step."""

from typing import final

from monitor.attribution.devices import Devices
from monitor.attribution.evidence import Attributor
from monitor.core.books.answering import Pending
from monitor.core.books.diary import Diary
from monitor.core.books.ledger import Ledger
from monitor.core.flow.connections import Connections
from monitor.core.flow.tracking import Tracking
from monitor.core.verdict.flow_judge import FlowJudge
from monitor.core.verdict.replacement import Replacement
from monitor.limits import Limits


@final
class Tables:
    __slots__ = (
        "_connections", "_devices", "_diary", "_flows", "_fronts", "_judge", "_ledger", "_matches", "_memory",
        "_migrations", "_pending", "_places", "_replacement",
    )  # fmt: skip

    def __init__(
        self, tracking: Tracking, attributor: Attributor, devices: Devices, ledger: Ledger, diary: Diary,
        pending: Pending, judge: FlowJudge, connections: Connections, replacement: Replacement,
    ) -> None:  # fmt: skip
        self._flows = tracking.table
        self._migrations = tracking.migrations
        self._memory = attributor.memory
        self._fronts = attributor.fronts
        self._places = attributor.places
        self._matches = attributor.matches
        self._devices = devices
        self._ledger = ledger
        self._diary = diary
        self._pending = pending
        self._judge = judge
        self._connections = connections
        self._replacement = replacement

    def resize(self, limits: Limits) -> None:
        """Applies the limits of another configuration."""
        self._flows.limit = limits.flows
        self._migrations.resize(limits.migrations)
        self._memory.resize(limits.names, limits.names_per_address, limits.aliases)
        self._fronts.resize(limits.ech_names)
        self._places.resize(limits.addresses)
        self._matches.resize(limits.addresses)
        self._devices.resize(limits.devices, limits.addresses_per_device)
        self._ledger.resize(limits.rows, limits.series)
        self._diary.limit = limits.notes
        self._pending.resize(limits.queries)
        self._judge.kills.resize(limits.kills)
        self._judge.proof.resize(limits.trying, limits.series)
        self._judge.usage.sayings.resize(limits.hellos)

    def sizes(self) -> dict[str, int]:
        return {
            "flows": len(self._flows.forward),
            "names": len(self._memory),
            "aliases": len(self._memory.aliases),
            "ech_names": len(self._fronts),
            "migrations": len(self._migrations),
            "devices": len(self._devices.everyone),
            "rows": len(self._ledger.tallies),
            "notes": len(self._diary),
            "series": self._ledger.budget.used,
            "queries": len(self._pending),
            "addresses": len(self._places),
            "kills": len(self._judge.kills),
            "trying": len(self._judge.proof.trying),
            "hellos": len(self._judge.usage.sayings),
            "host_names": len(self._devices.pins),
            "replacements": len(self._replacement),
        }

    def evictions(self) -> dict[str, int]:
        """Returns the evictions of each table; for `series`, the label sets that were folded into `other`."""
        return {
            "flows": self._flows.evictions,
            "names": self._memory.evictions,
            "aliases": self._memory.aliases.evictions,
            "ech_names": self._fronts.evictions,
            "migrations": self._migrations.evictions,
            "devices": self._devices.evictions,
            "rows": self._ledger.evictions,
            "notes": self._diary.evictions,
            "series": self._ledger.budget.folded + self._ledger.small.folded + self._judge.proof.folded,
            "queries": self._pending.evictions,
            "addresses": self._places.evictions,
            "kills": self._judge.kills.evictions,
            "trying": self._judge.proof.trying.evictions,
            "hellos": self._judge.usage.evictions + self._judge.usage.sayings.evictions,
            "host_names": self._devices.pins.evictions,
            "replacements": self._replacement.evictions,
        }

    def step(self, seconds: float) -> None:
        """Shifts all times by `seconds` after a clock step, so ages are preserved. The diary's notes keep theirs."""
        self._flows.step(seconds)
        self._memory.step(seconds)
        self._devices.step(seconds)
        self._ledger.step(seconds)
        self._pending.step(seconds)
        self._judge.kills.step(seconds)
        self._judge.proof.trying.step(seconds)
        self._judge.usage.step(seconds)
        self._connections.step(seconds)
        self._migrations.step(seconds)
