"""Port 53 with NAT of the administrator's: banned names are refused, and every other question goes where NAT leads it.

Tried with a resolver on the gateway's port 53, with one on another port alone, with one in a container, and with one on
the LAN; each with and without bridged packets in the hooks of IPv4 and IPv6 (br_netfilter).
"""

from collections.abc import Iterator

import pytest
from banned import configuration
from nat53 import BANNED, BESIDE, MARKERS, WHERE, Town, told, town

from monitor.lab.gateway import LabDaemon

pytestmark = pytest.mark.netns

NAMES = (BANNED, BESIDE, WHERE)


@pytest.fixture(scope="module")
def place() -> Iterator[Town]:
    with town() as built:
        yield built


@pytest.fixture(scope="module", params=[0, 1], ids=["routed", "br_netfilter"])
def banning(request: pytest.FixtureRequest, place: Town) -> Iterator[LabDaemon]:
    place.call(request.param)
    daemon = place.lab.daemon(configuration(place.lab))
    yield daemon
    daemon.stop()


@pytest.mark.parametrize("name", ["redirect to :53", "redirect to :5335", "DNAT to a container", "DNAT to a LAN host"])
def test_the_ban_holds_and_every_other_question_goes_where_nat_leads(
    banning: LabDaemon, place: Town, name: str
) -> None:
    variant = place.variants[name]
    place.take(variant)
    asked = banning.metric("dns_queries_total", group="phones")
    for tcp in (False, True):
        beside = told(place.ask("laptop", NAMES, tcp))
        assert {said for (_, name, _), said in beside.items() if name == WHERE} == {
            ("NOERROR", frozenset({MARKERS[variant.marker]}))
        }, "the variant itself works"
        wanted = {
            question: ("NXDOMAIN", frozenset()) if question[1] == BANNED else said for question, said in beside.items()
        }
        got = told(place.ask("phone", NAMES, tcp))
        assert {question: said for question, said in got.items() if said != wanted[question]} == {}
        asked += place.asked
    banning.wait_for("counted each question once", lambda: banning.metric("dns_queries_total", group="phones") == asked)
    assert banning.page("/healthz").startswith("ok\n")
    tried = banning.run("doctor", "--enforcement")
    assert tried.returncode == 0, tried.stdout


def test_bridged_frames_may_meet_other_rules_from_now_on(banning: LabDaemon, place: Town) -> None:
    """As when Docker starts: nothing but a kernel parameter has changed."""
    variant = place.variants["redirect to :5335"]
    place.take(variant)
    wanted = {BANNED: ("NXDOMAIN", frozenset()), WHERE: ("NOERROR", frozenset({MARKERS[variant.marker]}))}

    def holds() -> bool:
        got = told(place.ask("phone", (BANNED, WHERE), tcp=False))
        return all(said == wanted[name] for (_, name, _), said in got.items())

    for bridged in (1, 0, 1):
        place.call(bridged)
        banning.wait_for(f"diverted questions with br_netfilter at {bridged}", holds, 40)
