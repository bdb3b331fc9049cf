"""Table `inet gatewatch` as a whole: creation, replacement without a gap, lookup and removal.

The table carries gatewatch's mark and a lock of the network namespace protects it: a second gatewatch, or a foreign
table of this name, causes one clear error line.
"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from typing import Final, TypeAlias

from monitor.errors import MachineError
from monitor.kernel.nft.diversion import Diversion
from monitor.kernel.nft.elements import ElementChange, Elements
from monitor.kernel.nft.heartbeat_set import HeartbeatSet
from monitor.kernel.nft.libnftables import NftLibrary
from monitor.kernel.nft.listing import Nftables, TableSight
from monitor.kernel.nft.lock import take_lock
from monitor.kernel.nft.nfnetlink import NFPROTO_INET, NFPROTO_NETDEV, NFT_MSG_DELTABLE, PRIVILEGE, Batches
from monitor.kernel.tcp_reset import ConntrackDeleter, Resets
from monitor.policy.table.change import Change
from monitor.policy.table.desired import TABLE, Desired
from monitor.policy.table.diff import all_elements
from monitor.policy.table.rules import ALIVE
from monitor.policy.table.script import ruleset
from monitor.wire.netlink.set_elements import attribute

MARK: Final = "made by gatewatch, removed when it stops"
# Holds the policy while the table is replaced, and is removed afterwards.
BRIDGE: Final = f"{TABLE}_bridge"
BRIDGE_SECONDS: Final = 30.0
# Keys by run-time set.
Spared: TypeAlias = Mapping[str, Sequence[bytes]]
NOTHING_SPARED: Final[Spared] = {}
REFUSALS: Final = {"ENFILE": "it is full", "ENOMEM": "the kernel has no memory", "EEXIST": "others overlap them"}


class OwnTable:
    """Opens all sockets. Raises MachineError if the privilege, the library or the kernel support is missing.

    `complaints` has lines about refusals of the kernel. `elements` manages the sets, `alive` the heartbeat, `diversion`
    the links to the sinkhole.
    """

    def __init__(self) -> None:
        with ExitStack() as opened:
            self._lock = opened.enter_context(take_lock())
            try:
                # Without nfnetlink the library exits the process, so it is loaded after the sockets are open.
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
        # Rule changes that the kernel refused or that failed for another reason, and the sets that lack elements.
        self._failed: list[Change] = []
        self._lacking: set[str] = set()
        self._made_anew = False
        self._patience = 0.0
        self._again = 0.0

    def is_there(self) -> bool:
        """False if the table was removed, or replaced by another one. Costs 0.02 ms."""
        sight = self._nftables.table(NFPROTO_INET, TABLE)
        return sight is not None and sight.handle == self._handle

    def counters(self) -> dict[str, tuple[int, int]]:
        """Returns packets and bytes of every named counter since its creation."""
        return self._nftables.counters(TABLE)

    def take_complaints(self) -> list[str]:
        complaints, self.complaints = self.complaints, []
        return complaints

    def refuse_foreign(self) -> TableSight | None:
        """Returns the table of an earlier run or of this one, if it exists. Raises MachineError if it is foreign."""
        there = self._nftables.table(NFPROTO_INET, TABLE)
        if there is not None and there.comment != MARK:
            raise MachineError(
                f"table inet {TABLE} exists and is not gatewatch's: `nft list table inet {TABLE}` shows it, "
                f"and enforcement works once it is gone"
            )
        return there

    def stop(self) -> None:
        """Removes the table with its content, and releases the lock."""
        try:
            if self._handle:
                self._remove_table(NFPROTO_INET, BRIDGE)
                self._remove_table(NFPROTO_INET, TABLE)
                self._remove_table(NFPROTO_NETDEV, TABLE)
                self._handle = 0
        finally:
            self.close()

    def close(self) -> None:
        """Closes everything but keeps the table: bans that fail closed stay in force."""
        self.diversion.close()
        self._resets.close()
        self._tracking.close()
        self._nftables.close()
        self._batches.close()
        self._library.close()
        self._lock.close()

    def _find_table(self) -> str:
        """Returns what happened to the table as a whole, "" if it is still the one created here."""
        sight = self._nftables.table(NFPROTO_INET, TABLE)
        if sight is None:
            return f"table inet {TABLE} was removed"
        return f"table inet {TABLE} was created again" if sight.handle != self._handle else ""

    def _load(self, desired: Desired, spared: Spared = NOTHING_SPARED) -> None:
        """Creates the table with its content. During a replacement a second table holds the policy."""
        there = self.refuse_foreign() is not None
        self.elements.specs = dict(desired.sets)
        if there:
            self._bridge(desired, spared)
        self._make(desired, there, spared)
        self._remove_table(NFPROTO_INET, BRIDGE)
        self._remember()

    def _make(self, desired: Desired, there: bool, spared: Spared = NOTHING_SPARED) -> None:
        """Creates the table, replacing the old one if `there`. Bans hold from now on, as long as they are renewed."""
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
        """Creates the second table. Rules and elements use different sockets, so a replaced table is empty at first."""
        self._remove_table(NFPROTO_INET, BRIDGE)
        self._library.run(marked(BRIDGE, desired))
        bridge = Elements(self._batches, self._nftables, BRIDGE)
        bridge.specs = self.elements.specs
        spare(bridge, spared)
        bridge.change(all_elements(desired))
        bridge.put(ALIVE, [(name, "") for name in self.alive.interfaces], BRIDGE_SECONDS)

    def _remove_table(self, family: int, name: str) -> None:
        """Removes the table if it exists and is gatewatch's."""
        sight = self._nftables.table(family, name)
        if sight is not None and (sight.comment == MARK or family == NFPROTO_NETDEV):
            self._batches.send([(NFT_MSG_DELTABLE, 0, attribute(1, name.encode() + b"\0"))], family)

    def _remember(self) -> None:
        """Records the ruleset generation, so that later transactions can be attributed to gatewatch or to others."""
        self._base = self._nftables.generation() - self.elements.transactions["ok"]
        self._own = 0

    def _change_elements(self, changes: Sequence[ElementChange]) -> None:
        self._note(self.elements.change(changes), sorted({change.set for change in changes}))

    def _note(self, refused: int, names: Sequence[str]) -> None:
        """Reports that elements of these sets were refused. `Elements` counts them."""
        if refused:
            self._lacking |= {
                name for name in names if name in self.elements.specs and not self.elements.specs[name].runtime
            }
            reasons = {reason for (name, reason), _ in self.elements.refused.items() if name in names}
            words = ", ".join(sorted(REFUSALS.get(reason, reason) for reason in reasons))
            self.complaints.append(f"set {', '.join(names[:3])} of table inet {TABLE} lacks elements: {words}")

    def _redirect(self) -> None:
        self._run(self.diversion.script())
        self.alive.watch_ports([port for ports in self.diversion.ports.values() for port in ports])

    def _run(self, script: str) -> None:
        self._library.run(script)
        self._own += 1


def marked(table: str, desired: Desired) -> str:
    """Returns rules and empty sets, in a table that carries gatewatch's mark."""
    rules = ruleset(desired).replace(f"table inet {TABLE} {{", f"table inet {table} {{", 1)
    return f'table inet {table} {{\n\tcomment "{MARK}"\n}}\n{rules}'


def spare(elements: Elements, spared: Spared) -> None:
    for name, keys in spared.items():
        elements.put(name, [(key, "") for key in keys], BRIDGE_SECONDS)
