"""What a daemon that died leaves in the kernel goes at once where bans fail open, and stays where they fail closed."""

from collections.abc import Iterator

import pytest
from cable import Cable, cable
from tables import span, table

from monitor.errors import MachineError
from monitor.kernel.nft.clearing import CLEARED, CLOSED_HOLD, NOTHING, clear
from monitor.kernel.nft.enforcer import Enforcer
from monitor.policy.table.rules import kill_set

pytestmark = pytest.mark.netns

BANNED = span("203.0.113.0-203.0.113.127")
FOREIGN = "table inet admin {\n chain c {\n type filter hook forward priority 0; policy accept;\n }\n }\n"
FLOW = bytes([192, 0, 2, 1, 192, 0, 2, 2, 0, 80, 0, 81])


@pytest.fixture(scope="module")
def wire() -> Iterator[Cable]:
    with cable() as ends:
        ends.near.run(["nft", "-f", "-"], input=FOREIGN)
        yield ends


def tables(wire: Cable) -> list[str]:
    return sorted(wire.near.run(["nft", "list", "tables"]).stdout.splitlines())


def elements(wire: Cable, name: str) -> bool:
    return "elements" in wire.near.run(["nft", "list", "set", "inet", "gatewatch", name]).stdout


def dies(wire: Cable, gate: str) -> None:
    """A daemon that held a table, a diversion and two flows, and has no time to remove any of it."""

    def work() -> None:
        enforcer = Enforcer()
        enforcer.start(table(BANNED, gate=gate), ["v0"])
        enforcer.divert(["v0"])
        for on_failure in ("open", "closed"):
            enforcer.elements.put(kill_set("tcp", 4, on_failure), [(FLOW, "")], 60.0)
        enforcer.close()

    wire.near.inside(work)


def test_open_bans_are_removed_whole(wire: Cable) -> None:
    dies(wire, "alive")
    assert len(tables(wire)) == 3
    assert wire.near.inside(clear) == CLEARED
    assert tables(wire) == ["table inet admin"]
    assert wire.near.inside(clear) == NOTHING


def test_closed_bans_keep_their_addresses_and_cuts(wire: Cable) -> None:
    dies(wire, "lan")
    try:
        assert wire.near.inside(clear) == CLOSED_HOLD
        assert tables(wire) == ["table inet admin", "table inet gatewatch"]
        found = {name: elements(wire, name) for name in ("alive", "kill_tcp4_open", "kill_tcp4_closed", "lan")}
        assert found == {"alive": False, "kill_tcp4_open": False, "kill_tcp4_closed": True, "lan": True}
        assert "v_acme" in wire.near.run(["nft", "list", "map", "inet", "gatewatch", "net4"]).stdout
    finally:
        wire.near.run(["nft", "delete", "table", "inet", "gatewatch"])


def test_nothing_is_taken_from_a_daemon_that_runs(wire: Cable) -> None:
    def work() -> None:
        enforcer = Enforcer()
        enforcer.start(table(BANNED), ["v0"])
        try:
            with pytest.raises(MachineError, match="another gatewatch enforces"):
                clear()
        finally:
            enforcer.stop()

    wire.near.inside(work)


def test_a_table_of_this_name_that_is_somebody_elses_stays(wire: Cable) -> None:
    wire.near.run(["nft", "add", "table", "inet", "gatewatch"])
    try:
        assert wire.near.inside(clear) == NOTHING
        assert "table inet gatewatch" in tables(wire)
    finally:
        wire.near.run(["nft", "delete", "table", "inet", "gatewatch"])
