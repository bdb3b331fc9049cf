"""Bans of a service: what is the service's is refused whole, what its siblings use stays open and is told."""

from collections.abc import Iterator

import pytest
from banned import LONG, REFUSED, RESET

from monitor.lab.client import Client
from monitor.lab.gateway import LabDaemon
from monitor.lab.lab import Lab
from monitor.lab.plan import Plan
from monitor.lab.zone import NAMELESS_V4, NAMELESS_V6

pytestmark = pytest.mark.netns

LEARNING_SECONDS = 30.0
# Somewhere in the internet, in no list: an app's name and its telemetry have one address.
SHARED_V4, SHARED_V6 = "62.4.12.1", "2a01:cb00:12::1"
# In Meta's own prefixes, which all of its services use.
META_V4 = "157.240.0.35"
NAMELESS_META_V4 = "157.240.0.36"
ZONE = f"""
api.tiktok.com. IN A {SHARED_V4}
api.tiktok.com. IN AAAA {SHARED_V6}
sdk.analytics.tiktok.com. IN A {SHARED_V4}
sdk.analytics.tiktok.com. IN AAAA {SHARED_V6}
log.analytics.tiktok.com. IN A {SHARED_V4}
log.analytics.tiktok.com. IN AAAA {SHARED_V6}
www.facebook.com. IN A {META_V4}
"""
CONFIGURATION = """
[capture]
interfaces = ["br-lan"]

[[group]]
name = "phones"
members = ["{phone}"]

[[ban]]
vendors = ["bytedance/tiktok"]
groups = ["phones"]
mode = "enforce"
blind = "reject"

[[ban]]
vendors = ["meta/instagram"]
groups = ["phones"]
mode = "enforce"
blind = "{blind}"
"""


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab(Plan(zone=ZONE)) as running:
        yield running


@pytest.fixture(scope="module")
def banning(lab: Lab) -> Iterator[LabDaemon]:
    daemon = lab.daemon(configuration(lab, "count"))
    yield daemon
    daemon.stop()


@pytest.fixture(autouse=True)
def stop_daemons() -> None:
    """The one daemon of this module lives as long as its tests."""


def configuration(lab: Lab, blind: str) -> str:
    return CONFIGURATION.format(phone=lab.client("phone").mac, blind=blind)


def is_refused(client: Client, url: str) -> bool:
    return client.curl(url, ipv6="[" in url, seconds=5).code == REFUSED


def shared(daemon: LabDaemon) -> float:
    return daemon.metric("blind_bytes_total", group="phones", reason="shared_prefix")


def test_the_own_prefixes_and_the_telemetry_of_tiktok_are_under_its_ban(banning: LabDaemon, lab: Lab) -> None:
    phone, laptop = lab.client("phone"), lab.client("laptop")
    for name in ("www.tiktok.com", "analytics.tiktok.com", "sdk.analytics.tiktok.com"):
        assert phone.dig(name).status == "NXDOMAIN", name
    for url in (f"https://{NAMELESS_V4}/", f"https://[{NAMELESS_V6}]/"):
        assert phone.curl(url, ipv6="[" in url).code == REFUSED, url
        assert laptop.curl(url, ipv6="[" in url).good, url
    cut = phone.curl(f"https://sdk.analytics.tiktok.com{LONG}", address=SHARED_V4)
    assert cut.code in (*RESET, REFUSED), cut
    assert laptop.curl("https://sdk.analytics.tiktok.com/").good


def test_telemetry_does_not_free_the_address_that_it_shares_with_the_service(banning: LabDaemon, lab: Lab) -> None:
    phone, laptop = lab.client("phone"), lab.client("laptop")
    urls = (f"https://{SHARED_V4}/", f"https://[{SHARED_V6}]/")
    phone.dig("api.tiktok.com")
    for url in urls:
        banning.wait_for(f"refused {url}", lambda url=url: is_refused(phone, url), LEARNING_SECONDS)
    asked = banning.metric("lookups_total")
    phone.dig("log.analytics.tiktok.com")
    assert laptop.curl("https://log.analytics.tiktok.com/").good
    banning.wait_for("asked for the telemetry", lambda: banning.metric("lookups_total") > asked, LEARNING_SECONDS)
    assert banning.metric("learned_addresses_total", result="freed") == 0
    for url in urls:
        assert is_refused(phone, url), url
        assert laptop.curl(url, ipv6="[" in url).good, url


def test_what_was_counted_is_of_the_service_and_nothing_leaked(banning: LabDaemon, lab: Lab) -> None:
    phone = lab.client("phone")
    assert phone.dig("www.capcut.com").good
    assert phone.curl("https://www.capcut.com/").good
    phone.curl("https://api.tiktok.com/", address="203.0.113.80")  # elsewhere, so that its name alone cuts it
    tiktok = {"vendor": "bytedance", "service": "tiktok", "group": "phones"}
    for counter in ("dns_blocked_queries_total", "killed_flows_total", "refused_packets_total"):
        banning.wait_for(f"counted {counter}", lambda name=counter: banning.metric(name, **tiktok) >= 1)
        assert banning.metric(counter, vendor="bytedance") == banning.metric(counter, **tiktok)
    assert banning.metric("ban_info", **tiktok) == 1
    assert banning.metric("ban_devices", **tiktok) == 1
    assert banning.metric("blocked_bytes_total", **tiktok) > 0
    assert banning.metric("leaked_bytes_total") == 0
    assert shared(banning) == 0
    bans = {tuple(ban["vendors"]): ban for ban in banning.ask("status")["policy"]["bans"]}
    assert bans["bytedance/tiktok",]["notes"] == []
    assert bans["bytedance/tiktok",]["blocked"]["dns"] >= 3
    assert bans["meta/instagram",]["blocked"]["dns"] == 0


def test_a_prefix_of_many_services_stays_open_and_its_nameless_bytes_count(banning: LabDaemon, lab: Lab) -> None:
    phone, laptop = lab.client("phone"), lab.client("laptop")
    assert phone.dig("www.instagram.com").status == "NXDOMAIN"
    assert phone.curl(f"https://www.instagram.com{LONG}", address=META_V4).code in RESET
    assert phone.curl("https://www.facebook.com/").good
    assert laptop.curl(f"https://{NAMELESS_META_V4}/").good
    named = {"vendor": "meta", "service": "facebook", "group": "phones"}
    banning.wait_for("counted the sibling", lambda: banning.metric("flow_bytes_total", **named) > 0)
    assert shared(banning) == 0
    assert phone.curl(f"https://{NAMELESS_META_V4}/").good
    banning.wait_for("counted what has no name", lambda: shared(banning) > 500)
    assert banning.metric("leaked_bytes_total") == 0
    notes = [note for ban in banning.ask("status")["policy"]["bans"] for note in ban["notes"]]
    assert ["meta/instagram: " in note and "stay open" in note for note in notes] == [True]
    checked = banning.run("check", "--config", str(banning.configuration)).stdout
    assert "note: meta/instagram: " in checked
    assert "other services of meta use them" in banning.page("/")


def test_nameless_connections_to_it_are_cut_where_the_ban_rejects_what_is_blind(banning: LabDaemon, lab: Lab) -> None:
    phone, laptop = lab.client("phone"), lab.client("laptop")
    banning.configure(configuration(lab, "reject"))
    banning.reload()
    instagram = {"vendor": "meta", "service": "instagram", "group": "phones"}
    before = banning.metric("killed_flows_total", **instagram)
    banning.wait_for("cut", lambda: phone.curl(f"https://{NAMELESS_META_V4}{LONG}").code in RESET)
    assert phone.curl("https://www.facebook.com/").good
    assert laptop.curl(f"https://{NAMELESS_META_V4}/").good
    banning.wait_for("counted the cut", lambda: banning.metric("killed_flows_total", **instagram) > before)
    assert banning.metric("leaked_bytes_total") == 0
