"""Keeps table `inet gatewatch` as the policy requires, and changes nothing else on the machine.

Rules go through libnftables, elements through nfnetlink. The table carries gatewatch's mark and a lock of the network
namespace protects it: a second gatewatch, or a foreign table of this name, causes one clear error line. All calls block
for a short time: 0.1 ms for an element, up to 0.2 s for rules, seconds only in `start`. Large repairs are returned as
changes, so that the caller can apply them in portions.
"""

import time
from collections.abc import Sequence
from typing import Final, final

from monitor.core.effects import Kill
from monitor.errors import MachineError
from monitor.kernel.nft.drift import Repair, leftovers, read_table
from monitor.kernel.nft.elements import ElementChange
from monitor.kernel.nft.libnftables import RulesetRefused
from monitor.kernel.nft.own_table import NOTHING_SPARED, OwnTable, Spared
from monitor.model import KEY_V4, PROTOCOL_TCP, PROTOCOL_UDP, reverse_key
from monitor.policy.table.change import AddSet, Change, DeleteSet
from monitor.policy.table.desired import TABLE, Desired
from monitor.policy.table.diff import all_elements, diff
from monitor.policy.table.planner import bare_table
from monitor.policy.table.probe import PROBE
from monitor.policy.table.rules import KILL_SECONDS, kill_set, learned_set
from monitor.policy.table.script import commands

# Delay before a retry of refused changes; doubles with each failure.
PATIENCE_SECONDS: Final = 1.0
PATIENCE_SECONDS_MAX: Final = 60.0


@final
class Enforcer(OwnTable):
    """Opens all sockets. Raises MachineError if the privilege, the library or the kernel support is missing."""

    def start(self, desired: Desired, interfaces: Sequence[str], spared: Spared = NOTHING_SPARED) -> None:
        """Creates the table. The table of an earlier run is replaced without a gap. Raises MachineError.

        `interfaces` are the names of the LAN interfaces. Bans hold on them from now on, as long as `renew_alive` is
        called. `spared` has keys by run-time set that must exist before any rule refuses; they expire after
        `BRIDGE_SECONDS`.
        """
        self.alive.watch(interfaces)
        self._load(desired, spared)

    def apply(self, changes: Sequence[Change]) -> None:
        """Applies changes in order. Adjacent changes of one kind share a transaction.

        Changes that the kernel refuses are left out and reported in `complaints`. All others are in force. `reconcile`
        retries the refused ones.
        """
        try:
            self._apply(changes)
        except (OSError, MachineError):
            self._failed += changes
            raise

    def _apply(self, changes: Sequence[Change]) -> None:
        at = 0
        while at < len(changes):
            end = at + 1
            while end < len(changes) and is_of_elements(changes[end]) == is_of_elements(changes[at]):
                end += 1
            some = changes[at:end]
            elements = [change for change in some if isinstance(change, ElementChange)]
            if elements:
                self._change_elements(elements)
            else:
                self._change_rules(some)
            at = end

    def divert(self, interfaces: Sequence[str]) -> bool:
        """Opens `diversion.doors` for these interfaces, if they exist, and for the self-test. True if they changed.

        Call again when links appear or disappear. The policy selects the queries to divert. Its rules drop queries
        that have no namespace link, so the sinkhole must listen before it reports that it is armed.
        """
        changed = self.diversion.watch((*interfaces, PROBE))
        self.complaints += self.diversion.take_complaints()
        self._redirect()
        return changed

    def kill(self, kills: Sequence[Kill]) -> None:
        """Ends flows: drops both directions, then notifies the client, then deletes the conntrack entry."""
        self.hold(kills)
        for kill in kills:
            self._resets.tell(kill.key, kill.acknowledgment)
        for kill in kills:
            self._tracking.forget(kill.key)

    def hold(self, kills: Sequence[Kill]) -> None:
        """Drops both directions of flows, without notifying clients."""
        by_set: dict[tuple[str, bytes], list[tuple[bytes, str]]] = {}
        for kill in kills:
            protocol = {PROTOCOL_TCP: "tcp", PROTOCOL_UDP: "udp"}.get(kill.key[-1], "")
            if protocol:
                name = kill_set(protocol, 4 if len(kill.key) == KEY_V4 else 6, kill.on_failure)
                flows = by_set.setdefault((name, kill.ban.encode()), [])
                flows += [(kill.key[:-1], ""), (reverse_key(kill.key)[:-1], "")]
        for (name, comment), flows in by_set.items():
            self._note(self.elements.put(name, flows, KILL_SECONDS, comment), [name])

    def learn(self, chain: str, addresses: Sequence[bytes], seconds: float, name: bytes) -> None:
        """Bans addresses by the rules of the owner's `chain` for `seconds`; `name` becomes the elements' comment.

        Restarts the timeout of an existing address. `start` and `reconcile` do not restore learned addresses.
        """
        for family, size in ((4, 4), (6, 16)):
            some = [(address, "") for address in addresses if len(address) == size]
            if some:
                for set_name in (learned_set(chain, family), f"learned{family}"):
                    self._note(self.elements.renew(set_name, some, seconds, name), [set_name])

    def put(self, set_name: str, keys: Sequence[bytes], seconds: float, name: bytes) -> None:
        """Adds keys to another run-time set (spared, excused, allowed) for `seconds`, restarting their timeout."""
        self._note(self.elements.renew(set_name, [(key, "") for key in keys], seconds, name), [set_name])

    def forget(self, set_name: str, keys: Sequence[bytes]) -> None:
        """Deletes keys from a run-time set. Missing keys are ignored."""
        self.elements.drop(set_name, keys)

    def renew_alive(self) -> bool:
        return self.alive.renew()

    def reconcile(self, desired: Desired) -> Repair:
        """Returns the repair of drift and of refused changes, without changes if nothing is missing.

        Call every second, once all changes are applied. Costs microseconds if no table of this network namespace was
        changed. If the table was deleted, creates one without bans, to which the changes add the rest. Run-time sets
        may be empty after a repair with a fault line.
        """
        if self.diversion.has_moved():
            self._redirect()
        if not self._failed and not self._lacking:
            self._patience, self._made_anew = 0.0, False
        elif time.monotonic() >= self._again:
            return self._try_again(desired)
        if self._nftables.generation() == self._base + self._own + self.elements.transactions["ok"]:
            return Repair("", ())
        return self._look(desired)

    def _look(self, desired: Desired) -> Repair:
        """Checks the table after a change by another program. Repairs only missing parts; all others stay in force."""
        gone = self._find_table()
        if gone:
            return self._begin_anew(desired, gone)
        remains = read_table(self._nftables, self.elements, self.diversion, desired)
        self._remember()
        if not remains.fault:
            return Repair("", ())
        self._run(self.diversion.script())
        return Repair(f"{remains.fault} by another program: put back", diff(desired, remains.table))

    def _begin_anew(self, desired: Desired, fault: str) -> Repair:
        """Creates a table without bans, with the diversion: flows can be killed again before the bans are restored."""
        bare = bare_table([name.decode() for name in self.alive.interfaces])
        self._make(bare, self.refuse_foreign() is not None)
        return Repair(f"{fault} by another program: put back", diff(desired, bare))

    def _try_again(self, desired: Desired) -> Repair:
        """Retries only the refused changes. If the kernel refuses them again, replaces the whole table, once."""
        stubborn = bool(self._patience) and not self._made_anew
        self._patience = min(2 * self._patience or PATIENCE_SECONDS, PATIENCE_SECONDS_MAX)
        self._again = time.monotonic() + self._patience
        failed, self._failed = self._failed, []
        lacking, self._lacking = self._lacking, set()
        if not failed:
            return Repair("", [change for change in all_elements(desired) if change.set in lacking])
        try:
            return self._do_again(desired, failed, lacking, stubborn)
        except (OSError, MachineError):
            self._failed += failed
            self._lacking |= lacking
            raise

    def _do_again(self, desired: Desired, failed: Sequence[Change], lacking: set[str], stubborn: bool) -> Repair:
        fault = f"a change of table inet {TABLE} had been refused"
        gone = self._find_table()
        if gone:
            return self._begin_anew(desired, gone)
        if stubborn:
            self._made_anew = True
            self._load(desired)
            return Repair(f"{fault}: all created again", ())
        remains = read_table(self._nftables, self.elements, self.diversion, desired)
        emptied, table = leftovers(self._nftables, desired, failed, lacking, remains.table)
        self._remember()
        return Repair(f"{fault}: tried again", [*emptied, *diff(desired, table)])

    def _change_rules(self, changes: Sequence[Change]) -> None:
        for change in changes:
            if isinstance(change, AddSet):
                self.elements.specs[change.name] = change.spec
        try:
            self._run(commands(changes))
        except RulesetRefused as refusal:
            if len(changes) == 1:
                self.complaints.append(str(refusal))
                self._failed += changes
                return
            for change in changes:
                self._change_rules([change])
        for change in changes:
            if isinstance(change, DeleteSet):
                self.elements.specs.pop(change.name, None)


def is_of_elements(change: Change) -> bool:
    return isinstance(change, ElementChange)
