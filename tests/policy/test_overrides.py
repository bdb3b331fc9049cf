"""What run-time changes make of the configured policy: the newest rules, what is over gives way to what was before."""

from dataclasses import replace
from math import inf

from hypothesis import given
from hypothesis import strategies as st

from monitor.policy.ban import ENFORCE, OBSERVE, RUNTIME, SHADOW, Ban, Exemption, parse_subject
from monitor.policy.overrides import (
    ALLOW,
    BAN,
    PAUSE,
    RESUME,
    UNBAN,
    EffectivePolicy,
    Override,
    effective,
    next_expiry,
    pairs_of,
    with_order,
)
from monitor.policy.schedule import weekly

NOW = 1_000_000.0
SCHOOL = weekly(frozenset(range(5)), 480, 960)
CONFIGURED = EffectivePolicy(
    (
        Ban(
            "bytedance-pupils", (parse_subject("bytedance"), parse_subject("tencent")), ("pupils", "staff"), ENFORCE,
            schedule=SCHOOL, allow=(b"newsroom.tiktok.com",), on_failure="closed", reason="Policy 7",
        ),
        Ban("google-all", (parse_subject("google"),), (), SHADOW),
    ),
    (Exemption(b"\x02\0\0\0\0\x09", vendor="bytedance"),),
)  # fmt: skip
PHONE = b"\x02\0\0\0\0\x01"


def order(verb: str, subject: str = "", group: str = "", seconds: float = 0.0, **more: object) -> Override:
    until = NOW + seconds if seconds else 0.0
    return replace(Override(verb, NOW, 0, "root", 7, subject, group, until=until), **more)  # type: ignore[arg-type]


def kept(*orders: Override) -> list[Override]:
    book: list[Override] = []
    for one in orders:
        book = with_order(book, one, NOW)
    return book


def banned(standing: EffectivePolicy) -> set[tuple[str, str, str]]:
    """Subject, group, mode."""
    return {(*pair, ban.mode) for ban in standing.bans for pair in pairs_of(ban)}


BEFORE = {
    ("bytedance", "pupils", ENFORCE), ("bytedance", "staff", ENFORCE), ("tencent", "pupils", ENFORCE),
    ("tencent", "staff", ENFORCE), ("google", "", SHADOW),
}  # fmt: skip


def test_without_orders_nothing_changes() -> None:
    assert effective(CONFIGURED, [], NOW) == CONFIGURED


def test_a_ban_takes_the_place_of_the_configured_one_and_keeps_what_it_does_not_say() -> None:
    orders = kept(order(BAN, "bytedance", "pupils", 60, mode=SHADOW, layers=("dns",)))
    standing = effective(CONFIGURED, orders, NOW)
    first = standing.bans[0]
    assert (first.id, first.source, first.until) == ("runtime.bytedance-pupils", RUNTIME, NOW + 60)
    assert (first.allow, first.on_failure, first.reason) == ((b"newsroom.tiktok.com",), "closed", "Policy 7")
    assert first.layers == {"dns"}
    assert first.schedule.active(6, 0)
    assert banned(standing) == BEFORE - {("bytedance", "pupils", ENFORCE)} | {("bytedance", "pupils", SHADOW)}
    assert len({ban.id for ban in standing.bans}) == len(standing.bans)
    assert next_expiry(orders, NOW) == NOW + 60
    assert effective(CONFIGURED, orders, NOW + 60) == CONFIGURED
    assert next_expiry(orders, NOW + 60) == inf


def test_unban_of_one_group_and_of_everyone() -> None:
    one = effective(CONFIGURED, kept(order(UNBAN, "tencent", "staff")), NOW)
    assert banned(one) == BEFORE - {("tencent", "staff", ENFORCE)}
    assert all(ban.schedule == SCHOOL for ban in one.bans if ban.id.startswith("bytedance"))
    orders = kept(order(BAN, "tencent"), order(UNBAN, "tencent"))
    assert [kept.verb for kept in orders] == [UNBAN]
    assert banned(effective(CONFIGURED, orders, NOW)) == {pair for pair in BEFORE if pair[0] != "tencent"}


def test_what_is_over_gives_way_to_what_was_before() -> None:
    orders = kept(order(UNBAN, "bytedance"), order(BAN, "bytedance", "pupils", 60))
    assert ("bytedance", "pupils", ENFORCE) in banned(effective(CONFIGURED, orders, NOW))
    assert not any(pair[0] == "bytedance" for pair in banned(effective(CONFIGURED, orders, NOW + 61)))


def test_an_order_that_is_over_as_it_comes_only_ends_others() -> None:
    orders = kept(order(BAN, "xai"), replace(order(UNBAN, "xai"), until=NOW))
    assert orders == []
    allowed = kept(order(ALLOW, seconds=60, device=PHONE, name=b"a.example"))
    assert with_order(allowed, order(ALLOW, device=PHONE, name=b"a.example", until=NOW), NOW) == []


def test_pause_and_resume() -> None:
    assert effective(CONFIGURED, kept(order(PAUSE)), NOW).paused_until == inf
    assert effective(CONFIGURED, kept(order(PAUSE), order(PAUSE, seconds=60)), NOW).paused_until == NOW + 60
    assert kept(order(PAUSE), order(RESUME)) == []
    assert [one.verb for one in kept(order(BAN, "xai"), order(PAUSE), order(RESUME))] == [BAN]
    assert kept(order(BAN, "xai"), order(PAUSE), order(RESUME, everything=True)) == []


def test_allow_comes_before_the_configured_exceptions_and_the_newest_counts() -> None:
    orders = kept(
        order(ALLOW, seconds=60, device=PHONE, name=b"a.example", reason="first"),
        order(ALLOW, seconds=90, device=PHONE, name=b"a.example", reason="second"),
        order(ALLOW, seconds=90, device=PHONE, subject="tencent", reason="third"),
    )
    found = effective(CONFIGURED, orders, NOW).exemptions
    assert [one.reason for one in found] == ["second", "third", ""]
    assert [(one.name, one.vendor) for one in found[:2]] == [(b"a.example", ""), (b"", "tencent")]


ORDERS = st.builds(
    order,
    st.sampled_from([BAN, UNBAN, ALLOW, PAUSE, RESUME]),
    st.sampled_from(["bytedance", "tencent", "google", "xai"]),
    st.sampled_from(["", "pupils", "staff"]),
    st.sampled_from([0.0, 10.0, 20.0]),
    mode=st.sampled_from([ENFORCE, SHADOW]),
    device=st.just(PHONE),
    everything=st.booleans(),
)


@given(st.lists(ORDERS, max_size=8), st.sampled_from([0.0, 5.0, 10.0, 15.0, 25.0]))
def test_forgetting_what_does_not_matter_changes_nothing(orders: list[Override], later: float) -> None:
    book = kept(*orders)
    assert effective(CONFIGURED, book, NOW + later) == effective(CONFIGURED, orders, NOW + later)
    assert len(book) <= len(orders)


@given(st.lists(ORDERS, max_size=8))
def test_every_ban_has_an_id_of_its_own_and_observing_ones_stay(orders: list[Override]) -> None:
    quiet = Ban("quiet", (parse_subject("netflix"),), mode=OBSERVE)
    standing = effective(replace(CONFIGURED, bans=(*CONFIGURED.bans, quiet)), orders, NOW)
    assert quiet in standing.bans
    assert len({ban.id for ban in standing.bans}) == len(standing.bans)
