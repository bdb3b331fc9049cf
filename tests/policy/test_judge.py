"""Which ban wins."""

from dataclasses import replace
from math import inf

import pytest

from monitor.policy.ban import Ban, Exemption, Subject, parse_subject
from monitor.policy.policy import DeviceKey, Policy, Verdict
from monitor.policy.schedule import weekly

MAC = bytes.fromhex("020000000001")
ADDRESS = bytes((10, 0, 0, 1))
PHONE: DeviceKey = (MAC, ADDRESS, "phone")
OTHER: DeviceKey = (bytes.fromhex("020000000002"), bytes((10, 0, 0, 2)), "other")
NOON = 12 * 3600.0
TIKTOK = ("bytedance/tiktok", "category:relay")


def clock(now: float) -> tuple[int, int]:
    """A wall clock in UTC, from a Monday on."""
    minutes = int(now // 60)
    return minutes // 1440 % 7, minutes % 1440


def ban(id: str, subject: str, mode: str = "enforce", **fields: object) -> Ban:
    return replace(Ban(id, (parse_subject(subject),), mode=mode), **fields)


def policy(*bans: Ban, exemptions: tuple[Exemption, ...] = (), protected: tuple[bytes, ...] = ()) -> Policy:
    return Policy(bans, exemptions, protected, clock)


def judge(
    of: Policy, name: bytes = b"", groups: tuple[str, ...] = ("staff",), device: DeviceKey = PHONE, now: float = NOON,
    layer: str = "",
) -> Verdict | None:  # fmt: skip
    return of.judge(groups, device, TIKTOK, name, now, layer)


def winner(of: Policy, **fields: object) -> str:
    verdict = judge(of, **fields)
    return verdict.ban.id if verdict is not None else ""


@pytest.mark.parametrize(
    ("bans", "wins"),
    [
        ([ban("a", "bytedance", "observe"), ban("b", "bytedance", "shadow")], "b"),
        ([ban("a", "bytedance/tiktok", "shadow"), ban("b", "category:relay")], "b"),
        ([ban("a", "category:relay"), ban("b", "bytedance"), ban("c", "bytedance/tiktok")], "c"),
        ([ban("a", "category:relay"), ban("b", "bytedance")], "b"),
        ([ban("a", "bytedance"), ban("b", "bytedance")], "a"),
        ([ban("a", "bytedance/capcut"), ban("b", "category:vpn"), ban("c", "acme")], ""),
        ([ban("a", "bytedance", groups=("students",)), ban("b", "bytedance", "observe", groups=("staff",))], "b"),
        ([ban("a", "bytedance", groups=("students",))], ""),
        ([ban("a", "bytedance", until=NOON), ban("b", "bytedance", "shadow", until=NOON + 1)], "b"),
        ([ban("a", "bytedance", schedule=weekly(frozenset(range(7)), 0, 600)), ban("b", "bytedance", "observe")], "b"),
    ],
)
def test_who_wins(bans: list[Ban], wins: str) -> None:
    assert winner(policy(*bans)) == wins


def test_the_verdict_says_which_ban_what_of_it_and_what_follows() -> None:
    one = Ban("a", (Subject("bytedance"), Subject("bytedance", "tiktok")), mode="shadow")
    assert judge(policy(one)) == Verdict(one, "shadow", "shadow", "bytedance/tiktok")
    assert judge(policy(ban("b", "category:relay"))) == Verdict(
        ban("b", "category:relay"), "enforce", "block", "category:relay"
    )


def test_each_layer_has_its_own_winner() -> None:
    both = policy(ban("a", "bytedance/tiktok", layers=frozenset({"dns"})), ban("b", "bytedance"))
    assert [winner(both, layer=layer) for layer in ("dns", "sni", "ip", "")] == ["a", "b", "b", "a"]


def test_a_name_that_one_ban_allows_may_fall_under_the_next() -> None:
    press = ban("a", "bytedance", allow=(b"newsroom.tiktok.com",))
    assert winner(policy(press), name=b"www.newsroom.tiktok.com") == ""
    assert winner(policy(press), name=b"notnewsroom.tiktok.com") == "a"
    assert winner(policy(press), name=b"") == "a"
    assert winner(policy(press, ban("b", "bytedance", "shadow")), name=b"newsroom.tiktok.com") == "b"


@pytest.mark.parametrize(
    ("exemption", "exempt"),
    [
        (Exemption(MAC, name=b"www.tiktok.com"), [True, False, False]),
        (Exemption(ADDRESS, name=b"tiktok.com"), [True, True, False]),
        (Exemption(MAC, vendor="bytedance"), [True, True, True]),
        (Exemption(MAC, vendor="bytedance/tiktok"), [True, True, True]),
        (Exemption(MAC, vendor="category:relay"), [False, False, False]),
        (Exemption(MAC, vendor="acme"), [False, False, False]),
        (Exemption(MAC, vendor="bytedance", until=NOON), [False, False, False]),
    ],
)
def test_an_exception_comes_first(exemption: Exemption, exempt: list[bool]) -> None:
    of = policy(ban("a", "bytedance"), exemptions=(exemption,))
    names = [b"a.www.tiktok.com", b"api.tiktok.com", b""]
    assert [judge(of, name) is None for name in names] == exempt
    free = [name for name in names if judge(of, name) is None]
    assert all(of.exemption_of((), PHONE, TIKTOK, name, NOON) == exemption for name in free)
    assert all(judge(of, name, device=OTHER) for name in names)


@pytest.mark.parametrize(
    ("bans", "exemptions", "wins"),
    [
        # A user's list, enforced, shadowed or not banned at all, beside the vendor.
        ([ban("a", "mine", "shadow"), ban("b", "bytedance")], (), "b"),
        ([ban("a", "mine"), ban("b", "bytedance", "shadow")], (), "a"),
        ([ban("b", "bytedance")], (), "b"),
        # What one ban allows another one of another owner still bans.
        ([ban("a", "bytedance", allow=(b"tiktok.com",)), ban("b", "mine")], (), "b"),
        ([ban("a", "bytedance", allow=(b"tiktok.com",)), ban("b", "mine", allow=(b"www.tiktok.com",))], (), ""),
        # An exception for a vendor frees what is that vendor's, and leaves the other owners.
        ([ban("a", "bytedance"), ban("b", "mine")], (Exemption(MAC, vendor="bytedance"),), "b"),
        ([ban("a", "bytedance"), ban("b", "mine")], (Exemption(MAC, vendor="mine"),), "a"),
        ([ban("a", "bytedance"), ban("b", "mine")],
         (Exemption(MAC, vendor="mine"), Exemption(ADDRESS, vendor="bytedance")), ""),
        ([ban("a", "bytedance"), ban("b", "mine")], (Exemption(MAC, name=b"tiktok.com"),), ""),
        # An owner with two services.
        ([ban("a", "bytedance/tiktok")], (), "a"),
        ([ban("a", "bytedance/ads")], (), "a"),
        ([ban("a", "bytedance")], (Exemption(MAC, vendor="bytedance/tiktok"),), ""),
        ([ban("a", "bytedance/capcut")], (), ""),
    ],
)  # fmt: skip
def test_a_ban_of_any_owner_bites(bans: list[Ban], exemptions: tuple[Exemption, ...], wins: str) -> None:
    of = policy(*bans, exemptions=exemptions)
    verdict = of.judge(("staff",), PHONE, ("bytedance/ads+tiktok", "mine"), b"www.tiktok.com", NOON)
    assert (verdict.ban.id if verdict is not None else "") == wins


def test_protected_names_are_never_banned() -> None:
    of = policy(ban("a", "bytedance"), protected=(b"intranet.example",))
    assert judge(of, b"captive.apple.com") is None
    assert judge(of, b"2.debian.pool.ntp.org") is None
    assert judge(of, b"www.intranet.example") is None
    assert judge(of, b"apple.com") is not None


def test_a_pause_lifts_all_bans_until_it_ends() -> None:
    of = policy(ban("a", "bytedance"))
    assert winner(of) == "a"
    before = of.version
    of.pause(NOON + 600)
    assert winner(of, now=NOON + 1) == ""
    assert of.next_change(NOON + 1) == NOON + 600
    assert winner(of, now=NOON + 600) == "a"
    assert of.version == before + 2


def test_a_schedule_takes_effect_at_its_minute_and_says_so() -> None:
    of = policy(ban("a", "bytedance", schedule=weekly(frozenset({0}), 600, 660), until=10 * 86_400.0))
    assert of.next_change(0.0) == 36_000.0
    assert not of.refresh(0.0)
    assert winner(of, now=35_999.0) == ""
    assert of.refresh(36_000.0)
    assert not of.refresh(36_001.0)
    assert winner(of, now=36_000.0) == "a"
    assert winner(of, now=39_600.0) == ""
    assert winner(of, now=35_000.0) == "", "a clock that is set back"
    assert policy(ban("a", "bytedance")).next_change(NOON) == inf


def test_who_needs_the_sinkhole_and_whose_answers_lose_ech() -> None:
    of = policy(
        ban("a", "bytedance", groups=("staff",), layers=frozenset({"dns"})),
        ban("b", "acme", groups=("students",), layers=frozenset({"ip"}), ech="strip"),
        ban("c", "acme", "shadow"),
    )
    assert [of.diverts((group,), NOON) for group in ("staff", "students", "none")] == [True, False, False]
    assert [of.strips_ech((group,), NOON) for group in ("staff", "students", "none")] == [False, True, False]


def test_an_unknown_vendor_is_nobodys() -> None:
    of = policy(ban("a", "unknown"))
    assert of.judge((), PHONE, (), b"example.com", NOON) is None


def test_ends_that_move_with_the_clock_leave_in_force_what_was() -> None:
    day, now = 86_400.0, NOON + 7 * 86_400.0
    exempt = Exemption(MAC, vendor="acme", until=now + 60)
    of = policy(ban("a", "bytedance", until=now + 60), exemptions=(exempt,))
    assert (winner(of, now=now), bool(of.spares())) == ("a", True)
    for moved in (now + day, now - day):
        of.take_ends([replace(of.bans[0], until=moved + 60)], [replace(exempt, until=moved + 60)], 0.0)
        assert (winner(of, now=moved), bool(of.spares())) == ("a", True)
        assert (winner(of, now=moved + 60), bool(of.spares())) == ("", False)
    of.take_ends([replace(of.bans[0], until=0.0)], (), now + 30)
    assert (winner(of, now=now + 29), winner(of, now=now + 30)) == ("", "a")
