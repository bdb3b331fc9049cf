"""Pairs of policies that once had a gap, or a refusal of what both let pass, on the way from one to the other.

Each was found by `make fuzz ARGS=policies`, by an administrator, or by reading `transition.py` for what could go wrong.
"""

from dataclasses import replace

import pytest
from gaps import Pair, find_gap, packets
from worlds import ALWAYS, INTERFACES, MACS, NEVER, World, listed

from monitor.catalog.entry import Owner
from monitor.policy.ban import Ban, Exemption, Subject
from monitor.policy.groups import Group

ACME, BOLT = Owner("acme"), Owner("bolt")
CATALOGUE = listed([("20.0.0.0/8", ACME), ("20.1.0.0/16", BOLT), ("20.2.0.0/16", Owner("acme", "video"))])
MEMBER, OTHER = "10.0.0.1", "10.1.0.1"


def ban(vendor: str, *groups: str, **fields: object) -> Ban:
    subject = Subject(category=vendor[9:]) if vendor.startswith("category:") else Subject(*vendor.split("/"))
    made = {"mode": "enforce", "layers": frozenset({"ip"}), "schedule": ALWAYS, "on_failure": "open", **fields}
    return Ban(f"{vendor}-{'-'.join(groups)}", (subject,), groups, **made)


def world(bans: tuple[Ban, ...], alpha: tuple[str, ...] = (MEMBER,), beta: tuple[str, ...] = (OTHER,)) -> World:
    groups = (Group("alpha", alpha), Group("beta", beta), Group("gamma", ("fd00::2",)))
    return World(groups, bans, (), (), False)


ALPHA, EVERYONE, BETA = ban("acme", "alpha"), ban("acme"), ban("acme", "beta")
PAIRS = {
    "a group shrinks and the ban is for everyone": (
        world((ALPHA,), ("10.0.0.0/16", "10.1.0.0/16")), world((EVERYONE,), ("10.0.0.0/16",))
    ),
    "a group grows and the ban leaves it": (world((ALPHA,)), world((BETA,), (MEMBER, "10.0.0.2"))),
    "a group grows and its ban ends": (world((ALPHA,)), world((), (MEMBER, "10.0.0.2"))),
    "a group shrinks and gets a ban": (world((BETA,), (MEMBER, "10.0.0.2")), world((ALPHA,))),
    "a member goes to the other group, and the ban with it": (
        world((ALPHA,), (MEMBER,), ("10.0.0.2",)), world((BETA,), ("10.0.0.2",), (MEMBER,))
    ),
    "members are said by prefix and then by interface": (
        world((ALPHA,), ("10.0.0.0/16", "10.1.0.0/16")), world((ALPHA,), ("iface:lan0", "iface:lan1"))
    ),
    "members are said by MAC and then by address": (
        world((ALPHA, ban("bolt", "beta")), (MACS[0].hex(":"),)), world((ALPHA, ban("bolt")), ("10.0.0.0/16",))
    ),
    "a ban sleeps and the one for everyone wakes": (
        world((ALPHA, replace(EVERYONE, schedule=NEVER))), world((replace(ALPHA, schedule=NEVER), EVERYONE))
    ),
    "a ban of the vendor becomes one of its service": (
        world((ALPHA,)), world((ban("acme/video", "alpha"), ban("bolt", "alpha")))
    ),
    "a ban that failed open fails closed, for fewer": (
        world((ALPHA,), (MEMBER, "10.0.0.2")), world((replace(ALPHA, on_failure="closed"),))
    ),
    "a ban is only counted, and another enforced": (
        world((replace(ALPHA, mode="shadow"), BETA), (MEMBER,), (MEMBER, OTHER)),
        world((ALPHA, replace(BETA, mode="shadow")), (MEMBER,), (OTHER,)),
    ),
    "queries are diverted, and refused afterwards": (
        replace(world((ban("acme", "alpha", layers=frozenset({"dns"})),)), armed=True),
        replace(world((ALPHA,)), armed=True),
    ),
    "an excepted device changes with the group": (
        replace(world((ALPHA,), (MEMBER, "10.0.0.2")), exemptions=(Exemption(MACS[0], vendor="acme"),)),
        replace(world((EVERYONE,)), exemptions=(Exemption(MACS[1], vendor="acme"),)),
    ),
}  # fmt: skip


def met(pair: Pair) -> object:
    return next((gap for came_in in INTERFACES if (gap := find_gap(pair, list(packets([*MACS, b""], came_in))))), None)


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_no_step_between_two_policies_passes_or_refuses_what_neither_does(pair: tuple[World, World]) -> None:
    assert met(Pair(*pair, CATALOGUE, CATALOGUE)) is None
    assert met(Pair(*pair[::-1], CATALOGUE, CATALOGUE)) is None


def test_an_address_of_two_owners_whose_bans_change_at_once_is_banned_all_the_while() -> None:
    """Names of both led there: the one owner's ban goes as the other's comes."""
    taught = (("21.0.0.0", ACME), ("21.0.0.0", BOLT))
    asleep = [replace(ban(vendor, "alpha"), schedule=NEVER) for vendor in ("acme", "bolt")]
    awake = [replace(one, schedule=ALWAYS) for one in asleep]
    before = replace(world((awake[0], asleep[1])), taught=taught)
    after = replace(world((asleep[0], awake[1])), taught=taught)
    assert met(Pair(before, after, CATALOGUE, CATALOGUE)) is None
    assert met(Pair(after, before, CATALOGUE, CATALOGUE)) is None


@pytest.mark.slow
def test_an_address_that_changes_its_owner_while_the_bans_change_is_banned_all_the_while() -> None:
    """A list says another owner, and the bans of both change with the same reload."""
    moved = listed([("20.0.0.0/8", BOLT), ("20.1.0.0/16", ACME)])
    before = world((ban("acme", "alpha"), ban("bolt", "beta")))
    after = world((ban("acme", "beta"), ban("bolt", "alpha")))
    assert met(Pair(before, after, CATALOGUE, moved)) is None
    assert met(Pair(after, before, moved, CATALOGUE)) is None


@pytest.mark.slow
def test_old_rules_lead_to_old_rules_and_new_ones_to_new_ones() -> None:
    """A group that leaves members out has a chain of its own, which the owners' chains lead to."""
    before = world((ban("acme", "alpha!beta"),), ("10.0.0.0/16", "10.1.0.0/16"), (OTHER,))
    after = world((ban("acme", "alpha!beta"), ban("bolt", "beta!alpha")), ("10.0.0.0/16",), (MEMBER,))
    assert met(Pair(before, after, CATALOGUE, CATALOGUE)) is None
    assert met(Pair(after, before, CATALOGUE, CATALOGUE)) is None


def test_an_address_that_leaves_a_group_that_grows_is_refused_to_none_of_the_new_members() -> None:
    """Found by `make fuzz`: the chain's rules stay, so old addresses met new members, and new addresses old ones."""
    less = listed([("20.1.0.0/16", ACME)])
    before, after = world((ALPHA,), (MEMBER, "10.0.0.2")), world((ALPHA,), (MEMBER, OTHER))
    assert met(Pair(before, after, CATALOGUE, less)) is None
    assert met(Pair(before, after, less, CATALOGUE)) is None


RELAY = Owner("relay", category=True)
MINE = Owner("mine", list="mine", user=True)


def test_a_chain_of_several_owners_that_goes_is_deleted_before_the_old_rules_that_it_leads_to() -> None:
    """The kernel keeps a chain that a rule leads to. An exception changes the vendor's rules as the category goes."""
    both = listed([("20.0.0.0/8", ACME), ("20.0.0.0/8", RELAY)])
    shadow = world((replace(EVERYONE, mode="shadow"),))
    excepted = replace(shadow, exemptions=(Exemption(MACS[0], vendor="acme"),))
    assert met(Pair(shadow, excepted, both, CATALOGUE)) is None
    assert met(Pair(excepted, shadow, CATALOGUE, both)) is None


def test_an_address_that_loses_its_owners_is_not_refused_by_the_new_ban_of_one_of_them() -> None:
    """The chain of its two owners leads to that of the vendor, which only gets rules."""
    both = listed([("20.0.0.0/8", ACME), ("20.0.0.0/8", MINE)])
    elsewhere = listed([("21.0.0.0/8", ACME)])
    asleep = world((replace(EVERYONE, schedule=NEVER), ban("mine", schedule=NEVER)))
    assert met(Pair(asleep, world((EVERYONE,)), both, elsewhere)) is None
    assert met(Pair(world((EVERYONE,)), asleep, elsewhere, both)) is None
