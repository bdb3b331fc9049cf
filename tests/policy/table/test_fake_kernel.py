"""The planned rules do what the policy says, whichever policy and packet, and no step between two leaves a gap."""

import pytest
from fake_kernel import Packet
from gaps import Pair, find_gap, kernel_of, packets, pairs, shapes
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import Listed, World, catalogues, expected, traffic, worlds

from monitor.policy.table.change import AddElements, PutChain
from monitor.policy.table.desired import IPV4_KEY, Chain, Desired, SetSpec
from monitor.policy.table.diff import apply, diff
from monitor.policy.table.rules import LEARNED

alive = st.sampled_from([("lan0", "lan1"), ("lan0", "lan1"), ("lan0",), ()])


@pytest.mark.slow
@settings(max_examples=300, deadline=None, derandomize=True)
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
@settings(max_examples=80, deadline=None, derandomize=True)
@given(pairs(), shapes)
def test_no_step_between_two_tables_passes_or_refuses_what_neither_does(
    pair: Pair, shape: tuple[list[bytes], str]
) -> None:
    """`make fuzz ARGS=policies` searches on where this ends."""
    assert find_gap(pair, list(packets(*shape))) is None
    old, new = pair.tables()
    assert apply(diff(new, old), old) == new
    assert diff(new, new) == []


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
