"""Races of the kernel's table with what else happens, over a fake machine."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from banned_world import ban, hello, policy
from cast import BYTEDANCE_OWN, PHONE, PHONE_MAC, SHARED, START, lease, packed, resolves
from enforced import Enforced, to
from fake_kernel import DIVERT, PASS, REJECT, UDP, Packet
from fake_machine import FakeMachine

from monitor.core.settings import Settings
from monitor.enforcement.backlog import Backlog
from monitor.policy.groups import Group
from monitor.policy.table.change import AddElements, Change

ALLOWED = b"news.tiktok.com"
ALLOWED_AT = "71.18.0.80"  # in the vendor's own prefix
ZONE = {ALLOWED: [packed(ALLOWED_AT)]}
QUESTION = to("9.9.9.9", port=53, protocol=UDP)


def test_what_stands_between_two_halves_is_done_between_them_however_many_parts_it_has() -> None:
    async def run() -> None:
        done: list[str] = []
        backlog = Backlog(asyncio.get_running_loop(), lambda changes: done.append(changes[0].set))  # type: ignore[union-attr]
        changes: list[Change] = [AddElements(name, ((bytes(4), ""),)) for name in ("put", "take")]

        def restore() -> None:
            done.append("restored")
            if done.count("restored") < 3:
                backlog.next(restore)

        backlog.add(changes[:1], 0.0)
        backlog.then(restore)
        backlog.add(changes[1:], 0.0)
        await backlog.done()
        assert done == ["put", "restored", "restored", "restored", "take"]

    asyncio.run(run())


def on_machine(story: Callable[[FakeMachine], Awaitable[None]]) -> None:
    async def run() -> None:
        await story(FakeMachine())

    asyncio.run(run())


def test_an_allowed_name_is_never_refused_while_its_ban_begins() -> None:
    async def story(machine: FakeMachine) -> None:
        daemon = Enforced(machine, {**ZONE, b"tiktok.example": []})
        machine.on_step = lambda: passes(machine, to(ALLOWED_AT))
        await daemon.govern(policy(ban(allow=(ALLOWED,))))
        assert machine.forward(to(BYTEDANCE_OWN)) == REJECT
        await daemon.govern(policy(ban(id="other", allow=(ALLOWED, b"tiktok.example"))))
        await daemon.enforcement.stop()

    on_machine(story)


def passes(machine: FakeMachine, packet: Packet) -> None:
    assert machine.forward(packet) == PASS


def test_a_ban_does_not_wait_for_a_name_without_an_answer_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.enforcement.exempt_addresses.WAIT_SECONDS", 0.01)

    async def story(machine: FakeMachine) -> None:
        daemon = Enforced(machine)
        await daemon.govern(policy(ban(allow=(ALLOWED,))))
        assert machine.forward(to(ALLOWED_AT)) == REJECT
        daemon.lookups.answer(ALLOWED, [packed(ALLOWED_AT)])
        assert machine.forward(to(ALLOWED_AT)) == PASS
        await daemon.enforcement.stop()

    on_machine(story)


@pytest.mark.parametrize("first", [ALLOWED, b"www.tiktok.com"])
def test_an_allowed_name_that_is_asked_for_during_a_lookup_stays_reachable_whichever_answer_comes_first(
    first: bytes,
) -> None:
    """Both names are at one address outside the vendor's own prefixes."""
    second = b"www.tiktok.com" if first == ALLOWED else ALLOWED

    async def story(machine: FakeMachine) -> None:
        daemon = Enforced(machine, {ALLOWED: []})
        await daemon.govern(policy(ban(allow=(ALLOWED,))))
        machine.on_step = lambda: passes(machine, to(SHARED))
        daemon.zone.clear()
        daemon.lookups.forget()
        daemon.see(resolves(PHONE, "www.tiktok.com", SHARED), 2.0)
        daemon.see(resolves(PHONE, ALLOWED.decode(), SHARED), 3.0)
        daemon.lookups.answer(first, [packed(SHARED)])
        passes(machine, to(SHARED))
        daemon.lookups.answer(second, [packed(SHARED)])
        passes(machine, to(SHARED))
        machine.on_step = lambda: None
        await daemon.enforcement.stop()

    on_machine(story)


def test_a_device_that_asks_for_an_allowed_name_reaches_an_address_that_was_banned_before() -> None:
    async def story(machine: FakeMachine) -> None:
        daemon = Enforced(machine, {ALLOWED: []})
        await daemon.govern(policy(ban(allow=(ALLOWED,))))
        assert machine.forward(to(ALLOWED_AT)) == REJECT
        daemon.zone[b"live." + ALLOWED] = [packed(ALLOWED_AT)]
        daemon.see(resolves(PHONE, f"live.{ALLOWED.decode()}", ALLOWED_AT), 2.0)
        await asyncio.sleep(0)
        assert machine.forward(to(ALLOWED_AT)) == PASS
        await daemon.enforcement.stop()

    on_machine(story)


class SlowProbe:
    """The sinkhole's probe of itself, which waits until the test has it answered."""

    def __init__(self) -> None:
        self.listening = asyncio.Event()
        self.answered = asyncio.Event()

    async def __call__(self) -> None:
        self.listening.set()
        await self.answered.wait()


def test_a_policy_that_comes_while_the_sinkhole_arms_is_the_one_that_holds() -> None:
    async def story(machine: FakeMachine) -> None:
        probe = SlowProbe()
        daemon = Enforced(machine, probe=probe)
        before = asyncio.create_task(daemon.govern(policy(ban(layers=frozenset({"dns"})))))
        await probe.listening.wait()
        assert machine.forward(QUESTION) == PASS
        after = asyncio.create_task(daemon.govern(policy(ban(layers=frozenset({"ip"})))))
        await asyncio.sleep(0)
        probe.answered.set()
        await asyncio.gather(before, after)
        assert (machine.forward(QUESTION), machine.forward(to(BYTEDANCE_OWN))) == (PASS, REJECT)
        assert not daemon.gateway.enforcement.armed
        await daemon.enforcement.stop()

    on_machine(story)


def test_a_ban_that_lapses_while_the_sinkhole_arms_diverts_nothing_of_its_devices() -> None:
    async def story(machine: FakeMachine) -> None:
        probe = SlowProbe()
        daemon = Enforced(machine, probe=probe)
        lapsing = ban(until=START + 5), ban("google", id="others", groups=("others",))
        governed = asyncio.create_task(daemon.govern(policy(*lapsing)))
        await probe.listening.wait()
        assert machine.forward(to(BYTEDANCE_OWN)) == REJECT
        daemon.see([], 6.0)
        probe.answered.set()
        await governed
        assert (machine.forward(QUESTION), machine.forward(to(BYTEDANCE_OWN))) == (PASS, PASS)
        await daemon.enforcement.stop()

    on_machine(story)


def test_a_device_that_joins_the_group_while_the_sinkhole_arms_is_diverted() -> None:
    async def story(machine: FakeMachine) -> None:
        probe = SlowProbe()
        daemon = Enforced(machine, probe=probe, settings=Settings(groups=(Group("phones", ("host:phone",)),)))
        governed = asyncio.create_task(daemon.govern(policy(ban())))
        await probe.listening.wait()
        daemon.see([lease(PHONE_MAC, PHONE, "phone", 2.0)], 3.0)
        probe.answered.set()
        await governed
        assert (machine.forward(QUESTION), machine.forward(to(BYTEDANCE_OWN))) == (DIVERT, REJECT)
        await daemon.enforcement.stop()

    on_machine(story)


def test_a_flow_that_is_killed_stays_killed_when_another_ban_takes_over() -> None:
    flow = to(SHARED)

    async def story(machine: FakeMachine) -> None:
        daemon = Enforced(machine)
        await daemon.govern(policy(ban()))
        daemon.see(hello("www.tiktok.com"), 2.0)
        assert machine.forward(flow) == REJECT
        machine.on_step = lambda: refused(machine, flow)
        await daemon.govern(policy(ban("bytedance/tiktok", id="open")))
        await daemon.govern(policy(ban(id="closed", on_failure="closed")))
        assert machine.table is not None
        machine.lapse()
        refused(machine, flow)
        machine.enforcers[-1].renew_alive()
        await daemon.govern(policy(ban(id="again")))
        machine.on_step = lambda: None
        machine.lapse()
        passes(machine, flow)
        await daemon.enforcement.stop()

    on_machine(story)


def refused(machine: FakeMachine, packet: Packet) -> None:
    assert machine.forward(packet) != PASS
