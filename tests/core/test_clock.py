"""The clock is set while flows live: nothing ends for it, nothing is counted twice, and nothing waits for it."""

import pytest
from banned_world import ban, governed, hello, told
from cast import (
    LAPTOP,
    LAPTOP_MAC,
    PHONE,
    PHONE_MAC,
    START,
    STRANGER,
    TIKTOK,
    answer_to,
    connection,
    exchange,
    gateway,
    ledger,
    packed,
    packet,
    resolves,
    syn,
    tls,
)

from monitor.core.effects import NameSeen
from monitor.core.gateway import Gateway
from monitor.core.settings import CONNTRACK, EnforcementState, Settings
from monitor.model import FLOW_NEW, FLOW_UPDATE, Event

DAY = 86_400.0
NAME = PHONE_MAC.hex(":")
SILENCE = 7_200.0

steps = pytest.mark.parametrize("step", [DAY, -DAY, 3_650 * DAY], ids=["forward", "back", "ten years"])


def flows(watched: Gateway) -> int:
    return watched.table_sizes()["flows"]


def ended(watched: Gateway, now: float) -> list[Event]:
    return [effect for effect in watched.tick(now) if isinstance(effect, Event)]


@steps
def test_a_connection_goes_on_and_is_counted_once(step: float) -> None:
    watched = gateway(Settings(flows=CONNTRACK))
    hello = packet(PHONE, TIKTOK, (40000, 443), at=0.5)
    watched.feed(
        [connection(FLOW_NEW, 60, 0), *tls(hello, "www.tiktok.com"), connection(FLOW_UPDATE, 500, 800, 100.0)],
        START + 100,
    )
    watched.step(step)
    assert ended(watched, START + step + 101) == []
    watched.feed([connection(FLOW_UPDATE, 900, 4000, step + 105.0)], START + step + 105)
    watched.tick(START + step + 106)
    assert flows(watched) == 1
    assert ledger(watched) == {(NAME, "bytedance", "sni"): (900, 4000, 1)}


@steps
def test_a_silent_flow_ends_when_it_would_have(step: float) -> None:
    watched = gateway(Settings(events=frozenset({"flow"})))
    watched.feed([syn(PHONE, TIKTOK), packet(PHONE, TIKTOK, (40000, 443), at=1.0)], START + 2)
    watched.step(step)
    assert ended(watched, START + step + 3) == []
    assert flows(watched) == 1
    [end] = ended(watched, START + step + SILENCE)
    assert end.time == START + step + 1
    assert flows(watched) == 0


@steps
def test_time_is_reported_as_it_is_now(step: float) -> None:
    watched = gateway()
    watched.tick(START + 1)
    watched.step(step)
    assert START + step < watched.next_wakeup() <= START + step + 3


@steps
def test_answers_are_believed_for_as_long_as_before(step: float) -> None:
    watched = gateway()
    watched.feed(resolves(PHONE, "www.tiktok.com", "192.0.2.77", at=1.0), START + 2)
    watched.step(step)
    hello = packet(PHONE, "192.0.2.77", (40001, 443), at=step + 10.0)
    watched.feed([syn(PHONE, "192.0.2.77", (40001, 443), at=step + 9.0), hello], START + step + 11)
    watched.tick(START + step + 60)
    assert (NAME, "bytedance", "dns") in ledger(watched)


@steps
def test_devices_that_try_are_told_for_as_long_as_before(step: float) -> None:
    watched = governed(ban())
    watched.feed(hello("www.tiktok.com"), START + 1)
    watched.step(step)
    assert told(watched, "ban_devices", step + 3500) == {("bytedance", "", "phones"): 1}
    assert told(watched, "ban_devices", step + 3700) == {}


@steps
def test_a_name_that_was_answered_speaks_for_its_address_as_long_as_before(step: float) -> None:
    watched = governed(ban())
    watched.feed(exchange(LAPTOP, STRANGER, "www.example.org", mac=LAPTOP_MAC), START + 1)
    watched.tick(START + 3)
    (before,) = watched.name_claims(packed(STRANGER)).said
    answered = dict(before.answered)
    watched.step(step)
    (after,) = watched.name_claims(packed(STRANGER)).said
    assert after.answered == {groups: at + step for groups, at in answered.items()}
    assert after.last == pytest.approx(START + step + 0.1)


@steps
def test_a_hello_waits_for_its_answer_as_long_as_before_and_hints_go_on(step: float) -> None:
    watched = governed(ban())
    watched.set_enforcement(EnforcementState(learned=frozenset((packed(STRANGER),))))
    first = syn(LAPTOP, STRANGER, mac=LAPTOP_MAC)
    carrier = packet(LAPTOP, STRANGER, (40000, 443), at=0.1, length=500, mac=LAPTOP_MAC)
    watched.feed([first, *tls(carrier, "www.example.org")], START + 0.2)
    watched.step(step)
    answer = answer_to(first, step + 30, 1400)
    hint = resolves(PHONE, "www.example.org", STRANGER, at=step + 31)
    effects = [*watched.feed([answer, *hint], START + step + 32), *watched.tick(START + step + 33)]
    assert {effect.name for effect in effects if isinstance(effect, NameSeen)} == {b"www.example.org"}
    (said,) = watched.name_claims(packed(STRANGER)).said
    assert list(said.answered) == [()]
    assert sum(isinstance(effect, NameSeen) for effect in effects) == 2
