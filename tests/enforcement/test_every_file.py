"""Every file of the room is run by tests without privileges; here are those parts that no story elsewhere is about."""

import ast
import asyncio
import logging
from pathlib import Path

import pytest
from banned_world import ban, hello, policy
from cast import BYTEDANCE_OWN, PHONE, SHARED, START, packed, small_index
from enforced import Enforced, to
from fake_kernel import PASS, REJECT
from fake_machine import FakeMachine

import monitor.enforcement
from monitor.config.sections import Config
from monitor.core.effects import Kill, ReleaseFlows
from monitor.core.settings import Settings
from monitor.enforcement.allowed_cache import NAMES_MAX, AllowedAnswers
from monitor.enforcement.context import EnforcementContext
from monitor.enforcement.counters import KernelCounters
from monitor.enforcement.faults import Faults
from monitor.enforcement.pending_lookups import PendingLookups
from monitor.enforcement.planner import PlanInputs
from monitor.enforcement.policy_needs import meant_resolvers, needs_kernel, needs_sinkhole
from monitor.enforcement.selftest_schedule import SelftestSchedule
from monitor.enforcement.unbanned_queries import servers_of
from monitor.enforcement.wanted import wanted_of
from monitor.kernel.netlink.interfaces import Address
from monitor.policy.ban import OPEN
from monitor.policy.table.desired import CounterLabel
from monitor.selftest.check import Check
from monitor.sinkhole.settings import SYSTEM, SinkholeSettings

HERE = Path(__file__).parent


def imported_by(file: Path) -> set[str]:
    """The modules that the file imports; none of a test that needs namespaces."""
    text = file.read_text()
    if "pytest.mark.netns" in text.replace('"pytest.mark.netns"', ""):
        return set()
    return {node.module for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom) and node.module}


def test_every_file_of_enforcement_is_imported_by_tests_without_privileges() -> None:
    room = Path(monitor.enforcement.__path__[0])
    files = {f"monitor.enforcement.{file.stem}": file for file in room.glob("*.py") if file.stem != "__init__"}
    waiting = [name for file in HERE.rglob("*.py") for name in imported_by(file)]
    imported: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in files and name not in imported:
            imported.add(name)
            waiting += imported_by(files[name])
    assert files.keys() - imported == set()


def ground(config: Config | None = None, settings: Settings | None = None) -> EnforcementContext:
    own = ("192.168.1.1",)
    return EnforcementContext(config or Config(), settings or Settings(), small_index(), ("lan0",), own, True, ())


def test_an_address_waits_for_the_last_of_its_names() -> None:
    pending = PendingLookups()
    pending.add(b"\x01", [b"a", b"b"])
    pending.add(b"\x02", [b"b"])
    assert (pending.release(b"a"), b"\x01" in pending) == ([], True)
    assert sorted(pending.release(b"b")) == [b"\x01", b"\x02"]
    assert pending.release(b"b") == []


def test_answers_of_allowed_names_lapse_and_are_bounded() -> None:
    answers = AllowedAnswers()
    answers.note(b"lapsed", [b"\x01"], 0.0)
    answers.note(b"holds", [b"\x01"], 60.0)
    assert (b"lapsed" in answers, answers.names_at(b"\x01")) == (False, [b"holds"])
    for number in range(NAMES_MAX):
        answers.note(b"%d" % number, [b"\x02"], 60.0)
    assert (b"holds" in answers, b"0" in answers) == (False, True)


def test_counters_of_the_kernel_only_grow_although_they_are_made_anew() -> None:
    label = CounterLabel("bytedance", "", "phones", "ip", "enforce")
    counters = KernelCounters()
    for packets in (5, 7, 2):
        counters.read({"c": (packets, 0)}, {"c": label})
    assert counters.samples()["refused_packets_total"] == {("bytedance", "", "phones"): 9.0}


def test_a_fault_is_logged_once_and_stands_until_it_is_mended(caplog: pytest.LogCaptureFixture) -> None:
    faults = Faults()
    with caplog.at_level(logging.ERROR, "monitor"):
        faults.take(["it is full"])
        faults.take(["it is full"])
    assert (caplog.messages, faults.standing()) == (["it is full"], "it is full")
    faults.settle()
    assert faults.standing() == ""


def test_what_a_table_is_planned_from_is_kept_and_members_are_given_away() -> None:
    inputs, stands_on = PlanInputs(), ground()
    members, territory = asyncio.run(inputs.make(stands_on))
    assert inputs.territory(stands_on) is territory
    assert inputs.take_members(stands_on) is members
    assert inputs.take_members(stands_on) is not members


def test_what_policies_need_of_the_machine() -> None:
    assert [needs_kernel(policy(ban(mode=mode))) for mode in ("observe", "shadow", "enforce")] == [False, True, True]
    assert [needs_sinkhole(policy(ban(layers=frozenset(layers)))) for layers in (("ip",), ("dns", "ip"))] == [
        False,
        True,
    ]
    assert meant_resolvers(ground(), ()) == frozenset()
    asks = SinkholeSettings(upstream=SYSTEM, exempt=(packed("192.168.1.53"),))
    meant = meant_resolvers(ground(Config(sinkhole=asks)), (packed("9.9.9.9"),))
    assert meant == {packed(address) for address in ("192.168.1.1", "192.168.1.53", "9.9.9.9")}


def test_a_query_of_the_gateway_goes_to_its_own_address_first() -> None:
    own = [Address(packed("192.168.1.1"), 24)]
    assert servers_of(own)[0] == packed("192.168.1.1")
    assert servers_of([]) == []


def test_a_flow_that_is_released_after_its_kill_is_not_killed_for_long() -> None:
    kill = Kill(START, b"flow", 7, "ban", OPEN)
    release = ReleaseFlows((b"flow", b"other"), OPEN)
    assert wanted_of([release, kill]).freed == {b"other": OPEN}
    assert wanted_of([kill, release]).freed == {b"flow": OPEN, b"other": OPEN}


def test_queries_are_diverted_only_while_a_ban_has_the_dns_layer() -> None:
    async def run() -> None:
        daemon = Enforced(FakeMachine())
        await daemon.govern(policy(ban()))
        assert daemon.gateway.enforcement.armed
        await daemon.govern(policy(ban(layers=frozenset({"sni"}))))
        assert not daemon.gateway.enforcement.armed
        await daemon.enforcement.stop()

    asyncio.run(run())


def test_a_self_test_that_fails_is_in_health_until_it_passes() -> None:
    async def run() -> None:
        daemon = Enforced(FakeMachine())
        schedule = SelftestSchedule(asyncio.get_running_loop(), daemon.enforcement)
        assert (await schedule.run(), schedule.health()) == ([], "")
        await daemon.govern(policy(ban(layers=frozenset({"ip"}))))
        daemon.checks = [Check("ip", "TCP", 0.1, "was not refused")]
        assert await schedule.run() == daemon.checks
        assert schedule.health() == str(daemon.checks[0])
        assert schedule.samples()["selftest_success"] == {("ip",): 0.0}
        daemon.checks = [Check("ip", "TCP", 0.1)]
        await schedule.run()
        assert (schedule.health(), schedule.samples()["selftest_success"]) == ("", {("ip",): 1.0})
        await schedule.close()
        await daemon.enforcement.stop()

    asyncio.run(run())


def test_bans_open_while_nothing_is_captured_and_hold_again_afterwards() -> None:
    async def run() -> None:
        machine = FakeMachine()
        daemon = Enforced(machine)
        await daemon.govern(policy(ban()))
        packet = to(BYTEDANCE_OWN)
        machine.lapse()
        assert machine.forward(packet) == PASS
        daemon.is_blind = True
        await daemon.beat()
        assert (machine.forward(packet), daemon.enforcement.layer_faults()["ip"]) == (
            PASS,
            "bans rest, because nothing is captured",
        )
        daemon.is_blind = False
        await daemon.beat()
        assert (machine.forward(packet), daemon.enforcement.holds()) == (REJECT, True)
        await daemon.enforcement.stop()

    asyncio.run(run())


def test_what_was_learned_and_cut_is_there_again_after_the_table_was_removed() -> None:
    async def run() -> None:
        machine = FakeMachine()
        daemon = Enforced(machine, {b"www.tiktok.com": [packed(SHARED)]})
        await daemon.govern(policy(ban()))
        daemon.see(hello("www.tiktok.com"), 2.0)
        assert machine.forward(to(SHARED, PHONE)) == REJECT
        machine.table = None
        await daemon.beat()
        assert machine.forward(to(SHARED, PHONE)) == REJECT
        assert daemon.enforcement.samples()["kernel_repairs_total"]["ok",] == 1.0
        await daemon.enforcement.stop()
        assert machine.table is None

    asyncio.run(run())
