"""nft takes what the policy plans, and every command that leads from one plan to another."""

import subprocess

import pytest
from hypothesis import HealthCheck, given, settings
from worlds import Listed, World, catalogues, listed, worlds

from monitor.policy.table.desired import Desired
from monitor.policy.table.diff import diff
from monitor.policy.table.script import commands, ruleset


def nft(text: str) -> str:
    """What nft says to the text in a network namespace of its own; empty where it takes all of it."""
    done = subprocess.run(
        ["unshare", "--net", "nft", "-f", "-"], input=text, capture_output=True, text=True, timeout=60, check=False
    )
    return done.stderr if done.returncode else ""


@pytest.mark.netns
@pytest.mark.timeout(600)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(worlds, worlds, catalogues)
def test_nft_takes_every_plan_and_every_way_between_two(before: World, after: World, lists: Listed) -> None:
    old, new = before.desired(lists), after.desired(lists)
    assert not nft(ruleset(old))
    changes = diff(new, old)
    assert not nft(ruleset(old) + commands(changes))
    assert not nft("add table inet gatewatch\n" + commands(diff(old, Desired())))


def test_a_table_reads_as_its_plan() -> None:
    world = World(groups=(), bans=(), exemptions=(), followed=(), armed=False)
    text = ruleset(world.desired(listed([])))
    assert "set alive {\n\t\ttype ifname;\n\t\tflags timeout;\n\t\ttimeout 5s;\n\t}" in text
    assert "map net6 {\n\t\ttype ipv6_addr : verdict;\n\t\tflags interval;\n\t}" in text
    assert "type filter hook forward priority filter - 5; policy accept;\n\t\tmeta l4proto tcp jump killed_tcp" in text
    assert commands(diff(world.desired(listed([])), world.desired(listed([])))) == ""
