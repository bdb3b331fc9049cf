"""Applies trusted answers to the kernel: learns addresses of banned names, and exempts those of allowed names.

Before an address is learned, the names that devices use for it are resolved too, so that no allowed connection is
refused for a moment. A name that appears later frees the address at once.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, Final, final

from monitor.attribution.networks import address_text
from monitor.core.gateway import Gateway
from monitor.enforcement.blocked_page import answer_addresses
from monitor.enforcement.context import EnforcementContext
from monitor.enforcement.exempt_addresses import ExemptAddresses
from monitor.enforcement.pending_lookups import PendingLookups
from monitor.enforcement.resolver import COMING, DROPPED, Found, NameResolver, system_resolvers
from monitor.enforcement.table import KernelTable
from monitor.errors import MachineError
from monitor.kernel.nft.enforcer import Enforcer
from monitor.model import Samples
from monitor.policy.claims import Claims
from monitor.policy.learnable import Learnable
from monitor.policy.learned import GUARDED, LEARNED, Free, Learn, Learned, Lesson
from monitor.policy.owners import OwnerNames
from monitor.policy.table.planner import chain_for
from monitor.policy.table.rules import learned_set

# Maximum number of names resolved before an address is learned, the most recently used ones first.
NAMES_ASKED: Final = 16
# Applications use an address for longer than its TTL.
SECONDS_LEAST: Final = 300.0
GRACE_SECONDS: Final = 30.0
SWEEP_SECONDS: Final = 10.0
# Restored per turn of the event loop: takes 10 ms.
ADDRESSES_AT_ONCE: Final = 50


@final
class Learning:
    """`holding` is the table to change. `upstreams` returns the configured resolvers, none for the system's."""

    def __init__(
        self,
        gateway: Gateway,
        now: Callable[[], float],
        holding: KernelTable,
        upstreams: Callable[[], tuple[bytes, ...]],
        make_lookups: Callable[[Found], NameResolver] = NameResolver,
    ) -> None:
        self._gateway = gateway
        self._now = now
        self._holding = holding
        self._upstreams = upstreams
        self._lookups = make_lookups(self._found)
        self._learned: Learned | None = None
        self.sparing = ExemptAddresses(gateway, now, holding, self._lookups)
        self._ground: EnforcementContext | None = None
        self._awaited = PendingLookups()
        self._chains: dict[OwnerNames, str] = {}
        self._published = 0
        self._sweep_due = 0.0

    def stand_on(self, ground: EnforcementContext) -> None:
        """Applies a change of lists, addresses or resolvers. The caller must call `rule` afterwards."""
        self._ground = ground
        self._lookups.resolvers = self._upstreams()

    def rule(self) -> None:
        """Applies a change of bans or of their context: frees addresses that no ban covers any longer.

        Call while the old rules are still in force beside the new ones.
        """
        policy, ground = self._gateway.policy, self._ground
        enforcer = self._holding.enforcer
        if policy is None or ground is None or enforcer is None:
            return
        claims = Claims(ground.index, policy)
        learnable = self._learnable(ground)
        if self._learned is None:
            self._learned = Learned(claims, learnable, ground.config.limits.learned)
        self._learned.claims, self._learned.learnable = claims, learnable
        self._learned.limit = ground.config.limits.learned
        self._settle(self._learned.govern(self._now()))
        self._publish(self._learned)
        chains = {owners: chain_for(self._holding.desired, owners) for owners in self._learned.owners()}
        if any(self._chains.get(owners, chain) != chain for owners, chain in chains.items()):
            self._put_back(self._learned.addresses())
        self._chains = chains

    def step(self, seconds: float) -> None:
        """Shifts the times by `seconds` after a clock step."""
        self._sweep_due += seconds
        if self._learned is not None:
            self._learned.step(seconds)

    def ask(self, name: bytes) -> None:
        """Resolves a name that a device requested and whose vendor is banned by address."""
        self._lookups.ask(name)

    def use(self, address: bytes, name: bytes) -> None:
        """Handles a `name` seen at the learned `address`: checks whether an allowed name shares the address."""
        learned = self._learned
        if learned is None:
            return
        address = learned.learnable.plain(address)
        if learned.strangers(address, [name], self._now()):
            self._lookups.ask(name, urgent=True)
        self._settle([address])
        self._publish(learned)

    def restore(self) -> None:
        """Restores allowed addresses, then learned ones, in portions, after the table or its chains were replaced."""
        self.sparing.restore()
        if self._learned is not None:
            self._put_back(self._learned.addresses())

    def forget(self) -> None:
        """Discards all learned addresses, after the table was removed."""
        self._awaited.clear()
        self.sparing.close()
        if self._learned is not None:
            self._learned.forget_all()
            self._publish(self._learned)

    async def close(self) -> None:
        await self._lookups.close()
        self.forget()

    def states_of(self, address: bytes) -> list[dict[str, Any]]:
        """Returns the states of an address of banned names: learned, guarded, or the reason why it is never learned."""
        learned = self._learned
        if learned is None:
            return []
        now = self._now()
        return [
            {
                "name": state.name.decode("ascii", "replace"),
                "outcome": state.outcome,
                "until": state.until if state.outcome == LEARNED else None,
                "guard": state.guard.decode("ascii", "replace") if state.outcome == GUARDED else None,
            }
            for state in learned.states_of(learned.learnable.plain(address), now)
        ]

    def samples(self) -> Samples:
        lookups, learned = self._lookups, self._learned
        samples: Samples = {
            "lookups_total": {(result,): float(count) for result, count in lookups.counts.items()},
            "table_entries": {("lookups",): float(len(lookups))},
            "table_evictions_total": {("lookups",): float(lookups.evictions)},
        }
        if learned is not None:
            now = self._now()
            learned.sweep(now)
            self._publish(learned)
            samples["learned_addresses_total"] = {(result,): float(count) for result, count in learned.counts.items()}
            samples["table_entries"][("learned",)] = float(learned.count_learned(now))
            samples["table_entries"][("answers",)] = float(len(learned))
            samples["table_limit"] = dict.fromkeys((("learned",), ("answers",)), float(learned.limit))
            samples["table_evictions_total"][("answers",)] = float(learned.evictions)
        return samples

    def _publish(self, learned: Learned) -> None:
        """Passes the learned addresses to the core if they changed."""
        if self._published != learned.version:
            self._published = learned.version
            self._gateway.set_enforcement(replace(self._gateway.enforcement, learned=frozenset(learned.keys)))

    def _learnable(self, ground: EnforcementContext) -> Learnable:
        sinkhole = ground.config.sinkhole
        resolvers = [*self._upstreams(), *system_resolvers(), *sinkhole.exempt]
        addresses = [*resolvers, *answer_addresses(sinkhole)]
        never = [*ground.settings.local, *ground.own, *map(address_text, addresses)]
        return Learnable(ground.index, ground.settings.lookup, ground.settings.nat64, never)

    def _found(self, names: list[bytes], addresses: list[bytes], ttl: float) -> None:
        """Handles a trusted answer. If `addresses` is empty, the lookup failed."""
        seconds = max(ttl + GRACE_SECONDS, SECONDS_LEAST)
        self.sparing.take(names[0], addresses, seconds)
        enforcer, policy, learned = self._holding.enforcer, self._gateway.policy, self._learned
        if enforcer is None or policy is None or learned is None:
            return
        now = self._now()
        until = now + seconds
        found, lessons = learned.take(names, addresses, until, now)
        self._perform(enforcer, lessons, now)
        self._settle([address for address in found if learned.is_learned(address) or not self._verify(address, now)])
        self._settle(self._awaited.release(names[0]))
        if now >= self._sweep_due:
            self._sweep_due = now + SWEEP_SECONDS
            learned.sweep(now)
        self._publish(learned)

    def _verify(self, address: bytes, now: float) -> bool:
        """Resolves the names that devices use for the address. True if the answers must be awaited.

        If too many lookups are pending, the address is not learned now, but after the next lookup of its name.
        """
        learned = self._learned
        if learned is None:
            return False
        results = [
            (name, self._lookups.ask(name, urgent=True))
            for name in learned.strangers(address, self._names_at(address, now), now)[:NAMES_ASKED]
        ]
        self._awaited.add(address, [name for name, result in results if result == COMING])
        return address in self._awaited or any(result == DROPPED for _, result in results)

    def _names_at(self, address: bytes, now: float) -> list[bytes]:
        """Returns the names of an address, from DNS answers to devices and their ClientHellos, newest first."""
        learned = self._learned
        keys = learned.learnable.keys(address) if learned is not None else [address]
        dated = [pair for key in keys for pair in self._gateway.name_claims(key).dated(now)]
        return list(dict.fromkeys([name for _, name in sorted(dated, reverse=True)]))

    def _settle(self, addresses: Sequence[bytes]) -> None:
        enforcer, policy, learned = self._holding.enforcer, self._gateway.policy, self._learned
        if enforcer is None or policy is None or learned is None or not policy.active:
            return
        now = self._now()
        lessons: list[Lesson] = []
        for address in addresses:
            said = [one for key in learned.learnable.keys(address) for one in self._gateway.name_claims(key).said]
            lessons += learned.settle(address, said, now)
        self._perform(enforcer, lessons, now)

    def _put_back(self, addresses: list[bytes]) -> None:
        enforcer, learned = self._holding.enforcer, self._learned
        if enforcer is None or learned is None:
            return
        now = self._now()
        some, rest = addresses[:ADDRESSES_AT_ONCE], addresses[ADDRESSES_AT_ONCE:]
        self._perform(enforcer, [lesson for address in some for lesson in learned.lessons_of(address, now)], now)
        if rest:
            self._holding.backlog.next(partial(self._put_back, rest))

    def _perform(self, enforcer: Enforcer, lessons: Sequence[Lesson], now: float) -> None:
        """Adds addresses in one batch per name, then deletes freed addresses, but not from sets that just got them.

        Addresses for a chain that does not exist yet are added once it exists.
        """
        desired = self._holding.desired
        gone: dict[str, list[bytes]] = {}
        come: dict[tuple[str, float, bytes], list[bytes]] = {}
        for lesson in lessons:
            chain = chain_for(desired, lesson.owner)
            if isinstance(lesson, Learn) and chain:
                come.setdefault((chain, lesson.until, lesson.name), []).extend(lesson.keys)
            elif isinstance(lesson, Free):
                for key in lesson.keys:
                    family = 4 if len(key) == 4 else 6
                    sets = [learned_set(chain, family)] if chain else []
                    for set_name in sets + ([f"learned{family}"] if lesson.last else []):
                        gone.setdefault(set_name, []).append(key)
        with self._telling(enforcer):
            kept: set[tuple[str, bytes]] = set()
            for (chain, until, name), keys in come.items():
                if learned_set(chain, 4) in enforcer.elements.specs:
                    enforcer.learn(chain, keys, until - now, name)
                    kept.update([(learned_set(chain, 4 if len(key) == 4 else 6), key) for key in keys])
            for set_name, keys in gone.items():
                enforcer.forget(set_name, [key for key in keys if (set_name, key) not in kept])

    @contextmanager
    def _telling(self, enforcer: Enforcer) -> Iterator[None]:
        """A context manager: reports kernel errors of its block. The next lookup of the name retries the change."""
        try:
            yield
        except (OSError, MachineError) as error:
            enforcer.complaints.append(f"the kernel refused learned addresses: {error}")
        self._holding.tell(enforcer)
