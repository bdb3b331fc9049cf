"""What the sinkhole learns of a query in one call: verdict, groups, whether an exception lets it pass, whose it is."""

import pytest
from cast import LAPTOP, PHONE, PHONE_MAC, START, asks, gateway, neighbour, packed

from monitor.catalog.builder import IndexBuilder
from monitor.catalog.entry import Owner
from monitor.catalog.index import Index
from monitor.core.gateway import Gateway
from monitor.core.settings import Settings
from monitor.policy.ban import ENFORCE, SHADOW, Ban, Exemption, parse_subject
from monitor.policy.groups import Group
from monitor.policy.policy import BLOCK, Policy

PHONES = Group("phones", (PHONE_MAC.hex(":"),))
HOST = Owner("bytedance", "cdn", "bytedance", hosting=True)
OTHER = Owner("google", "search", "google")


def banning(mode: str = ENFORCE, index: Index | None = None) -> Gateway:
    ban = Ban(
        id="test",
        subjects=(parse_subject("bytedance"),),
        groups=("phones",),
        mode=mode,
        allow=(b"newsroom.tiktok.com",),
    )
    exemption = Exemption(PHONE_MAC, name=b"www.tiktok.com")
    settings = Settings(groups=(PHONES,))
    watched = gateway(settings) if index is None else gateway(settings, index)
    watched.govern(Policy((ban,), (exemption,), (), lambda now: (0, 720)), START)
    return watched


def excused(name: bytes, mode: str = ENFORCE, source: str = PHONE) -> bool:
    watched = banning(mode)
    watched.feed(asks(PHONE, "www.tiktok.com"), START + 1)
    answer = watched.answer_policy(packed(source), name, START + 2)
    assert answer.verdict is None or not answer.is_excused
    return answer.is_excused


def test_names_that_only_an_exception_lets_pass_are_excused() -> None:
    assert excused(b"www.tiktok.com")
    assert excused(b"newsroom.tiktok.com")


def test_names_that_no_ban_is_about_need_no_excuse() -> None:
    assert not excused(b"www.google.com")
    assert not excused(b"unknown.example")
    assert not excused(b"www.tiktok.com", mode=SHADOW)
    assert not excused(b"www.tiktok.com", source=LAPTOP)


def test_a_name_of_a_vendors_customer_is_banned_as_a_query_and_not_as_the_target_of_a_cname() -> None:
    builder = IndexBuilder()
    builder.add_name(b"cdn.example", False, builder.number_of(HOST))
    builder.add_name(b"google.com", False, builder.number_of(OTHER))
    watched = banning(index=Index.load(builder.build()))
    watched.feed([neighbour(PHONE, PHONE_MAC)], START)
    query = watched.answer_policy(packed(PHONE), b"shop.cdn.example", START)
    assert query.verdict is not None
    assert query.verdict.action == BLOCK
    target = watched.answer_policy(packed(PHONE), b"shop.cdn.example", START, is_target=True)
    assert (target.verdict, target.is_excused) == (None, False)


@pytest.mark.parametrize("name", [b"m.tiktok.com", b"unknown.example"])
def test_the_groups_of_a_client_are_known_once_a_frame_has_shown_its_mac(name: bytes) -> None:
    watched = banning()
    before = watched.answer_policy(packed(PHONE), name, START)
    assert (before.is_known, before.groups, before.verdict) == (False, (), None)
    watched.feed([neighbour(PHONE, PHONE_MAC)], START)
    after = watched.answer_policy(packed(PHONE), name, START)
    assert (after.is_known, after.groups) == (True, ("phones",))
    assert (after.verdict is not None) == (name == b"m.tiktok.com")
    assert watched.table_sizes()["devices"] == 1
