"""Who counts the bytes, on a real kernel: conntrack only where it is awake for all that the interfaces carry."""

from collections.abc import Iterator

import pytest
from cable import Cable, cable

from monitor.core.settings import CONNTRACK, PACKETS
from monitor.kernel.netlink.interfaces import look_at_machine
from monitor.lan.flow_counts import FlowCounting, choose_counting

pytestmark = pytest.mark.netns

RULE = "table {0} wake {{ chain c {{ type filter hook forward priority 0;\n ct state established accept\n }}\n }}\n"


@pytest.fixture
def wire() -> Iterator[Cable]:
    with cable() as ends:
        yield ends


def chosen(wire: Cable, wanted: str = CONNTRACK) -> FlowCounting:
    return wire.near.inside(lambda: choose_counting(wanted, look_at_machine(), ("v0",)))


def test_from_a_host_to_a_gateway(wire: Cable) -> None:
    assert "does not forward" in chosen(wire).why
    wire.near.sysctl({"ipv4/ip_forward": 1, "ipv6/conf/all/forwarding": 1})
    asleep = chosen(wire)
    assert asleep.flows == PACKETS
    assert "does not look at IPv4" in asleep.why
    wire.near.run(["nft", "-f", "-"], input=RULE.format("ip")).check_returncode()
    half = chosen(wire)
    assert half.flows == PACKETS
    assert "does not look at IPv6" in half.why
    wire.near.run(["nft", "-f", "-"], input=RULE.format("ip6")).check_returncode()
    assert chosen(wire) == FlowCounting(CONNTRACK)
    assert chosen(wire, PACKETS) == FlowCounting(PACKETS)
    rules = wire.near.run(["nft", "list", "ruleset"]).stdout
    assert rules.count("table") == 2, "nothing of ours is in the firewall"
