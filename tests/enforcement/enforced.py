"""Enforcement over a fake machine: the real gateway, policy, planner and learning; a kernel, lookups and a sinkhole of
the tests' own.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from types import SimpleNamespace
from typing import Any

from banned_world import PHONES
from cast import LAPTOP, LAPTOP_MAC, PHONE, PHONE_MAC, START, gateway, neighbour, packed, small_index
from fake_kernel import TCP, Packet
from fake_machine import FakeMachine

from monitor.config.sections import Config
from monitor.core.effects import Effect
from monitor.core.settings import Settings
from monitor.enforcement.context import EnforcementContext
from monitor.enforcement.controller import Enforcement
from monitor.enforcement.factories import Factories
from monitor.enforcement.resolver import COMING, KNOWN, Found
from monitor.model import Observation
from monitor.policy.policy import Policy
from monitor.selftest.check import Check

INTERFACES = ("lan0",)
TTL = 60.0


class FakeLookups:
    """What was asked waits until `answer`; with `zone` an answer comes as soon as the loop turns."""

    def __init__(self, found: Found, zone: dict[bytes, list[bytes]]) -> None:
        self.resolvers: tuple[bytes, ...] = ()
        self.counts = {"answered": 0}
        self.evictions = 0
        self.asked: list[bytes] = []
        self.zone = zone
        self._found = found
        self._known: set[bytes] = set()
        self._waiting: list[bytes] = []

    def __len__(self) -> int:
        return len(self._known)

    def ask(self, name: bytes, urgent: bool = False) -> str:
        if name in self._known:
            return KNOWN
        if name not in self._waiting:
            self.asked.append(name)
            self._waiting.append(name)
            if name in self.zone:
                asyncio.get_running_loop().call_soon(self.answer, name, self.zone[name])
        return COMING

    def answer(self, name: bytes, addresses: list[bytes]) -> None:
        if name in self._waiting:
            self._waiting.remove(name)
            self._known.add(name)
            self._found([name], addresses, TTL)

    def forget(self, names: Sequence[bytes] | None = None) -> None:
        self._known -= self._known if names is None else set(names)

    async def close(self) -> None:
        self._waiting.clear()


class FakeSinkhole:
    """Listens where it is asked to; `probe` is what arming waits for."""

    def __init__(self, probe: Callable[[], Awaitable[None]]) -> None:
        self.counts = SimpleNamespace(upstream={"timeout": 0}, samples=dict)
        self.doors: set[str] = set()
        self.probe = probe

    def configure(self, settings: object) -> None:
        pass

    async def open_door(self, name: str, make_socket: object, link: str) -> None:
        self.doors.add(name)

    def close_door(self, name: str) -> None:
        self.doors.discard(name)

    def samples(self) -> dict[str, Any]:
        return {}

    async def stop(self) -> None:
        self.doors.clear()


async def no_checks(*of_anything: object) -> list[Check]:
    return []


async def at_once() -> None:
    pass


class Enforced:
    """A daemon's enforcement on the machine. `zone` has the addresses of names, `probe` delays the sinkhole."""

    def __init__(
        self,
        machine: FakeMachine,
        zone: dict[bytes, list[bytes]] | None = None,
        probe: Callable[[], Awaitable[None]] = at_once,
        settings: Settings | None = None,
    ) -> None:
        self.machine = machine
        self.settings = settings or Settings(groups=(PHONES,), events=frozenset({"verdict"}))
        self.gateway = gateway(self.settings)
        self.zone = zone or {}
        self.lookups: Any = None
        self.now = START
        self.is_blind = False
        self.checks: list[Check] = []
        make = Factories(
            enforcer=machine.make_enforcer,
            probe_link=lambda: SimpleNamespace(is_there=lambda: True, close=lambda: None),  # type: ignore[arg-type]
            lookups=self._make_lookups,
            sinkhole=lambda *of_settings: FakeSinkhole(probe),  # type: ignore[arg-type,return-value]
            try_diversion=no_checks,
            try_ordinary=no_checks,
            try_enforcement=self._try_enforcement,
        )
        self.ground = EnforcementContext(Config(), self.settings, small_index(), INTERFACES, (), True, ())
        loop = asyncio.get_running_loop()
        now, sees = lambda: self.now, lambda: not self.is_blind
        self.enforcement = Enforcement(loop, self.gateway, lambda: None, now, sees, self._write, self.ground, make)
        self.see([neighbour(PHONE, PHONE_MAC), neighbour(LAPTOP, LAPTOP_MAC)])

    def _make_lookups(self, found: Found) -> Any:
        self.lookups = FakeLookups(found, self.zone)
        return self.lookups

    async def _try_enforcement(self, *of_anything: object) -> list[Check]:
        return self.checks

    async def beat(self) -> None:
        """As every second: the table is looked at, and the bans are renewed."""
        self.enforcement.beat()
        await asyncio.sleep(0)

    def _write(self, effects: list[Effect]) -> None:
        pass

    async def govern(self, policy: Policy) -> None:
        await self.enforcement.govern(policy, self.ground)

    def see(self, seen: list[Observation], at: float = 1.0) -> None:
        """A batch, as the loop has it."""
        self.now = max(self.now, START + at)
        self.enforcement.perform(self.gateway.feed(seen, self.now))


def to(address: str, source: str = PHONE, mac: bytes = PHONE_MAC, port: int = 443, protocol: int = TCP) -> Packet:
    """A packet of a client to an address of the internet."""
    return Packet(packed(source), packed(address), mac, protocol, 40000, port, came_in=INTERFACES[0])
