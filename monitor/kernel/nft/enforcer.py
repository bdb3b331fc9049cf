"""Holds table `inet gatewatch` as the policy wants it, and nothing else of the machine's.

Rules come through libnftables, elements through nfnetlink. The table is marked as gatewatch's and guarded by a
lock of the network namespace, so that a second gatewatch, or somebody else's table of this name, is met with one clear
line. Everything here blocks shortly: 0.1 ms for an element, up to 0.2 s for rules, seconds only in `start`; what is
large and has to be put back is told as changes, so that whoever performs them can do so bit by bit.
"""

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from typing import Final, TypeAlias, final

from monitor.core.effects import Kill
from monitor.errors import MachineError
from monitor.kernel.nft.diversion import Diversion
from monitor.kernel.nft.drift import Repair, leftovers, read_table
from monitor.kernel.nft.elements import ElementChange, Elements
from monitor.kernel.nft.heartbeat_set import HeartbeatSet
from monitor.kernel.nft.libnftables import NftLibrary, RulesetRefused
from monitor.kernel.nft.listing import Nftables, TableSight
from monitor.kernel.nft.lock import take_lock
from monitor.kernel.nft.nfnetlink import NFPROTO_INET, NFPROTO_NETDEV, NFT_MSG_DELTABLE, PRIVILEGE, Batches
from monitor.kernel.tcp_reset import ConntrackDeleter, Resets
from monitor.model import KEY_V4, PROTOCOL_TCP, PROTOCOL_UDP, reverse_key
from monitor.policy.table.change import AddSet, Change, DeleteSet
from monitor.policy.table.desired import TABLE, Desired
from monitor.policy.table.diff import all_elements, diff
from monitor.policy.table.planner import bare_table
from monitor.policy.table.probe import PROBE
from monitor.policy.table.rules import ALIVE, KILL_SECONDS, kill_set, learned_set
from monitor.policy.table.script import commands, ruleset
from monitor.wire.netlink.set_elements import attribute

MARK: Final = "made by gatewatch, removed when it stops"
# Holds the policy while the table is replaced, and is gone afterwards.
BRIDGE: Final = f"{TABLE}_bridge"
BRIDGE_SECONDS: Final = 30.0
# Keys by run-time set.
Spared: TypeAlias = Mapping[str, Sequence[bytes]]
NOTHING_SPARED: Final[Spared] = {}
# How long what was refused waits before it is tried again, each time twice as long.
PATIENCE_SECONDS: Final = 1.0
PATIENCE_SECONDS_MAX: Final = 60.0
REFUSALS: Final = {"ENFILE": "it is full", "ENOMEM": "the kernel has no memory", "EEXIST": "others overlap them"}


@final
class Enforcer:
    """Opens every door at once. Raises MachineError without the privilege, the library or the kernel's part."""

    def __init__(self) -> None:
        with ExitStack() as opened:
            self._lock = opened.enter_context(take_lock())
            try:
                # The library ends the process where there is no nfnetlink, so it comes after the sockets.
                self._batches = opened.enter_context(closing(Batches()))
                self._nftables = opened.enter_context(closing(Nftables()))
                self._resets = opened.enter_context(closing(Resets()))
                self._tracking = opened.enter_context(closing(ConntrackDeleter()))
                self._library = NftLibrary()
            except PermissionError as error:
                raise MachineError(f"enforcement: {error.strerror}: {PRIVILEGE}") from error
            except OSError as error:
                raise MachineError(f"this kernel lacks a part of nftables or conntrack: {error.strerror}") from error
            opened.pop_all()
        self.elements = Elements(self._batches, self._nftables)
        self.alive = HeartbeatSet(self.elements)
        self.diversion = Diversion()
        self.complaints: list[str] = []
        self._handle = 0
        self._base = 0
        self._own = 0
        # What the kernel refused of rules, or has not done for another reason, and the sets that lack elements.
        self._failed: list[Change] = []
        self._lacking: set[str] = set()
        self._made_anew = False
        self._patience = 0.0
        self._again = 0.0

    def start(self, desired: Desired, interfaces: Sequence[str], spared: Spared = NOTHING_SPARED) -> None:
        """Makes the table; what an earlier run left of it is replaced without a gap. Raises MachineError.

        `interfaces` are those of the LAN by name: bans hold on them from now on, as long as `renew_alive` is called.
        `spared` are keys by run-time set that must be there before anything is refused; they stay `BRIDGE_SECONDS`.
        """
        self.alive.watch(interfaces)
        self._load(desired, spared)

    def apply(self, changes: Sequence[Change]) -> None:
        """Performs changes in their order; neighbours of one kind share a transaction.

        What the kernel refuses is left out and told in `complaints`; the rest is in force, and `reconcile` tries again.
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
        """Has questions that come in through these interfaces, and the self-test's, reach `diversion.doors`, those that
        are there.

        To be called again when links come and go; true where doors changed. The policy decides which questions; rules
        without a door behind them would drop, so its sinkhole must listen before it says that it is armed.
        """
        changed = self.diversion.watch((*interfaces, PROBE))
        self.complaints += self.diversion.take_complaints()
        self._redirect()
        return changed

    def kill(self, kills: Sequence[Kill]) -> None:
        """Ends flows: both directions are dropped, then the client is told, then conntrack forgets."""
        self.hold(kills)
        for kill in kills:
            self._resets.tell(kill.key, kill.acknowledgment)
        for kill in kills:
            self._tracking.forget(kill.key)

    def hold(self, kills: Sequence[Kill]) -> None:
        """Drops both directions of flows, and no more."""
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
        """Bans addresses by what the owner's `chain` says, for so long, with the name that led to them.

        An address that is there already begins its time anew. What is learned is gone after `start` and `reconcile`.
        """
        for family, size in ((4, 4), (6, 16)):
            some = [(address, "") for address in addresses if len(address) == size]
            if some:
                for set_name in (learned_set(chain, family), f"learned{family}"):
                    self._note(self.elements.renew(set_name, some, seconds, name), [set_name])

    def put(self, set_name: str, keys: Sequence[bytes], seconds: float, name: bytes) -> None:
        """Puts keys into another run-time set (spared, excused, allowed) for so long; begins their time anew."""
        self._note(self.elements.renew(set_name, [(key, "") for key in keys], seconds, name), [set_name])

    def forget(self, set_name: str, keys: Sequence[bytes]) -> None:
        """Takes keys out of a run-time set; those that are not there are not missed."""
        self.elements.drop(set_name, keys)

    def renew_alive(self) -> bool:
        return self.alive.renew()

    def is_there(self) -> bool:
        """False once somebody has removed the table, or made another one in its place: costs 0.02 ms."""
        sight = self._nftables.table(NFPROTO_INET, TABLE)
        return sight is not None and sight.handle == self._handle

    def reconcile(self, desired: Desired) -> Repair:
        """What puts back what others took away, and what the kernel refused; without changes where nothing is missing.

        To be called every second, once all changes are performed: costs microseconds while nobody changed any table of
        this namespace. Where the table itself was taken away there is a bare one when this returns, and the changes
        fill it. Run-time sets may be empty after a line.
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
        """After somebody changed any table: only what was ours is put back, while the rest holds on."""
        gone = self._find_table()
        if gone:
            return self._begin_anew(desired, gone)
        remains = read_table(self._nftables, self.elements, self.diversion, desired)
        self._remember()
        if not remains.fault:
            return Repair("", ())
        self._run(self.diversion.script())
        return Repair(f"{remains.fault} by somebody else: put back", diff(desired, remains.table))

    def _find_table(self) -> str:
        """What became of the table as a whole, "" where it is the one that was made here."""
        sight = self._nftables.table(NFPROTO_INET, TABLE)
        if sight is None:
            return f"table inet {TABLE} was removed"
        return f"table inet {TABLE} was made anew" if sight.handle != self._handle else ""

    def _begin_anew(self, desired: Desired, fault: str) -> Repair:
        """The doors and what holds without any ban, at once: flows can be cut again, and nobody is refused yet."""
        bare = bare_table([name.decode() for name in self.alive.interfaces])
        self._make(bare, self.refuse_foreign() is not None)
        return Repair(f"{fault} by somebody else: put back", diff(desired, bare))

    def _try_again(self, desired: Desired) -> Repair:
        """What was refused may be taken now, by itself; what keeps being refused after half a change, once with all
        the table.
        """
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
            return Repair(f"{fault}: all made anew", ())
        remains = read_table(self._nftables, self.elements, self.diversion, desired)
        emptied, table = leftovers(self._nftables, desired, failed, lacking, remains.table)
        self._remember()
        return Repair(f"{fault}: tried again", [*emptied, *diff(desired, table)])

    def take_complaints(self) -> list[str]:
        complaints, self.complaints = self.complaints, []
        return complaints

    def counters(self) -> dict[str, tuple[int, int]]:
        """Packets and bytes of every named counter since it was made."""
        return self._nftables.counters(TABLE)

    def stop(self) -> None:
        """Removes the table with all that it holds, and gives the lock back."""
        try:
            if self._handle:
                self._remove_table(NFPROTO_INET, BRIDGE)
                self._remove_table(NFPROTO_INET, TABLE)
                self._remove_table(NFPROTO_NETDEV, TABLE)
                self._handle = 0
        finally:
            self.close()

    def close(self) -> None:
        """Leaves the table where it is: bans that fail closed hold on."""
        self.diversion.close()
        self._resets.close()
        self._tracking.close()
        self._nftables.close()
        self._batches.close()
        self._library.close()
        self._lock.close()

    def refuse_foreign(self) -> TableSight | None:
        """What an earlier run, or this one, left of the table. Raises MachineError where it is somebody else's."""
        there = self._nftables.table(NFPROTO_INET, TABLE)
        if there is not None and there.comment != MARK:
            raise MachineError(
                f"table inet {TABLE} exists and is not gatewatch's: `nft list table inet {TABLE}` shows it, "
                f"and enforcement works once it is gone"
            )
        return there

    def _load(self, desired: Desired, spared: Spared = NOTHING_SPARED) -> None:
        """Makes the table with all that it holds. Where there is one, another one holds the policy meanwhile."""
        there = self.refuse_foreign() is not None
        self.elements.specs = dict(desired.sets)
        if there:
            self._bridge(desired, spared)
        self._make(desired, there, spared)
        self._remove_table(NFPROTO_INET, BRIDGE)
        self._remember()

    def _make(self, desired: Desired, there: bool, spared: Spared = NOTHING_SPARED) -> None:
        """Makes the table, in the place of one that is `there`; bans hold from now on, as long as they are renewed."""
        script = f"delete table inet {TABLE}\n" if there else ""
        self.elements.specs = dict(desired.sets)
        self._library.run(script + marked(TABLE, desired) + self.diversion.script())
        made = self._nftables.table(NFPROTO_INET, TABLE)
        self._handle = made.handle if made is not None else 0
        self._failed, self._lacking = [], set()
        spare(self.elements, spared)
        self._change_elements(all_elements(desired))
        self.alive.renew()
        self._remember()

    def _bridge(self, desired: Desired, spared: Spared) -> None:
        """Rules come by one way and elements by another, so in the table itself there would be a moment without."""
        self._remove_table(NFPROTO_INET, BRIDGE)
        self._library.run(marked(BRIDGE, desired))
        bridge = Elements(self._batches, self._nftables, BRIDGE)
        bridge.specs = self.elements.specs
        spare(bridge, spared)
        bridge.change(all_elements(desired))
        bridge.put(ALIVE, [(name, "") for name in self.alive.interfaces], BRIDGE_SECONDS)

    def _remove_table(self, family: int, name: str) -> None:
        """Removes it if it is there, and is gatewatch's."""
        sight = self._nftables.table(family, name)
        if sight is not None and (sight.comment == MARK or family == NFPROTO_NETDEV):
            self._batches.send([(NFT_MSG_DELTABLE, 0, attribute(1, name.encode() + b"\0"))], family)

    def _remember(self) -> None:
        """What is there now is known; whatever comes on top is ours or somebody else's."""
        self._base = self._nftables.generation() - self.elements.transactions["ok"]
        self._own = 0

    def _change_elements(self, changes: Sequence[ElementChange]) -> None:
        self._note(self.elements.change(changes), sorted({change.set for change in changes}))

    def _note(self, refused: int, names: Sequence[str]) -> None:
        """Complains where elements of these sets were refused; how many is counted elsewhere."""
        if refused:
            self._lacking |= {
                name for name in names if name in self.elements.specs and not self.elements.specs[name].runtime
            }
            reasons = {reason for (name, reason), _ in self.elements.refused.items() if name in names}
            words = ", ".join(sorted(REFUSALS.get(reason, reason) for reason in reasons))
            self.complaints.append(f"set {', '.join(names[:3])} of table inet {TABLE} lacks elements: {words}")

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

    def _redirect(self) -> None:
        self._run(self.diversion.script())
        self.alive.watch_ports([port for ports in self.diversion.ports.values() for port in ports])

    def _run(self, script: str) -> None:
        self._library.run(script)
        self._own += 1


def marked(table: str, desired: Desired) -> str:
    """The rules and empty sets, in a table that tells whose it is."""
    rules = ruleset(desired).replace(f"table inet {TABLE} {{", f"table inet {table} {{", 1)
    return f'table inet {table} {{\n\tcomment "{MARK}"\n}}\n{rules}'


def spare(elements: Elements, spared: Spared) -> None:
    for name, keys in spared.items():
        elements.put(name, [(key, "") for key in keys], BRIDGE_SECONDS)


def is_of_elements(change: Change) -> bool:
    return isinstance(change, ElementChange)
