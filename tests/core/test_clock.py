"""The clock is set while flows live: nothing ends for it, nothing is counted twice, and nothing waits for it."""

import pytest
from cast import PHONE, PHONE_MAC, START, TIKTOK, connection, gateway, ledger, packet, resolves, syn, tls

from monitor.core.gateway import Gateway
from monitor.core.settings import CONNTRACK, Settings
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
