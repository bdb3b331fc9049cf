"""Many groups of one ban are one group in the kernel, which refuses exactly the members of all of them."""

from dataclasses import replace

from fake_kernel import PASS, REJECT, FakeKernel, Packet
from gaps import Pair, find_gap, kernel_of, packets
from test_gaps import ban
from worlds import INTERFACES, MACS, NOW, World, listed, local_time, packed

from monitor.catalog.entry import Owner
from monitor.policy.ban import Ban, Exemption
from monitor.policy.groups import Group, Groups
from monitor.policy.policy import Policy
from monitor.policy.table.members import Members
from monitor.policy.table.planner import plan_table
from monitor.policy.table.rules import DiversionRules
from monitor.policy.table.united import GROUPS_APART

CATALOGUE = listed([("20.0.0.0/8", Owner("acme"))])
MANY = GROUPS_APART + 8
NAMES = tuple(f"class-{number}" for number in range(MANY))
GROUPS = tuple(Group(name, (f"10.{number}.0.0/24", f"10.{number}.0.128/25")) for number, name in enumerate(NAMES))
BAN = ban("acme", *NAMES, layers=frozenset({"ip", "dns"}))
OUTSIDE = packed("10.200.0.1")


def packet(source: bytes, mac: bytes = b"") -> Packet:
    return Packet(source, packed("20.0.0.1"), mac)


def test_the_members_of_all_groups_are_refused_by_few_rules_and_no_others() -> None:
    few, many = (
        World(GROUPS, (replace(BAN, groups=NAMES[:count]),), (), (), True).desired(CATALOGUE) for count in (1, MANY)
    )
    assert sum(len(chain.rules) for chain in many.chains.values()) <= sum(
        len(chain.rules) for chain in few.chains.values()
    )
    kernel = kernel_of(many, INTERFACES, ())
    for number in range(MANY):
        assert kernel.forward(packet(packed(f"10.{number}.0.200"))) == REJECT
        assert kernel.forward(packet(packed(f"10.{number}.1.1"))) == PASS
    assert {label.group for label in many.counters.values() if label.vendor} == {"other"}


class Followed:
    """A table whose members come and go."""

    def __init__(self, *bans: Ban) -> None:
        self.members = Members(Groups(GROUPS, INTERFACES))
        self.plan(*bans)

    def plan(self, *bans: Ban) -> FakeKernel:
        policy = Policy(bans, (), (), local_time)
        self.kernel = kernel_of(
            plan_table(policy, self.members, CATALOGUE.territory, (), INTERFACES, DiversionRules(), NOW), INTERFACES, ()
        )
        return self.kernel

    def follow(self, *groups: str) -> None:
        self.kernel.apply(self.members.follow(1, groups, MACS[1], ()))

    def verdict(self) -> str:
        return self.kernel.forward(packet(OUTSIDE, MACS[1]))


def test_a_device_is_refused_as_long_as_it_is_in_one_of_the_groups() -> None:
    table = Followed(BAN)
    assert table.verdict() == PASS
    table.follow(NAMES[3], NAMES[5])
    assert table.verdict() == REJECT
    table.follow(NAMES[5])
    assert table.verdict() == REJECT
    table.follow()
    assert table.verdict() == PASS


def test_a_device_that_was_there_before_the_groups_were_united_leaves_as_well() -> None:
    """The ban for many groups comes, goes and comes again while the device is followed."""
    table = Followed()
    table.follow(NAMES[3], NAMES[5])
    for bans in ((BAN,), (), (BAN,)):
        table.plan(*bans)
    assert table.verdict() == REJECT
    table.follow(NAMES[5])
    assert table.verdict() == REJECT
    table.follow()
    assert table.verdict() == PASS


def test_no_step_from_few_groups_to_many_leaves_a_gap() -> None:
    few = World(GROUPS, (replace(BAN, groups=NAMES[:2]),), (), (), False)
    many = World(GROUPS, (BAN,), (Exemption(MACS[0], vendor="acme"),), (), False)
    sent = list(packets([*MACS, b""], "lan0"))
    assert find_gap(Pair(few, many, CATALOGUE, CATALOGUE), sent) is None
    assert find_gap(Pair(many, few, CATALOGUE, CATALOGUE), sent) is None


def alike(**more: object) -> tuple[Ban, ...]:
    """A ban for each group, all alike."""
    made = [replace(BAN, id=f"ban-{name}", groups=(name,), **more) for name in NAMES]  # type: ignore[arg-type]
    return tuple(made)


def test_bans_of_one_group_each_that_are_alike_share_their_rules() -> None:
    one = World(GROUPS, (BAN,), (), (), True).desired(CATALOGUE)
    many = World(GROUPS, alike(), (), (), True).desired(CATALOGUE)
    assert sum(len(chain.rules) for chain in many.chains.values()) == sum(
        len(chain.rules) for chain in one.chains.values()
    )
    kernel = kernel_of(many, INTERFACES, ())
    for number in range(MANY):
        assert kernel.forward(packet(packed(f"10.{number}.0.200"))) == REJECT
        assert kernel.forward(packet(packed(f"10.{number}.1.1"))) == PASS


def test_bans_that_allow_the_same_names_share_the_set_of_their_addresses() -> None:
    many = World(GROUPS, alike(allow=(b"news.acme.com", b"acme.org")), (), (), True).desired(CATALOGUE)
    assert len([name for name in many.sets if name.startswith("allow")]) == 2


def test_a_ban_that_differs_from_the_others_keeps_rules_of_its_own() -> None:
    bans = (*alike()[1:], replace(BAN, id="differs", groups=NAMES[:1], on_failure="closed"))
    world = World(GROUPS, bans, (), (), False)
    kernel = kernel_of(world.desired(CATALOGUE), (), ())
    assert kernel.forward(packet(packed("10.0.0.200"))) == REJECT
    assert kernel.forward(packet(packed("10.1.0.200"))) == PASS
