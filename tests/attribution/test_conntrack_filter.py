"""Which of conntrack's connections are those of the captured interfaces."""

import socket

import pytest

from monitor.attribution import conntrack_filter as vantage
from monitor.attribution.conntrack_filter import LanConnections
from monitor.attribution.networks import DEFAULT_LOCAL
from monitor.model import FLOW_UPDATE, FlowCount, flow_key, reverse_key


def packed(text: str) -> bytes:
    return socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)


def count(client: str, server: str, reply: tuple[str, str] | None = None) -> FlowCount:
    """A connection; `reply` are source and destination of its replies where addresses are translated."""
    key = flow_key(packed(client), packed(server), 50000, 443, 6)
    back = flow_key(packed(reply[0]), packed(reply[1]), 443, 50000, 6) if reply else reverse_key(key)
    return FlowCount(0.0, FLOW_UPDATE, 1, key, back)


WATCH = LanConnections(
    ["192.168.1.0/24", "2001:db8:1::/64"],
    ["198.51.100.0/24", "192.168.9.0/24", "127.0.0.0/8"],
    [packed("192.168.1.1"), packed("2001:db8:1::1")],
    [packed("198.51.100.1"), packed("192.168.9.1"), packed("127.0.0.1")],
    DEFAULT_LOCAL,
)


@pytest.mark.parametrize(
    ("seen", "label", "flow"),
    [
        (True, "to the internet", count("192.168.1.7", "203.0.113.9")),
        (True, "masqueraded", count("192.168.1.7", "203.0.113.9", ("203.0.113.9", "198.51.100.1"))),
        (True, "global IPv6 addresses", count("2001:db8:1::7", "2001:db8:ff::9")),
        (True, "to a forwarded port", count("203.0.113.9", "198.51.100.1", ("192.168.1.7", "203.0.113.9"))),
        (True, "to the gateway's resolver", count("192.168.1.7", "192.168.1.1")),
        (True, "from the gateway", count("192.168.1.1", "192.168.1.7")),
        (True, "behind a router of the LAN", count("10.3.0.7", "203.0.113.9")),
        (True, "into another network", count("192.168.1.7", "192.168.9.7")),
        (False, "the gateway's own", count("198.51.100.1", "203.0.113.9")),
        (False, "to the gateway from outside", count("203.0.113.9", "198.51.100.1")),
        (False, "loopback", count("127.0.0.1", "127.0.0.1")),
        (False, "the gateway with itself", count("192.168.1.1", "198.51.100.1")),
        (False, "a network that is not watched", count("192.168.9.7", "203.0.113.9")),
        (True, "and what that asks of the LAN", count("192.168.9.7", "192.168.1.7")),
        (False, "between strangers", count("203.0.113.9", "203.0.113.10")),
    ],
)
def test_sees(seen: bool, label: str, flow: FlowCount) -> None:
    assert WATCH.sees(flow) is seen
    assert WATCH.keep([flow]) == ([flow] if seen else [])


def test_own_addresses_are_never_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    limit = vantage.ADDRESSES_KEPT
    for number in range(limit + 10):
        WATCH.sees(count(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", "203.0.113.9"))
    assert not WATCH.sees(count("198.51.100.1", "10.9.9.9"))
