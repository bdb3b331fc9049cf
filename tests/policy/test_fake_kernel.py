"""The planned rules do what the policy says, whichever policy and packet, and no step between two leaves a gap."""

from collections.abc import Sequence

import pytest
from fake_kernel import DIVERT, REJECT, FakeKernel, Packet
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import INTERFACES, Listed, World, catalogues, expected, has_one_owner, learned_sets, traffic, worlds

from monitor.policy.change import AddElements, PutChain
from monitor.policy.desired import IPV4_KEY, Chain, Desired, SetSpec
from monitor.policy.diff import apply, diff
from monitor.policy.rules import LEARNED

alive = st.sampled_from([("lan0", "lan1"), ("lan0", "lan1"), ("lan0",), ()])


def kernel_of(desired: Desired, living: Sequence[str], learned: Sequence[tuple[str, bytes]]) -> FakeKernel:
    """`learned` are chains with addresses that answers led to, as far as the chains are there."""
    kernel = FakeKernel(desired)
    for interface in living:
        kernel.put("alive", interface.encode())
    for chain, key in learned:
        if chain in desired.chains:
            for name in learned_sets(chain, key):
                kernel.put(name, key)
    return kernel


def refused(before: FakeKernel, after: FakeKernel, sent: list[Packet]) -> list[Packet]:
    """What both refuse."""
    return [packet for packet in sent if before.forward(packet) == after.forward(packet) == "reject"]


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(worlds, catalogues, alive, traffic())
def test_the_rules_do_what_the_policy_says(
    world: World, listed: Listed, living: tuple[str, ...], sent: list[Packet]
) -> None:
    desired = world.desired(listed)
    kernel = kernel_of(desired, living, world.learned(desired, listed))
    for name, spec in kernel.sets.items():
        if spec.interval:
            kernel.check_disjoint(name)
    for packet in sent:
        assert kernel.forward(packet) == expected(world, listed, packet, set(living)), packet


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(worlds, worlds, catalogues, traffic())
def test_no_step_between_two_policies_leaves_a_gap(
    before: World, after: World, listed: Listed, sent: list[Packet]
) -> None:
    old, new = before.desired(listed), after.desired(listed)
    learned = before.learned(old, listed)
    kernel = kernel_of(old, INTERFACES, learned)
    sent = [packet for packet in sent if has_one_owner(before, packet, listed)]
    banned = refused(kernel, kernel_of(new, INTERFACES, learned), sent)
    changes = diff(new, old)
    for change in changes:
        kernel.change(change)
        for packet in banned:
            # A question may be diverted by a rule whose members change a moment later: that is no gap either.
            assert kernel.forward(packet) in (REJECT, DIVERT), (change, packet)
    assert apply(changes, old) == new
    assert diff(new, new) == []
    assert diff(before.desired(listed), old) == []


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(worlds, catalogues, catalogues, traffic())
def test_no_step_between_two_catalogues_leaves_a_gap(
    world: World, listed_before: Listed, listed_after: Listed, sent: list[Packet]
) -> None:
    old, new = world.desired(listed_before), world.desired(listed_after)
    learned = world.learned(old, listed_before)
    kernel = kernel_of(old, INTERFACES, learned)
    sent = [packet for packet in sent if has_one_owner(world, packet, listed_before, listed_after)]
    banned = refused(kernel, kernel_of(new, INTERFACES, learned), sent)
    for change in diff(new, old):
        kernel.change(change)
        for packet in banned:
            assert kernel.forward(packet) in (REJECT, DIVERT), (change, packet)
    assert kernel.elements["net4"] == new.elements["net4"]
    assert kernel.elements["net6"] == new.elements["net6"]


def test_an_address_that_was_learned_and_becomes_the_vendors_own_is_banned_all_the_while() -> None:
    sets = {"net4": SetSpec(IPV4_KEY, interval=True, verdicts=True)}
    key = bytes((20, 0, 0, 0, 20, 255, 255, 255))
    rule = "ip daddr @v_acme/video/learned4 jump v_acme/video"
    old = Desired(sets, {}, {"v_acme/video": Chain(("reject",)), LEARNED: Chain((rule,))}, {"net4": {}})
    new = Desired(sets, {}, {"v_acme": Chain(("reject",)), LEARNED: Chain()}, {"net4": {key: "v_acme"}})
    changes = diff(new, old)
    assert apply(changes, old) == new
    after = changes[changes.index(AddElements("net4", ((key, "v_acme"),))) + 1 :]
    assert after[0] == PutChain(LEARNED, Chain())
