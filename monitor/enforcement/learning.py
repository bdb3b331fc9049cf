"""What trusted answers move in the kernel: addresses of banned names are learned, those of names that pass are spared.

Before an address is learned, the names under which devices know it are asked for as well, so that no innocent
connection is refused for a moment; names that show up later free it at once.
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

# So many names of an address are asked for before it is learned, the newest of those that devices know.
NAMES_ASKED: Final = 16
# Applications use an address longer than its TTL.
SECONDS_LEAST: Final = 300.0
GRACE_SECONDS: Final = 30.0
SWEEP_SECONDS: Final = 10.0
# Put back between two turns of the loop: 10 ms of it.
ADDRESSES_AT_ONCE: Final = 50


@final
class Learning:
    """`holding` is the table that is moved, `upstreams` are the configured resolvers, none for the system's."""

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
        """Other lists, addresses or resolvers; `rule` has to follow."""
        self._ground = ground
        self._lookups.resolvers = self._upstreams()

    def rule(self) -> None:
        """Other bans are in force, or stand on other ground: what they no longer want is freed.

        To be called while the rules of before still hold beside the new ones.
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
        """The clock was set, by so much."""
        self._sweep_due += seconds
        if self._learned is not None:
            self._learned.step(seconds)

    def ask(self, name: bytes) -> None:
        """A device wants a name whose vendor a ban by address is about."""
        self._lookups.ask(name)

    def use(self, address: bytes, name: bytes) -> None:
        """A learned address goes by this name, too, as far as a device says or was told."""
        learned = self._learned
        if learned is None:
            return
        address = learned.learnable.plain(address)
        if learned.strangers(address, [name], self._now()):
            self._lookups.ask(name, urgent=True)
        self._settle([address])
        self._publish(learned)

    def restore(self) -> None:
        """The table was made anew, or has other chains: what passes goes back, then what is learned, bit by bit."""
        self.sparing.restore()
        if self._learned is not None:
            self._put_back(self._learned.addresses())

    def forget(self) -> None:
        """The table is gone: nothing is learned any longer."""
        self._awaited.clear()
        self.sparing.close()
        if self._learned is not None:
            self._learned.forget_all()
            self._publish(self._learned)

    async def close(self) -> None:
        await self._lookups.close()
        self.forget()

    def states_of(self, address: bytes) -> list[dict[str, Any]]:
        """What became of an address of banned names, for people: learned, guarded, or why it is never learned."""
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
        """Gives the core the learned addresses, where they have changed."""
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
        """A trusted answer, or none where `addresses` is empty."""
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
        """Asks for the names that devices know the address by; True where the answers must be waited for.

        Where too many questions wait already the address is not learned now, but when its name is asked for again.
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
        """The names of an address as far as devices were told or say, the newest first."""
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
        """A batch for each name that brings something, then one for what goes: an address may have another owner.

        What goes to a chain that is still to come is put back once it is there.
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
        """What the kernel does not do is told, and done when the name is asked for again."""
        try:
            yield
        except (OSError, MachineError) as error:
            enforcer.complaints.append(f"the kernel did not take what answers said: {error}")
        self._holding.tell(enforcer)
