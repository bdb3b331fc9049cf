"""Lists of the user's own beside an enforced ban: what they name, the phone does not reach, and others do."""

from collections.abc import Iterator

import pytest
from banned import LONG, QUIC_SECONDS, REFUSED, RESET

from monitor.lab.gateway import LabDaemon
from monitor.lab.lab import Lab
from monitor.lab.zone import NAMELESS_V4

pytestmark = pytest.mark.netns

ELSEWHERE = "203.0.113.80"
# One list without any ban, one whose ban is in shadow (as blocklists/migrating.md writes it), one of prefixes.
CONFIGURATION = """
[capture]
interfaces = ["br-lan"]

[[group]]
name = "phones"
members = ["{phone}"]

[[list]]
name = "my-ads"
url = "{folder}/my-ads.txt"

[[list]]
name = "pihole-1"
url = "{folder}/my-ads.txt"
vendor = "blocked"

[[list]]
name = "my-networks"
url = "{folder}/networks.txt"
format = "cidr"

[[ban]]
vendors = ["blocked"]
mode = "shadow"

[[ban]]
vendors = ["bytedance"]
groups = ["phones"]
mode = "enforce"
"""


@pytest.fixture(scope="module")
def banning(lab: Lab) -> Iterator[LabDaemon]:
    (lab.folder / "my-ads.txt").write_text("||www.tiktok.com^\n||tiktok.com^\n||capcut.com^\n||example.org^\n")
    (lab.folder / "networks.txt").write_text("71.18.0.0/16\n71.18.2.0/24\n2605:340::/32\n")
    daemon = lab.daemon(CONFIGURATION.format(phone=lab.client("phone").mac, folder=lab.folder))
    yield daemon
    daemon.stop()


@pytest.fixture(autouse=True)
def stop_daemons() -> None:
    """The one daemon of this module lives as long as its tests."""


@pytest.mark.parametrize("name", ["www.tiktok.com", "m.tiktok.com", "www.capcut.com"])
def test_a_name_that_a_list_names_too_is_banned_still(banning: LabDaemon, lab: Lab, name: str) -> None:
    phone, laptop = lab.client("phone"), lab.client("laptop")
    assert phone.dig(name).status == "NXDOMAIN"
    cut = phone.curl(f"https://{name}{LONG}", address=ELSEWHERE)
    assert cut.code in RESET, cut
    assert not phone.quic(name, ELSEWHERE, path=LONG, seconds=QUIC_SECONDS).good
    assert laptop.dig(name).good
    assert laptop.curl(f"https://{name}/", address=ELSEWHERE).good


def test_a_prefix_that_a_list_names_too_is_refused_still(banning: LabDaemon, lab: Lab) -> None:
    assert lab.client("phone").curl(f"https://{NAMELESS_V4}/").code == REFUSED
    assert lab.client("laptop").curl(f"https://{NAMELESS_V4}/").good


def test_what_the_list_alone_names_is_under_the_ban_of_the_list_alone(banning: LabDaemon, lab: Lab) -> None:
    phone = lab.client("phone")
    assert phone.dig("www.example.org").good
    assert phone.curl("https://www.example.org/").good
    banning.wait_for("counted it", lambda: banning.metric("shadow_blocked_total", vendor="blocked", layer="sni") >= 1)
    banning.wait_for("named it", lambda: banning.metric("flow_bytes_total", vendor="my-ads", evidence="sni") > 0)
    assert banning.metric("leaked_bytes_total") == 0
    assert banning.metric("blocked_total", vendor="blocked") == 0
    assert banning.metric("blocked_total", vendor="bytedance", layer="sni") >= 3
