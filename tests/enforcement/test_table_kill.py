"""What a daemon leaves that dies between any two steps, and a table that is taken away between any two."""

import asyncio

import pytest
from banned_world import ban, policy
from cast import BYTEDANCE_OWN, LAPTOP, LAPTOP_MAC, PHONE, PHONE_MAC, STRANGER, VPN_SERVER, packed
from enforced import Enforced, to
from fake_kernel import PASS
from fake_machine import FakeMachine

ALLOWED = b"news.tiktok.com"
ALLOWED_AT = "71.18.0.80"  # in the vendor's own prefix
ZONE = {ALLOWED: [packed(ALLOWED_AT)]}
POLICIES = {
    "phones": lambda: policy(ban(), ban("category:vpn-proxy", groups=())),
    "everyone": lambda: policy(ban(id="all", groups=())),
    "closed": lambda: policy(ban(id="closed", on_failure="closed", groups=()), ban("category:vpn-proxy")),
    "allowed": lambda: policy(ban(id="allowing", allow=(ALLOWED,)), ban("google", id="others")),
    "names": lambda: policy(ban(layers=frozenset({"dns", "sni"}))),
}
PACKETS = [
    to(address, source, mac)
    for address in (BYTEDANCE_OWN, ALLOWED_AT, VPN_SERVER, STRANGER)
    for source, mac in ((PHONE, PHONE_MAC), (LAPTOP, LAPTOP_MAC))
]


def verdicts(machine: FakeMachine) -> list[str]:
    return [machine.forward(packet) for packet in PACKETS]


async def settled(machine: FakeMachine, name: str) -> Enforced:
    """A daemon with the policy in force."""
    daemon = Enforced(machine, ZONE)
    await daemon.govern(POLICIES[name]())
    return daemon


class Watched:
    """Packets that both policies refuse are refused at each step, those that both pass pass."""

    def __init__(self, machine: FakeMachine, before: list[str], after: list[str]) -> None:
        self.machine = machine
        self.same = [
            (packet, was == PASS)
            for packet, was, will in zip(PACKETS, before, after, strict=True)
            if (was == PASS) == (will == PASS)
        ]

    def look(self) -> None:
        for packet, is_free in self.same:
            assert (self.machine.forward(packet) == PASS) == is_free, packet


PAIRS = [
    ("phones", "closed"),
    ("closed", "phones"),
    ("everyone", "allowed"),
    ("allowed", "closed"),
    ("closed", "names"),
]


async def count_steps(old: str, new: str) -> int:
    """How many changes of the table lead from one policy to the other."""
    machine = FakeMachine()
    daemon = await settled(machine, old)
    began = machine.steps
    await daemon.govern(POLICIES[new]())
    steps = machine.steps - began
    await daemon.enforcement.stop()
    return steps


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_kill_9_between_any_two_steps_leaves_no_gap_and_the_next_start_the_whole_table(old: str, new: str) -> None:
    async def story(fresh: FakeMachine, killed_after: int) -> None:
        machine = FakeMachine()
        first = await settled(machine, old)
        watched, last = Watched(machine, verdicts(machine), verdicts(fresh)), machine.steps + killed_after

        def step() -> None:
            watched.look()
            if machine.steps == last:
                machine.kill_daemon()

        machine.on_step = step
        await first.govern(POLICIES[new]())
        assert machine.steps == last
        machine.on_step = watched.look
        second = await settled(machine, new)
        assert same_tables(machine, fresh)
        machine.on_step = lambda: None
        await first.enforcement.stop()
        await second.enforcement.stop()

    async def run() -> None:
        fresh = FakeMachine()
        target = await settled(fresh, new)
        for killed_after in range(1, await count_steps(old, new) + 1):
            await story(fresh, killed_after)
        await target.enforcement.stop()

    asyncio.run(run())


def same_tables(one: FakeMachine, other: FakeMachine) -> bool:
    assert one.table is not None
    assert other.table is not None
    return (one.table.sets, one.table.chains, one.table.elements) == (
        other.table.sets,
        other.table.chains,
        other.table.elements,
    )


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_a_table_that_goes_between_any_two_steps_comes_back_whole(old: str, new: str) -> None:
    async def story(fresh: FakeMachine, gone_after: int) -> None:
        machine = FakeMachine()
        daemon = await settled(machine, old)
        last = machine.steps + gone_after

        def step() -> None:
            if machine.steps == last:
                machine.table = None

        machine.on_step = step
        await daemon.govern(POLICIES[new]())
        assert machine.table is None
        machine.on_step = lambda: None
        await daemon.enforcement.look_again(daemon.ground)
        assert same_tables(machine, fresh)
        await daemon.enforcement.stop()

    async def run() -> None:
        fresh = FakeMachine()
        target = await settled(fresh, new)
        for gone_after in range(1, await count_steps(old, new) + 1):
            await story(fresh, gone_after)
        await target.enforcement.stop()

    asyncio.run(run())
