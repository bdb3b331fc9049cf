"""What becomes of a killed flow when other bans come into force or its device changes groups."""

from dataclasses import replace

import pytest
from banned_world import ban, governed, hello, kills, policy
from cast import (
    CLOUD,
    LAPTOP,
    LAPTOP_MAC,
    PHONE,
    PHONE_MAC,
    SHARED,
    START,
    connection,
    gateway,
    lease,
    small_index,
)

from monitor.core.effects import UNKNOWN_SEQUENCE, Effect, Kill, ReleaseFlows
from monitor.core.gateway import Gateway
from monitor.core.settings import CONNTRACK, Settings
from monitor.model import FLOW_END, FLOW_NEW
from monitor.policy.ban import REJECT, Exemption
from monitor.policy.groups import Group
from monitor.policy.policy import Policy


def released(effects: list[Effect]) -> list[tuple[bytes, str]]:
    return [(key, effect.on_failure) for effect in effects if isinstance(effect, ReleaseFlows) for key in effect.keys]


def killed(watched: Gateway) -> Kill:
    (kill,) = kills(watched.feed(hello("www.tiktok.com"), START + 1))
    return kill


@pytest.mark.parametrize("subject", ["bytedance", "bytedance/tiktok"])
def test_a_flow_stays_killed_when_another_ban_takes_the_place_of_the_one_that_killed_it(subject: str) -> None:
    watched = governed()
    kill = killed(watched)
    effects = watched.govern(policy(ban(subject, id="another")), START + 2)
    assert (kills(effects), released(effects)) == ([], [])
    assert [(one.key, one.ban) for one in watched.standing_kills(START + 3)] == [(kill.key, "another")]
    assert released(watched.govern(policy(), START + 4)) == [(kill.key, "")]


def test_a_flow_stays_killed_after_conntrack_has_forgotten_it() -> None:
    watched = governed(flows=CONNTRACK)
    watched.feed([connection(FLOW_NEW, 60, 60, 0.0, PHONE, SHARED, (40000, 443))], START + 1)
    kill = killed(watched)
    watched.feed([connection(FLOW_END, 160, 60, 0.2, PHONE, SHARED, (40000, 443))], START + 1)
    assert watched.active_flows() == []
    effects = watched.govern(policy(ban(id="another")), START + 2)
    assert (kills(effects), released(effects)) == ([], [])
    assert [one.key for one in watched.standing_kills(START + 3)] == [kill.key]


@pytest.mark.parametrize(("before", "after"), [("open", "closed"), ("closed", "open")])
def test_it_moves_to_the_set_of_bans_that_fail_as_the_new_one_does(before: str, after: str) -> None:
    watched = governed(ban(on_failure=before))
    kill = killed(watched)
    effects = watched.govern(policy(ban(id="another", on_failure=after)), START + 2)
    moved = [effect for effect in effects if isinstance(effect, Kill | ReleaseFlows)]
    assert [type(effect) for effect in moved] == [Kill, ReleaseFlows]
    (again,) = kills(moved)
    assert (again.key, again.on_failure, again.acknowledgment) == (kill.key, after, UNKNOWN_SEQUENCE)
    assert released(moved) == [(kill.key, before)]


@pytest.mark.parametrize(
    "after",
    [
        policy(ban("google")),
        policy(ban(groups=("others",))),
        policy(ban(mode="shadow")),
        policy(ban(allow=(b"www.tiktok.com",))),
        policy(ban(), exemptions=[Exemption(PHONE_MAC, name=b"www.tiktok.com")]),
        policy(ban(), exemptions=[Exemption(PHONE_MAC, vendor="bytedance")]),
        policy(ban(), exemptions=[Exemption(PHONE_MAC, vendor="bytedance/tiktok")]),
        None,
    ],
    ids=["vendor", "group", "shadow", "allow", "name", "owner", "service", "none"],
)
def test_it_is_let_go_where_the_new_policy_does_not_ban_it(after: Policy | None) -> None:
    watched = governed()
    kill = killed(watched)
    effects = watched.govern(after, START + 2)
    assert released(effects) == [(kill.key, "")]
    assert watched.standing_kills(START + 3) == []


def test_it_is_let_go_when_its_device_leaves_the_group() -> None:
    watched = gateway(Settings(groups=(Group("phones", ("host:phone",)),)))
    watched.govern(policy(ban()), START)
    watched.feed([lease(PHONE_MAC, PHONE, "phone")], START)
    kill = killed(watched)
    named = Settings(groups=(Group("phones", ("host:tablet",)),))
    watched.reload(named, small_index(), START + 2)
    assert released(watched.tick(START + 5)) == [(kill.key, "")]


def test_a_flow_without_a_name_stays_killed_by_bans_that_reject_such() -> None:
    watched = governed(ban("alibaba", blind=REJECT))
    (kill,) = kills(watched.feed(hello("outer.example", to=CLOUD, ech=True), START + 1))
    again = ban("alibaba", id="another", blind=REJECT)
    assert released(watched.govern(policy(again), START + 2)) == []
    assert released(watched.govern(policy(replace(again, blind="count")), START + 3)) == [(kill.key, "")]


def test_a_narrower_ban_lets_go_of_the_flows_of_other_devices_alone() -> None:
    watched = governed(ban(id="everyone", groups=()))
    watched.feed(hello("www.tiktok.com"), START + 1)
    (other,) = kills(watched.feed(hello("www.tiktok.com", LAPTOP, mac=LAPTOP_MAC), START + 1))
    effects = watched.govern(policy(ban(id="phones")), START + 2)
    assert released(effects) == [(other.key, "")]
