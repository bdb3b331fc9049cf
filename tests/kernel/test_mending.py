"""What others took away of the table, or the kernel refused, comes back, and the rest holds meanwhile."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import cast

import pytest
from cable import Cable, cable, wait_until
from enforcing import elements, mend, nft, with_enforcer
from tables import span, table

from monitor.kernel.nft.enforcer import Enforcer
from monitor.lab.namespace import Namespace
from monitor.policy.table.change import AddElements
from monitor.policy.table.desired import Chain
from monitor.policy.table.diff import diff
from monitor.policy.table.portions import ELEMENTS_MAX, portions
from monitor.policy.table.rules import learned_set

pytestmark = pytest.mark.netns

FOREIGN = "table inet admin {\n chain c {\n type filter hook forward priority 0; policy accept;\n }\n }\n"
BANNED = span("203.0.113.0-203.0.113.127")


@pytest.fixture
def wire() -> Iterator[Cable]:
    with cable() as ends:
        yield ends


def test_elements_that_were_refused_come_once_they_can(wire: Cable) -> None:
    old, new = table(BANNED), table(BANNED, span("198.51.100.1-198.51.100.9"))
    foreign = "{ 198.51.100.5-198.51.100.20 : goto v_acme }"

    def work(enforcer: Enforcer) -> None:
        enforcer.start(old, ["v0"])
        nft(wire.near, "add", "element", "inet", "gatewatch", "net4", foreign)
        enforcer.apply(diff(new, old))
        assert mend(enforcer, new) == ""
        assert "others overlap them" in enforcer.take_complaints()[0]
        assert "198.51.100.9" not in str(elements(wire.near, "net4", "map"))
        nft(wire.near, "delete", "element", "inet", "gatewatch", "net4", foreign.partition(" :")[0] + " }")
        wait_until(lambda: mend(enforcer, new) == "" and "198.51.100.9" in str(elements(wire.near, "net4", "map")), 60)

    with_enforcer(wire.near, work)


def test_what_was_refused_comes_by_itself(wire: Cable) -> None:
    new = table(BANNED)
    old = replace(new, chains={**new.chains, "v_other": Chain(("drop",))})

    def work(enforcer: Enforcer) -> None:
        enforcer.start(old, ["v0"])
        nft(wire.near, "add", "chain", "inet", "gatewatch", "foreign")
        nft(wire.near, "add", "rule", "inet", "gatewatch", "foreign", "jump", "v_other")
        enforcer.apply(diff(new, old))
        assert "v_other" in enforcer.take_complaints()[0]
        assert "tried again" in mend(enforcer, new)
        assert "v_other" not in nft(wire.near, "list", "table", "inet", "gatewatch")
        assert "foreign" not in nft(wire.near, "list", "table", "inet", "gatewatch")
        assert mend(enforcer, new) == ""

    with_enforcer(wire.near, work)


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        ("flush ruleset", "was removed"),
        ("flush table inet gatewatch", "chain"),
        ("flush map inet gatewatch net4", "set net4"),
        ("delete element inet gatewatch g_staff/mac { 02:00:00:00:00:02 }", "set g_staff/mac"),
        ("flush table inet gatewatch; delete set inet gatewatch g_staff/mac", "chain"),
        ("flush table inet gatewatch; delete counter inet gatewatch diverted", "chain"),
        ("flush chain inet gatewatch ingress_0", "chain ingress_0"),
        ("delete table netdev gatewatch", "table netdev gatewatch was removed"),
    ],
)
def test_what_somebody_took_away_comes_back(wire: Cable, damage: str, fault: str) -> None:
    desired = table(BANNED)

    def work(enforcer: Enforcer) -> None:
        enforcer.start(desired, ["v0"])
        enforcer.divert(["v0"])
        assert mend(enforcer, desired) == ""
        whole = held(wire.near)
        nft(wire.near, damage)
        line = mend(enforcer, desired)
        assert fault in line
        assert line.endswith("by another program: put back")
        assert held(wire.near) == whole
        assert mend(enforcer, desired) == ""
        nft(wire.near, FOREIGN)
        assert mend(enforcer, desired) == ""

    with_enforcer(wire.near, work)


def test_what_holds_goes_on_holding_while_the_rest_is_put_back(wire: Cable) -> None:
    """One lost element is one element to put back: the table, its counts and what time put in stay as they are."""
    desired = table(BANNED)

    def work(enforcer: Enforcer) -> None:
        enforcer.start(desired, ["v0"])
        enforcer.learn("v_acme", [b"\x63\0\0\1"], 60, b"www.example.com")
        nft(wire.near, "flush map inet gatewatch net4")
        repair = enforcer.reconcile(desired)
        assert repair.changes == [AddElements("net4", ((BANNED, "v_acme"),))]
        enforcer.apply(repair.changes)
        assert len(elements(wire.near, "net4", "map")) == 1
        assert len(elements(wire.near, "learned4")) == 1

    with_enforcer(wire.near, work)


def test_a_table_that_goes_again_while_it_is_put_back_is_begun_anew(wire: Cable) -> None:
    many = [(11 << 24) + (number << 8) for number in range(ELEMENTS_MAX + 1)]
    desired = table(*[start.to_bytes(4, "big") + (start + 127).to_bytes(4, "big") for start in many])

    def work(enforcer: Enforcer) -> None:
        enforcer.start(desired, ["v0"])
        whole = held(wire.near)
        nft(wire.near, "delete table inet gatewatch")
        assert not enforcer.is_there()
        cut = portions(enforcer.reconcile(desired).changes)
        assert enforcer.is_there()
        assert elements(wire.near, "alive") != []
        for portion in cut[:-1]:
            enforcer.apply(portion)
        assert len(elements(wire.near, "net4", "map")) == ELEMENTS_MAX
        assert len(elements(wire.near, "g_staff/mac")) == 1
        nft(wire.near, "delete table inet gatewatch")
        assert not enforcer.is_there()
        assert "was removed" in mend(enforcer, desired)
        assert held(wire.near) == whole
        assert enforcer.take_complaints() == []
        assert mend(enforcer, desired) == ""

    with_enforcer(wire.near, work)


def test_what_the_kernel_keeps_refusing_is_tried_with_all_the_table_once(wire: Cable) -> None:
    """Somebody's set of another shape stands where one of ours must be, and holds nothing up but what needs it."""
    desired = table(BANNED)
    set_name = learned_set("v_acme", 4)

    def work(enforcer: Enforcer) -> None:
        enforcer.start(desired, ["v0"])
        nft(wire.near, f"flush chain inet gatewatch learned; delete set inet gatewatch {set_name}")
        nft(wire.near, f"add set inet gatewatch {set_name} {{ type ether_addr; }}")
        assert "chain learned" in mend(enforcer, desired)
        assert enforcer.take_complaints() != []
        told: list[str] = []
        wait_until(lambda: bool(told.append(mend(enforcer, desired)) or "created again" in told[-1]), 60)
        assert any("tried again" in line for line in told)
        assert "ipv4_addr" in nft(wire.near, "list", "set", "inet", "gatewatch", set_name)
        assert mend(enforcer, desired) == ""
        assert len(elements(wire.near, "net4", "map")) == 1

    with_enforcer(wire.near, work)


def held(space: Namespace) -> list[str]:
    """The ruleset, whatever order it was made in, without what changes by itself."""
    found = json.loads(nft(space, "-j", "list", "ruleset"), object_hook=lasting)["nftables"]
    return sorted(json.dumps(one) for one in found)


def lasting(item: dict[str, object]) -> dict[str, object]:
    kept = {name: value for name, value in item.items() if name not in ("handle", "packets", "bytes", "expires")}
    if isinstance(kept.get("elem"), list):
        kept["elem"] = sorted(map(str, cast(list[object], kept["elem"])))
    return kept
