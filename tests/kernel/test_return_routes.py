"""The ways of answers are those of the kernel's routes, the longest prefix first."""

from collections.abc import Iterator

import pytest
from cable import FAR_V4, FAR_V6, Cable, cable, ip

from monitor.kernel.netlink import return_routes as ways
from monitor.kernel.netlink.return_routes import answers, sources, ways_out

pytestmark = pytest.mark.netns

ROUTES = (
    "10.20.0.0/16 via 10.9.0.2",
    "10.20.7.0/24 dev v0",
    "10.30.0.0/16 nexthop via 10.9.0.9 dev v0 nexthop via 10.9.0.8 dev v0",
    "10.40.0.0/16 via 10.9.0.2 dev v0 table 77",
    "10.50.0.0/16 via inet6 fd09::2",
    "blackhole 10.66.0.0/16",
    "10.77.0.0/16 dev lo",
    "default via 10.9.0.2",
    "fd20::/48 via fd09::2",
)


@pytest.fixture(scope="module")
def wire() -> Iterator[Cable]:
    with cable() as ends:
        for route in ROUTES:
            ip(f"-n {ends.near.name} route add {route}")
        yield ends


def test_answers_take_the_gateways_own_routes(wire: Cable) -> None:
    found, complaint = wire.near.inside(lambda: ways_out("v0"))
    assert complaint == ""
    assert list(answers(found, 4)) == [
        ("{ 10.9.0.0/24, 10.20.7.0/24 }", ""),
        ("{ 10.20.0.0/16, 10.40.0.0/16 }", FAR_V4),
        ("{ 10.30.0.0/16 }", "10.9.0.9"),
    ]
    assert list(answers(found, 6)) == [
        ("{ fd09::/64, fe80::/64 }", ""),
        ("{ fd20::/48 }", FAR_V6),
        ("{ fe80::/10 }", ""),
    ]
    assert sources(found, 4) == "{ 10.9.0.0/24, 10.20.0.0/16, 10.30.0.0/16, 10.40.0.0/16 }"


def test_of_too_many_routes_only_those_on_the_link_count(wire: Cable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ways, "ROUTES_MAX", 3)
    found, complaint = wire.near.inside(lambda: ways_out("v0"))
    assert complaint == "more than 3 routes leave through v0: behind its routers the dns layer is off"
    assert sources(found, 4) == "{ 10.9.0.0/24, 10.20.7.0/24 }"
