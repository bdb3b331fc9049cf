"""A ban in the lab: the phone loses the vendor on every layer, the laptop notices nothing."""

from collections.abc import Iterator

import pytest
from banned import LONG, QUIC_SECONDS, REFUSED, RESET, configuration

from monitor.lab.gateway import LabDaemon
from monitor.lab.lab import Lab
from monitor.lab.plan import RESOLVER_V4, RESOLVER_V6, Plan
from monitor.lab.zone import NAMELESS_V4, NAMELESS_V6

pytestmark = pytest.mark.netns

ELSEWHERE = {False: "203.0.113.80", True: "2001:db8:cd::80"}
NAMELESS = {False: NAMELESS_V4, True: NAMELESS_V6}
RESOLVERS = {False: RESOLVER_V4, True: RESOLVER_V6}

families = pytest.mark.parametrize("ipv6", [False, True], ids=["IPv4", "IPv6"])


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """Its servers are as far away as servers are: nearer ones may answer before anybody can cut."""
    with Lab(Plan(server_delay_s=0.02)) as running:
        yield running


@pytest.fixture(scope="module", params=["conntrack", "packets"])
def banning(request: pytest.FixtureRequest, lab: Lab) -> Iterator[LabDaemon]:
    daemon = lab.daemon(configuration(lab, request.param))
    yield daemon
    daemon.stop()


@pytest.fixture(autouse=True)
def stop_daemons() -> None:
    """The one daemon of this module lives as long as its tests."""


@families
@pytest.mark.parametrize("tcp", [False, True], ids=["UDP", "TCP"])
@pytest.mark.parametrize("name", ["www.tiktok.com", "v16-webapp.tiktok.com"])
def test_its_names_do_not_exist_for_the_phone(banning: LabDaemon, lab: Lab, ipv6: bool, tcp: bool, name: str) -> None:
    phone, laptop, server = lab.client("phone"), lab.client("laptop"), RESOLVERS[ipv6]
    for kind in ("A", "AAAA", "HTTPS", "TXT"):
        assert phone.dig(name, kind, tcp=tcp, server=server).status == "NXDOMAIN"
    assert phone.dig(name, tcp=tcp, server=server, port=33_333).status == "NXDOMAIN"
    assert "Policy 7" in phone.dig(name, tcp=tcp, server=server).text
    assert laptop.dig(name, tcp=tcp, server=server).good


@families
@pytest.mark.parametrize("name", ["nottiktok.com", "www.example.org", "www.youtube.com"])
def test_other_names_resolve_as_before(banning: LabDaemon, lab: Lab, ipv6: bool, name: str) -> None:
    answers = [lab.client(who).dig(name, server=RESOLVERS[ipv6]).records for who in ("phone", "laptop")]
    assert answers[0] == answers[1]
    assert answers[0]


@families
def test_a_hello_to_its_name_at_anybodys_address_is_reset_at_once(banning: LabDaemon, lab: Lab, ipv6: bool) -> None:
    phone, laptop = lab.client("phone"), lab.client("laptop")
    url, address = "https://www.tiktok.com", ELSEWHERE[ipv6]
    banned = phone.curl(url + LONG, address=address, ipv6=ipv6)
    assert banned.code in RESET
    assert "reset" in banned.text
    assert phone.curl("https://www.example.org/", address=address, ipv6=ipv6).good
    assert laptop.curl(url, address=address, ipv6=ipv6).good


@families
def test_quic_to_its_name_fails(banning: LabDaemon, lab: Lab, ipv6: bool) -> None:
    address = ELSEWHERE[ipv6]
    assert not lab.client("phone").quic("www.tiktok.com", address, path=LONG, seconds=QUIC_SECONDS).good
    assert lab.client("phone").quic("www.example.org", address).good
    assert lab.client("laptop").quic("www.tiktok.com", address).good


@families
def test_its_addresses_are_refused_without_any_name(banning: LabDaemon, lab: Lab, ipv6: bool) -> None:
    address = f"[{NAMELESS[ipv6]}]" if ipv6 else NAMELESS[ipv6]
    refused = lab.client("phone").curl(f"https://{address}/", ipv6=ipv6)
    assert refused.code == REFUSED
    assert lab.client("laptop").curl(f"https://{address}/", ipv6=ipv6).good


def test_the_figures_prove_it(banning: LabDaemon) -> None:
    blocked = {
        layer: banning.metric("blocked_total", vendor="bytedance", layer=layer) for layer in ("dns", "sni", "ip")
    }
    assert blocked["dns"] >= 24
    assert blocked["sni"] >= 4
    assert blocked["ip"] >= 2
    assert banning.metric("leaked_bytes_total") == 0
    assert banning.metric("blocked_bytes_total", vendor="bytedance", group="phones") > 1000
    assert banning.metric("blocked_total") == banning.metric("blocked_total", group="phones")
    assert banning.metric("ban_info", vendor="bytedance", group="phones", mode="enforce") == 1
    assert banning.metric("enforce_seconds_count") >= 4
    verdicts = [event["verdict"] for event in banning.eve("verdict")]
    assert {(verdict["action"], verdict["layer"]) for verdict in verdicts} == {("block", "dns"), ("block", "sni")}
    assert {verdict["ban"] for verdict in verdicts} == {"bytedance-phones"}
    assert banning.page("/healthz").startswith("ok\n")
