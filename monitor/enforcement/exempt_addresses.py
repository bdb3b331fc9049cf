"""Keeps the addresses of allowed, excepted and protected names reachable under bans by address.

These addresses must be in the table before the rules that refuse traffic, so the names are resolved before a policy is
put in force, and again whenever an answer expires, because connections last longer than the answer.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Final, final

from monitor.core.gateway import Gateway
from monitor.enforcement.allowed_cache import AllowedAnswers
from monitor.enforcement.resolver import COMING, NameResolver
from monitor.enforcement.table import KernelTable
from monitor.errors import MachineError
from monitor.periodic import Periodic
from monitor.policy.policy import Policy
from monitor.policy.table.excused import excused_elements, excused_names

# Maximum time that a policy waits for the addresses of the names that it allows.
WAIT_SECONDS: Final = 3.0
# Shorter than `GRACE_SECONDS` of learning, by which an element outlives its answer.
RENEWAL_SECONDS: Final = 10.0
# Restored per turn of the event loop: takes 10 ms.
NAMES_AT_ONCE: Final = 50


@final
class ExemptAddresses:
    """Resolves allowed names and keeps their addresses in the table. `lookups` must call `take` with every answer.

    A name is allowed if the current or the next policy allows it.
    """

    def __init__(self, gateway: Gateway, now: Callable[[], float], holding: KernelTable, lookups: NameResolver) -> None:
        self.passing = AllowedAnswers()
        self._gateway = gateway
        self._now = now
        self._holding = holding
        self._lookups = lookups
        self._next: Policy | None = None
        self._names: frozenset[bytes] = frozenset()
        self._awaited: set[bytes] = set()
        self._ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        self._renewal = Periodic(loop, "asking for names that pass", RENEWAL_SECONDS, self._renew)

    async def prepare(self, policy: Policy) -> None:
        """Resolves the names that the policy allows, before it is put in force."""
        self._next = policy
        names = excused_names(policy)
        self._lookups.forget([name for name in names if name not in self._names and name not in self.passing])
        self._names = frozenset(names)
        self._ended.clear()
        self._awaited = {name for name in names if self._lookups.ask(name, urgent=True) == COMING}
        if self._awaited:
            with suppress(TimeoutError):
                async with asyncio.timeout(WAIT_SECONDS):
                    await self._ended.wait()
            self._awaited.clear()
        self._renewal.start()

    def elements(self) -> dict[str, list[bytes]]:
        """Returns the known addresses as keys by set."""
        found: dict[str, list[bytes]] = {}
        for name, addresses, _ in self.passing.standing():
            for set_name, keys in self._excused(name, addresses).items():
                found.setdefault(set_name, []).extend(keys)
        return {set_name: list(dict.fromkeys(keys)) for set_name, keys in found.items()}

    def take(self, name: bytes, addresses: list[bytes], seconds: float) -> None:
        """Handles a trusted answer, valid for `seconds`. If `addresses` is empty, the lookup failed."""
        if self._excuse(name, addresses, seconds):
            self.passing.note(name, addresses, seconds)
        self._awaited.discard(name)
        if not self._awaited:
            self._ended.set()

    def restore(self) -> None:
        """Restores the known addresses in existing sets, in portions. Each portion precedes all pending changes."""
        self._put_back(list(self.passing.standing()))

    def _put_back(self, answers: list[tuple[bytes, list[bytes], float]]) -> None:
        for name, addresses, seconds in answers[:NAMES_AT_ONCE]:
            self._excuse(name, addresses, seconds)
        if len(answers) > NAMES_AT_ONCE:
            self._holding.backlog.next(partial(self._put_back, answers[NAMES_AT_ONCE:]))

    def ask_anew(self) -> None:
        """Resolves all allowed names again, after the table lost their addresses or the policy changed."""
        policy = self._gateway.policy
        if self._holding.enforcer is not None and policy is not None:
            self._lookups.forget()
            for name in excused_names(policy):
                self._lookups.ask(name)

    def close(self) -> None:
        """Discards everything, after the table was removed."""
        self._renewal.stop()
        self._next = None
        self._names = frozenset()
        self.passing.forget()

    def _excuse(self, name: bytes, addresses: Sequence[bytes], seconds: float) -> bool:
        """Allows the addresses for the devices that may reach the name. False if the name is not allowed."""
        excused, enforcer = self._excused(name, addresses), self._holding.enforcer
        if enforcer is not None and excused:
            try:
                for set_name, keys in excused.items():
                    if set_name in enforcer.elements.specs:
                        enforcer.put(set_name, keys, seconds, name)
            except (OSError, MachineError) as error:
                enforcer.complaints.append(f"the kernel did not take the addresses of names that pass: {error}")
            self._holding.tell(enforcer)
        return bool(excused)

    def _excused(self, name: bytes, addresses: Sequence[bytes]) -> dict[str, list[bytes]]:
        """Returns the keys by set for the addresses of a name that the current or the next policy allows."""
        excused: dict[str, list[bytes]] = {}
        for policy in dict.fromkeys((self._gateway.policy, self._next)):
            if policy is not None:
                excused.update(excused_elements(policy, name, addresses, self._now()))
        return excused

    def _renew(self) -> None:
        policy = self._gateway.policy
        if self._holding.enforcer is not None and policy is not None:
            for name in excused_names(policy):
                self._lookups.ask(name)
