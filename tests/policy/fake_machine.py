"""A machine with one fake kernel, and enforcers on it that the daemon uses as it does the real one.

The table outlives an enforcer that dies. Every change of the table is a step: `on_step` is called after each.
"""

from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from fake_kernel import FakeKernel, Packet

from monitor.core.effects import Kill
from monitor.kernel.nft.drift import Repair
from monitor.model import reverse_key
from monitor.policy.table.change import Change
from monitor.policy.table.desired import Desired
from monitor.policy.table.diff import diff
from monitor.policy.table.planner import bare_table
from monitor.policy.table.rules import ALIVE, kill_set, learned_set


class FakeMachine:
    """`table` is what the kernel holds, None where there is none. `told` are the flows whose clients got a reset."""

    def __init__(self) -> None:
        self.table: FakeKernel | None = None
        self.on_step: Callable[[], None] = lambda: None
        self.steps = 0
        self.told: list[bytes] = []
        self.enforcers: list[FakeEnforcer] = []

    def make_enforcer(self) -> Any:
        enforcer = FakeEnforcer(self)
        self.enforcers.append(enforcer)
        return enforcer

    def kill_daemon(self) -> None:
        """As kill -9: no enforcer of before does anything any more, and the table stays."""
        for enforcer in self.enforcers:
            enforcer.is_dead = True

    def lapse(self) -> None:
        """Time goes on without a daemon until what has to be renewed has run out."""
        if self.table is not None:
            self.table.elements[ALIVE].clear()

    def step(self) -> None:
        self.steps += 1
        self.on_step()

    def forward(self, packet: Packet) -> str:
        return self.table.forward(packet) if self.table is not None else "pass"


class FakeElements:
    def __init__(self) -> None:
        self.transactions = {"ok": 0, "failed": 0}
        self.refused: dict[tuple[str, str], int] = {}
        self.specs: Mapping[str, object] = {}


class FakeEnforcer:
    """As much of an enforcer as the daemon uses. `doors` are there once questions were diverted."""

    def __init__(self, machine: FakeMachine) -> None:
        self._machine = machine
        self._mine: FakeKernel | None = None
        self.is_dead = False
        self.complaints: list[str] = []
        self.elements = FakeElements()
        self.interfaces: list[str] = []
        self.alive = SimpleNamespace(watch=self._watch, renew_probe=lambda: None)
        self.diversion = SimpleNamespace(doors={}, ports={}, is_whole=lambda: True)

    def _watch(self, interfaces: Sequence[str]) -> None:
        self.interfaces = list(interfaces)

    def _table(self) -> FakeKernel | None:
        """The table to change, None where this one is dead or the table is not its own."""
        table = self._machine.table
        return table if table is self._mine and not self.is_dead else None

    def refuse_foreign(self) -> object:
        return self._machine.table

    def start(self, desired: Desired, interfaces: Sequence[str], spared: Mapping[str, Sequence[bytes]]) -> None:
        self._watch(interfaces)
        if not self.is_dead:
            self._make(desired, spared)

    def _make(self, desired: Desired, spared: Mapping[str, Sequence[bytes]]) -> None:
        self._mine = self._machine.table = FakeKernel(desired)
        self.elements.specs = self._mine.sets
        for name, keys in spared.items():
            self._mine.elements[name].update(dict.fromkeys(keys, ""))
        for name in self.interfaces:
            self._mine.put(ALIVE, name.encode())
        self._machine.step()

    def is_there(self) -> bool:
        return self._table() is not None

    def apply(self, changes: Sequence[Change]) -> None:
        for change in changes:
            table = self._table()
            if table is not None:
                table.change(change)
                self._machine.step()

    def divert(self, interfaces: Sequence[str]) -> bool:
        self.diversion.doors = {
            name: SimpleNamespace(make_socket=None, far=name) for name in (*interfaces, "gw-probe0")
        }
        return True

    def kill(self, kills: Sequence[Kill]) -> None:
        self.hold(kills)
        self._machine.told += [kill.key for kill in kills]

    def hold(self, kills: Sequence[Kill]) -> None:
        for kill in kills:
            protocol = {6: "tcp", 17: "udp"}[kill.key[-1]]
            name = kill_set(protocol, 4 if len(kill.key) == 13 else 6, kill.on_failure)
            self._add(name, [kill.key[:-1], reverse_key(kill.key)[:-1]])

    def learn(self, chain: str, addresses: Sequence[bytes], seconds: float, name: bytes) -> None:
        for address in addresses:
            family = 4 if len(address) == 4 else 6
            self._add(learned_set(chain, family), [address])
            self._add(f"learned{family}", [address])

    def put(self, set_name: str, keys: Sequence[bytes], seconds: float, name: bytes) -> None:
        self._add(set_name, keys)

    def _add(self, set_name: str, keys: Sequence[bytes]) -> None:
        table = self._table()
        if table is not None and set_name in table.sets:
            table.elements[set_name].update(dict.fromkeys(keys, ""))
            self._machine.step()

    def forget(self, set_name: str, keys: Sequence[bytes]) -> None:
        table = self._table()
        if table is not None and set_name in table.sets:
            for key in keys:
                table.elements[set_name].pop(key, None)
            self._machine.step()

    def renew_alive(self) -> bool:
        self._add(ALIVE, [name.encode() for name in self.interfaces])
        return True

    def reconcile(self, desired: Desired) -> Repair:
        if self.is_dead or self.is_there():
            return Repair("", ())
        bare = bare_table(self.interfaces)
        self._make(bare, {})
        return Repair("table inet gatewatch was removed by another program: put back", diff(desired, bare))

    def take_complaints(self) -> list[str]:
        complaints, self.complaints = self.complaints, []
        return complaints

    def counters(self) -> dict[str, tuple[int, int]]:
        table = self._table()
        return {name: (count, 0) for name, count in table.counters.items()} if table is not None else {}

    def stop(self) -> None:
        if self._table() is not None:
            self._machine.table = None
            self._machine.step()

    def close(self) -> None:
        self.is_dead = True
