"""Bans hold for clients behind an interface without MAC addresses, as WireGuard, Tailscale, OpenVPN and PPP have."""

from collections.abc import Iterator

import pytest
from banned import LONG, QUIC_SECONDS, REFUSED, RESET
from tunnel import FAR_ADDRESSES, NEAR, NEAR_ADDRESSES, remote_client

from monitor.lab.client import Client
from monitor.lab.gateway import LabDaemon
from monitor.lab.lab import Lab
from monitor.lab.plan import Plan
from monitor.lab.zone import NAMELESS_V4, NAMELESS_V6

pytestmark = pytest.mark.netns

BANNED, BESIDE = "www.tiktok.com", "nottiktok.com"
FOREIGN = ("8.8.8.8", "2001:4860:4860::8888")
ELSEWHERE = {False: "203.0.113.80", True: "2001:db8:cd::80"}
NAMELESS = {False: NAMELESS_V4, True: NAMELESS_V6}
MEMBERS = {"by-interface": [f"iface:{NEAR}"], "by-address": list(FAR_ADDRESSES)}

families = pytest.mark.parametrize("ipv6", [False, True], ids=["IPv4", "IPv6"])


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """Its servers are as far away as servers are: nearer ones may answer before a flow can be cut."""
    with Lab(Plan(resolver="gateway", server_delay_s=0.02)) as running:
        yield running


@pytest.fixture(scope="module")
def remote(lab: Lab) -> Iterator[Client]:
    with remote_client(lab) as client:
        yield client


@pytest.fixture(scope="module", params=["by-interface", "by-address"])
def banning(request: pytest.FixtureRequest, lab: Lab, remote: Client) -> Iterator[LabDaemon]:
    members = ", ".join(f'"{member}"' for member in MEMBERS[request.param])
    daemon = lab.daemon(
        f'[capture]\ninterfaces = ["br-lan", "{NEAR}"]\n\n[[group]]\nname = "remote"\nmembers = [{members}]\n\n'
        '[[ban]]\nvendors = ["bytedance"]\ngroups = ["remote"]\nmode = "enforce"\nreason = "Policy 7"\n'
    )
    yield daemon
    daemon.stop()


@pytest.fixture(autouse=True)
def stop_daemons() -> None:
    """The one daemon of this module lives as long as its tests."""


@pytest.mark.parametrize("tcp", [False, True], ids=["UDP", "TCP"])
def test_banned_names_do_not_exist_and_others_resolve(banning: LabDaemon, lab: Lab, remote: Client, tcp: bool) -> None:
    questions = [(server, name, "A") for server in (*NEAR_ADDRESSES, *FOREIGN) for name in (BANNED, BESIDE)]
    answers = remote.dig_all(questions, tcp=tcp)
    wanted = {question: "NXDOMAIN" if question[1] == BANNED else "NOERROR" for question in questions}
    assert {question: answer.status for question, answer in answers.items()} == wanted
    assert all("Policy 7" in answer.text for question, answer in answers.items() if question[1] == BANNED)
    assert lab.client("laptop").dig(BANNED, tcp=tcp).good


@families
def test_hellos_with_its_names_are_cut(banning: LabDaemon, lab: Lab, remote: Client, ipv6: bool) -> None:
    url, address = f"https://{BANNED}", ELSEWHERE[ipv6]
    banned = remote.curl(url + LONG, address=address, ipv6=ipv6)
    assert banned.code in RESET
    assert not remote.quic(BANNED, address, path=LONG, seconds=QUIC_SECONDS).good
    assert remote.curl("https://www.example.org/", address=address, ipv6=ipv6).good
    assert remote.quic("www.example.org", address).good
    assert lab.client("laptop").curl(url, address=address, ipv6=ipv6).good


@families
def test_its_addresses_are_refused(banning: LabDaemon, lab: Lab, remote: Client, ipv6: bool) -> None:
    address = f"[{NAMELESS[ipv6]}]" if ipv6 else NAMELESS[ipv6]
    assert remote.curl(f"https://{address}/", ipv6=ipv6).code == REFUSED
    assert lab.client("laptop").curl(f"https://{address}/", ipv6=ipv6).good


def test_what_is_reported_is_what_holds(banning: LabDaemon) -> None:
    told = banning.run("why", BANNED, "--device", FAR_ADDRESSES[0])
    assert "in remote" in told.stdout
    assert "dns: block by bytedance-remote" in told.stdout
    assert "no ban" not in told.stdout
    devices = {address: row for row in banning.ask("devices")["devices"] for address in row["addresses"]}
    assert devices[FAR_ADDRESSES[0]]["mac"] in ("", None)
    assert banning.page("/healthz").startswith("ok\n")
    assert banning.run("doctor", "--enforcement").returncode == 0
    assert banning.metric("leaked_bytes_total") == 0
