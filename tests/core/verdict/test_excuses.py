"""Which names pass only because of an exception: what their answers lead to passes with them."""

from cast import LAPTOP, PHONE, PHONE_MAC, START, asks, gateway, packed

from monitor.core.settings import Settings
from monitor.policy.ban import ENFORCE, SHADOW, Ban, Exemption, parse_subject
from monitor.policy.groups import Group
from monitor.policy.policy import Policy

PHONES = Group("phones", (PHONE_MAC.hex(":"),))


def excused(name: bytes, mode: str = ENFORCE, source: str = PHONE) -> bool:
    ban = Ban(
        id="test",
        subjects=(parse_subject("bytedance"),),
        groups=("phones",),
        mode=mode,
        allow=(b"newsroom.tiktok.com",),
    )
    exemption = Exemption(PHONE_MAC, name=b"www.tiktok.com")
    watched = gateway(Settings(groups=(PHONES,)))
    watched.govern(Policy((ban,), (exemption,), (), lambda now: (0, 720)), START)
    watched.feed(asks(PHONE, "www.tiktok.com"), START + 1)
    return watched.excuses(packed(source), name, START + 2)


def test_names_that_only_an_exception_lets_pass_are_excused() -> None:
    assert excused(b"www.tiktok.com")
    assert excused(b"newsroom.tiktok.com")


def test_names_that_no_ban_is_about_need_no_excuse() -> None:
    assert not excused(b"www.google.com")
    assert not excused(b"unknown.example")
    assert not excused(b"www.tiktok.com", mode=SHADOW)
    assert not excused(b"www.tiktok.com", source=LAPTOP)
