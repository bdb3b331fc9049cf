"""Who is left out of a ban: members behind a `!`, groups behind a `!`, exceptions for groups and prefixes."""

from dataclasses import replace

import pytest
from fake_kernel import DIVERT, PASS, REJECT, TCP, UDP, FakeKernel, Packet
from worlds import INTERFACES, NOW, listed, local_time, packed

from monitor.attribution.devices import Device
from monitor.catalog.entry import Owner, Vendor
from monitor.policy.ban import CLOSED, DNS, ENFORCE, IP, Ban, Exemption, Subject
from monitor.policy.group_words import group_text, words_of
from monitor.policy.groups import Group, Groups
from monitor.policy.policy import Policy
from monitor.policy.table.change import AddElements, DeleteElements
from monitor.policy.table.desired import Desired
from monitor.policy.table.diff import diff
from monitor.policy.table.excused import excused_elements
from monitor.policy.table.members import Members
from monitor.policy.table.planner import plan_table
from monitor.policy.table.rules import DiversionRules

MAC = bytes.fromhex("020000000001")
OTHER_MAC = bytes.fromhex("020000000002")
LISTED = listed(
    [
        ("20.0.0.0/8", Owner("acme")),
        ("2a00::/16", Owner("acme")),
        ("8.8.8.0/24", Owner("google")),
        ("8.8.8.8", Owner("encrypted-dns", category=True)),
        ("9.9.9.9", Owner("encrypted-dns", category=True)),
    ]
)
VENDORS = [
    Vendor("acme", "Acme", "vendor"), Vendor("google", "Google", "vendor"),
    Vendor("encrypted-dns", "Encrypted DNS", "category"),
]  # fmt: skip
GROUPS = (
    Group("lan", ("10.0.0.0/16", "fd00::/64", "!10.0.0.5", f"!{MAC.hex(':')}")),
    Group("staff", ("10.0.9.0/24", "host:staff-*")),
    Group("board", ("10.0.9.7", "fd00::7")),
    Group("labs", ("10.0.8.0/24", "!10.0.8.1")),
    Group("others", ("!10.0.0.5", "!iface:lan1")),
)
BAN = Ban("ban", (Subject("acme"),), mode=ENFORCE)


def ban(*groups: str, **fields: object) -> Ban:
    return replace(BAN, groups=words_of(groups), **fields)


def members() -> Members:
    return Members(Groups(GROUPS, INTERFACES))


def plan(*bans: Ban, exemptions: tuple[Exemption, ...] = (), of: Members | None = None) -> Desired:
    policy = Policy(bans, exemptions, (), local_time)
    territory = LISTED.territory
    return plan_table(policy, of or members(), territory, VENDORS, INTERFACES, DiversionRules(armed=True), NOW)


def kernel(desired: Desired) -> FakeKernel:
    made = FakeKernel(desired)
    for interface in INTERFACES:
        made.put("alive", interface.encode())
    return made


def to_acme(source: str, mac: bytes = OTHER_MAC, came_in: str = "lan0") -> Packet:
    destination = packed("20.0.0.1" if "." in source else "2a00::1")
    return Packet(packed(source), destination, mac, came_in=came_in)


@pytest.mark.parametrize(
    ("groups", "packet", "passes"),
    [
        (("lan",), to_acme("10.0.0.4"), False),
        (("lan",), to_acme("10.0.0.5"), True),
        (("lan",), to_acme("10.0.0.4", MAC), True),
        (("lan",), to_acme("10.1.0.1"), True),
        (("lan",), to_acme("10.0.0.4", b""), False),
        (("others",), to_acme("10.1.0.1"), False),
        (("others",), to_acme("10.0.0.5"), True),
        (("others",), to_acme("10.1.0.1", came_in="lan1"), True),
        (("others",), to_acme("fd01::1", b""), False),
        (("!staff",), to_acme("10.0.0.4"), False),
        (("!staff",), to_acme("10.0.9.1"), True),
        (("!staff", "!board"), to_acme("fd00::7"), True),
        (("lan", "!staff"), to_acme("10.0.9.1"), True),
        (("lan", "!staff"), to_acme("10.0.8.1"), False),
        (("lan", "!staff"), to_acme("10.1.0.1"), True),
        (("!labs",), to_acme("10.0.8.2"), True),
        (("!labs",), to_acme("10.0.8.1"), False),
        (("!labs", "!board"), to_acme("10.0.8.1"), False),
        (("!labs", "!board"), to_acme("10.0.9.7"), True),
        (("!others",), to_acme("10.0.0.5"), False),
        (("!others",), to_acme("10.0.0.4"), True),
    ],
)
def test_whom_a_ban_by_address_leaves_out(groups: tuple[str, ...], packet: Packet, passes: bool) -> None:
    assert kernel(plan(ban(*groups))).forward(packet) == (PASS if passes else REJECT)
    question = replace(packet, destination=packed("10.3.0.1"), protocol=UDP, destination_port=53)
    if len(packet.source) == 4:
        assert kernel(plan(ban(*groups))).forward(question) == (PASS if passes else DIVERT)


@pytest.mark.parametrize(
    ("address", "hostname", "groups", "banned"),
    [
        ("10.0.0.4", b"", ("lan",), True),
        ("10.0.0.5", b"", ("lan",), False),
        ("10.1.0.1", b"", ("others",), True),
        ("10.0.0.5", b"", ("others",), False),
        ("10.1.0.1", b"staff-7", ("!staff",), False),
        ("10.1.0.1", b"guest-7", ("!staff",), True),
        ("10.0.0.4", b"staff-7", ("lan", "!staff"), False),
        ("10.0.8.1", b"", ("!labs",), True),
    ],
)
def test_whom_the_judge_leaves_out(address: str, hostname: bytes, groups: tuple[str, ...], banned: bool) -> None:
    device = Device(1, OTHER_MAC, b"", 0, NOW)
    device.addresses = {packed(address): NOW}
    device.hostname = device.host = hostname
    of = tuple(Groups(GROUPS, INTERFACES).all_of(device))
    policy = Policy([ban(*groups)], (), (), local_time)
    verdict = policy.judge(of, (OTHER_MAC, packed(address), ""), ("acme",), b"", NOW)
    assert (verdict is not None) is banned


def test_a_device_that_a_group_excludes_is_left_out_with_all_its_addresses() -> None:
    of = members()
    desired = plan(ban("lan"), ban("!staff", id="two", subjects=(Subject("google"),)), of=of)
    made = kernel(desired)
    assert made.forward(to_acme("fd00::5", OTHER_MAC)) == REJECT
    made.apply(of.follow(3, (), OTHER_MAC, [packed("10.0.0.5"), packed("fd00::5")], ["lan"]))
    assert made.forward(to_acme("fd00::5", OTHER_MAC)) == PASS
    made.apply(of.forget(3))
    assert made.forward(to_acme("fd00::5", OTHER_MAC)) == REJECT


def test_what_bans_a_device_comes_before_what_lets_it_pass() -> None:
    of = members()
    plan(ban("!staff"), of=of)
    assert of.follow(3, ["staff"], MAC, (), ()) == [
        AddElements("g_staff/mac", ((MAC, ""),)),
        AddElements("b_staff/mac", ((MAC, ""),)),
    ]
    assert of.follow(3, ["lan"], MAC, (), ["labs"]) == [
        AddElements("g_lan/mac", ((MAC, ""),)),
        DeleteElements("b_staff/mac", (MAC,)),
        AddElements("g_labs/not_mac", ((MAC, ""),)),
        DeleteElements("g_staff/mac", (MAC,)),
    ]


def test_a_device_stays_banned_while_a_group_begins_to_exclude_it_and_another_ban_takes_over() -> None:
    before = plan(ban("lan"))
    changed = (replace(GROUPS[0], members=(*GROUPS[0].members, "!10.0.0.4")), *GROUPS[1:])
    after_policy = Policy([ban("lan"), ban("!staff", id="two")], (), (), local_time)
    after = plan_table(
        after_policy,
        Members(Groups(changed, INTERFACES)),
        LISTED.territory,
        VENDORS,
        INTERFACES,
        DiversionRules(armed=True),
        NOW,
    )
    made = kernel(before)
    for change in diff(after, before):
        made.change(change)
        assert made.forward(to_acme("10.0.0.4")) == REJECT, change


@pytest.mark.parametrize("mode", ["enforce", "shadow"])
def test_a_group_that_is_left_out_is_no_label_of_its_own(mode: str) -> None:
    desired = plan(ban("lan", "!staff", mode=mode))
    assert {label.group for label in desired.counters.values() if label.layer == IP} == {"lan!staff"}
    made = kernel(desired)
    made.forward(to_acme("10.0.0.4"))
    made.forward(to_acme("10.0.9.4"))
    assert [count for name, count in made.counters.items() if desired.counters[name].layer == IP] == [1]


@pytest.mark.parametrize(
    ("exemption", "packet", "passes"),
    [
        (Exemption(group="staff", vendor="acme"), to_acme("10.0.9.1"), True),
        (Exemption(group="staff", vendor="acme"), to_acme("10.0.0.1"), False),
        (Exemption(group="staff", vendor="google"), to_acme("10.0.9.1"), False),
        (Exemption(group="labs", vendor="acme"), to_acme("10.0.8.2"), True),
        (Exemption(group="labs", vendor="acme"), to_acme("10.0.8.1"), False),
        (Exemption(group="others", vendor="acme"), to_acme("10.0.0.4"), True),
        (Exemption(group="others", vendor="acme"), to_acme("10.0.0.5"), False),
        (Exemption(prefix="10.0.8.0/24", vendor="acme"), to_acme("10.0.8.1"), True),
        (Exemption(prefix="10.0.8.0/24", vendor="acme"), to_acme("10.0.9.1"), False),
        (Exemption(prefix="fd00::/64", vendor="acme"), to_acme("fd00::9"), True),
        (Exemption(group="staff", vendor="acme", until=NOW - 1), to_acme("10.0.9.1"), False),
        (Exemption(group="gone", vendor="acme"), to_acme("10.0.9.1"), False),
    ],
)
def test_exceptions_for_groups_and_prefixes(exemption: Exemption, packet: Packet, passes: bool) -> None:
    assert kernel(plan(ban(), exemptions=(exemption,))).forward(packet) == (PASS if passes else REJECT)


@pytest.mark.parametrize(
    ("exemption", "spared", "other"),
    [
        (Exemption(group="staff", name=b"press.acme.example"), "10.0.9.1", "10.0.0.1"),
        (Exemption(group="labs", name=b"press.acme.example"), "10.0.8.2", "10.0.8.1"),
        (Exemption(prefix="fd00::/64", name=b"press.acme.example"), "fd00::1", "fd01::1"),
    ],
)
def test_the_addresses_of_an_excepted_name_pass_for_the_group_or_prefix(
    exemption: Exemption, spared: str, other: str
) -> None:
    policy = Policy([BAN], [exemption], (), local_time)
    of = kernel(plan(BAN, exemptions=(exemption,)))
    assert of.forward(to_acme(spared)) == REJECT
    destination = to_acme(spared).destination
    for name, keys in excused_elements(policy, b"www.press.acme.example", [destination], NOW).items():
        for key in keys:
            of.put(name, key)
    assert of.forward(to_acme(spared)) == PASS
    assert of.forward(to_acme(other)) == REJECT
    assert excused_elements(policy, b"acme.example", [destination], NOW) == {}


def test_the_judge_heeds_exceptions_for_groups_and_prefixes() -> None:
    exemptions = [Exemption(group="staff", name=b"press.example"), Exemption(prefix="10.0.8.0/24", vendor="acme")]
    policy = Policy([BAN], exemptions, (), local_time)

    def is_banned(groups: tuple[str, ...], address: str, name: bytes) -> bool:
        device = (b"", packed(address), "")
        exempt = policy.exemption_of(groups, device, ("acme",), name, NOW)
        verdict = policy.judge(groups, device, ("acme",), name, NOW)
        assert (exempt is None) is (verdict is not None)
        return verdict is not None

    assert not is_banned(("staff",), "10.0.9.1", b"www.press.example")
    assert is_banned(("staff",), "10.0.9.1", b"acme.example")
    assert is_banned(("labs",), "10.0.9.1", b"www.press.example")
    assert not is_banned((), "10.0.8.9", b"acme.example")
    assert policy.judge(("staff",), (b"", b"", ""), ("acme",), b"press.example", NOW) is not None


DNS_BAN = replace(BAN, subjects=(Subject(category="encrypted-dns"),), on_failure=CLOSED, layers=frozenset((IP,)))


@pytest.mark.parametrize("learned", [False, True])
@pytest.mark.parametrize(
    ("packet", "passes"),
    [
        (Packet(packed("10.0.0.1"), packed("9.9.9.9"), protocol=UDP, destination_port=53), True),
        (Packet(packed("10.0.0.1"), packed("9.9.9.9"), protocol=TCP, destination_port=53), True),
        (Packet(packed("10.0.0.1"), packed("8.8.8.8"), protocol=UDP, destination_port=53), True),
        (Packet(packed("10.0.0.1"), packed("9.9.9.9"), protocol=TCP, destination_port=443), False),
        (Packet(packed("10.0.0.1"), packed("9.9.9.9"), protocol=TCP, destination_port=853), False),
        (Packet(packed("10.0.0.1"), packed("9.9.9.9"), protocol=1, source_port=0, destination_port=0), False),
    ],
)
def test_a_ban_of_encrypted_dns_never_covers_plain_dns(packet: Packet, passes: bool, learned: bool) -> None:
    desired = plan(DNS_BAN)
    of = FakeKernel(desired)
    if learned:
        packet = replace(packet, destination=packed("99.0.0.1"))
        of.put("learned4", packet.destination)
        of.put("c_encrypted-dns/learned4", packet.destination)
    assert of.forward(packet) == (PASS if passes else REJECT)


def test_a_ban_of_the_resolvers_vendor_covers_plain_dns_too() -> None:
    google = replace(DNS_BAN, id="google", subjects=(Subject("google"),))
    question = Packet(packed("10.0.0.1"), packed("8.8.8.8"), protocol=UDP, destination_port=53)
    assert FakeKernel(plan(DNS_BAN, google)).forward(question) == REJECT
    assert FakeKernel(plan(replace(google, subjects=(Subject("acme"),)))).forward(question) == PASS


@pytest.mark.parametrize(
    ("names", "words", "text"),
    [
        (("staff", "labs"), ("staff", "labs"), "staff"),
        (("!staff",), ("!staff",), "everyone but staff"),
        (("!staff", "!board"), ("!staff!board",), "everyone but staff, board"),
        (("labs", "!staff", "lan"), ("labs!staff", "lan!staff"), "labs but staff"),
        ((), (), ""),
    ],
)
def test_the_words_of_a_ban(names: tuple[str, ...], words: tuple[str, ...], text: str) -> None:
    assert words_of(names) == words
    assert not words or group_text(words[0]) == text


def test_questions_of_a_ban_without_the_dns_layer_are_not_diverted() -> None:
    question = replace(to_acme("10.0.0.4"), protocol=UDP, destination_port=53, destination=packed("10.3.0.1"))
    assert kernel(plan(ban("!staff", layers=frozenset((IP,))))).forward(question) == PASS
    assert kernel(plan(ban("!staff", layers=frozenset((DNS,))))).forward(question) == DIVERT
