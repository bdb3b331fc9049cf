"""A resolver on the LAN that is the gateway's own, and a member of the group that is banned: nothing goes round."""

from collections.abc import Iterator

import pytest

from monitor.lab.gateway import LabDaemon
from monitor.lab.lab import Lab
from monitor.lab.plan import RESOLVER_CLIENT, Lan, Plan

pytestmark = pytest.mark.netns

PREFIXES = ("192.168.77.0/24", "10.77.0.0/24", "fd77::/64", "fd78::/64")
FOREIGN = ("8.8.8.8", "2001:4860:4860::8888")
BANNED, BESIDE = "www.tiktok.com", "nottiktok.com"
CONFIGURATION = """
[capture]
interfaces = ["br-lan"]

[[group]]
name = "everybody"
members = ["192.168.77.0/24", "10.77.0.0/24", "fd77::/64", "fd78::/64"]

[[ban]]
vendors = ["bytedance"]
groups = ["everybody"]
mode = "enforce"

[sinkhole]
"""


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab(Plan(lans=(Lan(prefixes=PREFIXES),), masquerade=True, resolver="lan")) as running:
        running.gateway.resolve_by(running.plan.resolver_addresses())
        yield running


@pytest.fixture(params=["system", "asked"])
def banning(request: pytest.FixtureRequest, lab: Lab) -> Iterator[LabDaemon]:
    resolvers = lab.client(RESOLVER_CLIENT).addresses
    sinkhole = 'upstream = "system"' if request.param == "system" else f"exempt = {resolvers}"
    daemon = lab.daemon(CONFIGURATION + sinkhole)
    yield daemon
    daemon.stop()


def test_questions_do_not_go_round(banning: LabDaemon, lab: Lab) -> None:
    phone, resolver = lab.client("phone"), lab.client(RESOLVER_CLIENT)
    questions = [(server, name, "A") for server in FOREIGN for name in (BANNED, BESIDE)]
    asked = 0
    for tcp in (False, True):
        for (_, name, _), answer in phone.dig_all(questions, tcp=tcp).items():
            assert answer.status == ("NXDOMAIN" if name == BANNED else "NOERROR")
            asked += 1
        # By way of the LAN's own resolver, whose questions are nobody's but its own.
        assert phone.dig(BESIDE, tcp=tcp).good
        assert {answer.status for answer in resolver.dig_all(questions, tcp=tcp).values()} == {"NOERROR"}
    assert banning.metric("sinkhole_queries_total") == asked
    assert banning.metric("sinkhole_upstream_errors_total") == 0
    # The gateway asks it, too.
    assert "NOERROR" in lab.gateway.run(["dig", BANNED]).stdout
