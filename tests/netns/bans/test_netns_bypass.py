"""Ways round a ban, tried by real clients: encrypted DNS, tunnels, the relay, and names that ECH hides."""

import socket
from collections.abc import Callable, Iterator

import pytest
from browsing import browse

from monitor.lab.client import Client
from monitor.lab.gateway import LabDaemon
from monitor.lab.lab import Lab
from monitor.lab.plan import RESOLVER_V4, RESOLVER_V6, Plan
from monitor.lab.programs.certificates import AUTHORITY

pytestmark = pytest.mark.netns

# Behind the public name outer.example.org (RFC 9849 section 4): without the answer that offers it, a name beside the
# extension is taken for the server's own.
ECH = "AET+DQBAAQAgACAAAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHwAEAAEAAQARb3V0ZXIuZXhhbXBsZS5vcmcAAA=="
ZONE = f"""
dns.google. 60 IN A 8.8.8.8
dns.google. 60 IN AAAA 2001:4860:4860::8888
mask.icloud.com. 60 IN A 203.0.113.61
secret.example.org. 60 IN HTTPS 1 . alpn=h2 ipv4hint=203.0.113.80 echconfig={ECH}
outer.example.org. 60 IN A 203.0.113.99
"""
# The first two are in no list: what they do there gives them away.
RESOLVERS = (RESOLVER_V4, RESOLVER_V6, "8.8.8.8", "2001:4860:4860::8888")
QUESTION = b"\0\0\1\0\0\1\0\0\0\0\0\0\x03www\x07example\x03org\0\0\1\0\1"
# In a cloud that ByteDance rents to others, where nobody says a name.
RENTED = ("14.103.2.20", "2401:4c20::20")
OUTER = "https://outer.example.org/bytes/3000"
CONFIGURATION = """
[capture]
interfaces = ["br-lan"]

[[group]]
name = "phones"
members = ["{phone}"]

[[ban]]
vendors = ["category:encrypted-dns", "category:vpn-proxy", "category:private-relay"]
groups = ["phones"]
mode = "enforce"

[[ban]]
vendors = ["bytedance"]
groups = ["phones"]
mode = "enforce"
blind = "{blind}"
ech = "{ech}"

[sinkhole]
upstream = ["{upstream}"]
"""


def configuration(lab: Lab, blind: str = "count", ech: str = "keep") -> str:
    return CONFIGURATION.format(phone=lab.client("phone").mac, blind=blind, ech=ech, upstream=RESOLVER_V4)


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab(Plan(zone=ZONE, server_delay_s=0.2)) as running:
        (running.folder / "question").write_bytes(QUESTION)
        yield running


@pytest.fixture(scope="module")
def banning(lab: Lab) -> Iterator[LabDaemon]:
    daemon = lab.daemon(configuration(lab))
    assert "ech=" in lab.client("laptop").dig("secret.example.org", "HTTPS").records[0]
    yield daemon
    daemon.stop()


@pytest.fixture(autouse=True)
def stop_daemons() -> None:
    """The one daemon of this module lives as long as its tests."""


def over(protocol: str) -> Callable[[Lab, Client, str], bool]:
    return lambda lab, client, server: client.kdig("www.example.org", server=server, options=[f"+{protocol}"]).good


def over_https(lab: Lab, client: Client, server: str) -> bool:
    """Asks the resolver that calls itself dns.google, as curl would for itself."""
    target = f"[{server}]" if ":" in server else server
    arguments = ["curl", "-sS", "--cacert", str(lab.folder / AUTHORITY), "--connect-to", f"::{target}:"]
    arguments += ["-H", "content-type: application/dns-message", "--data-binary", f"@{lab.folder / 'question'}"]
    answer = lab.folder / f"answer-{client.name}"
    answer.unlink(missing_ok=True)
    arguments += ["--output", str(answer), "--max-time", "5", "https://dns.google/dns-query"]
    return client.namespace.run(arguments).returncode == 0 and b"\x03www" in answer.read_bytes()


ENCRYPTED = {"DoT": over("tls"), "DoQ": over("quic"), "DoH": over_https}


@pytest.mark.parametrize("method", ENCRYPTED)
def test_no_resolver_answers_the_phone_in_secret(banning: LabDaemon, lab: Lab, method: str) -> None:
    for server in RESOLVERS:
        assert not ENCRYPTED[method](lab, lab.client("phone"), server), server
        assert ENCRYPTED[method](lab, lab.client("laptop"), server), server


def test_curl_gets_no_name_from_a_listed_resolver(banning: LabDaemon, lab: Lab) -> None:
    def fetch(client: Client) -> int:
        arguments = ["curl", "-sS", "--cacert", str(lab.folder / AUTHORITY), "--output", "/dev/null"]
        arguments += ["--doh-url", "https://dns.google/dns-query", "--max-time", "5", "https://www.tiktok.com/"]
        return client.namespace.run(arguments).returncode

    assert fetch(lab.client("laptop")) == 0
    assert fetch(lab.client("phone")) == 6  # could not resolve


@pytest.mark.parametrize("http3", [False, True], ids=["TCP", "QUIC"])
def test_the_relay_is_refused_by_name(banning: LabDaemon, lab: Lab, http3: bool) -> None:
    """Also where another device was told the address, and noise stands beside the name."""
    laptop, url = lab.client("laptop"), "https://mask.icloud.com/"
    assert laptop.dig("mask.icloud.com").good
    assert browse(lab, "laptop", url, "203.0.113.61", http3=http3).good
    assert browse(lab, "phone", url, "203.0.113.61", http3=http3).status == 0
    assert lab.client("phone").dig("mask.icloud.com").status == "NXDOMAIN"


def open_tunnels() -> int:
    """Sends WireGuard's first message (148 bytes) to both families; how many were refused."""
    refused = 0
    for target in ("203.0.113.90", "2001:db8:cd::90"):
        with socket.socket(socket.AF_INET6 if ":" in target else socket.AF_INET, socket.SOCK_DGRAM) as tunnel:
            tunnel.settimeout(3)
            tunnel.connect((target, 51_820))
            tunnel.send(b"\x01\0\0\0" + bytes(144))
            try:
                tunnel.recv(100)
            except ConnectionRefusedError:
                refused += 1
    return refused


def test_ways_round_are_counted_by_method(banning: LabDaemon, lab: Lab) -> None:
    phone = lab.client("phone")
    assert phone.dig("www.example.org", server="8.8.8.8").good
    assert phone.namespace.inside(open_tunnels) == 2
    assert browse(lab, "phone", OUTER, "203.0.113.82").good
    methods = ("dot", "doq", "doh", "foreign_resolver", "vpn", "relay", "ech")
    counted = {method: banning.metric("bypass_attempts_total", group="phones", method=method) for method in methods}
    assert all(counted.values()), counted
    assert banning.metric("bypass_attempts_total", group="none", method="ech") == 0
    for category in ("encrypted-dns", "vpn-proxy", "private-relay"):
        assert banning.metric("blocked_total", vendor=category, group="phones", layer="sni") >= 2
    assert banning.metric("blocked_total", vendor="encrypted-dns", group="phones", layer="ip") >= 2
    assert banning.metric("blocked_total") == banning.metric("blocked_total", group="phones")


def test_what_ech_hides_is_counted_blind(banning: LabDaemon, lab: Lab) -> None:
    before = banning.metric("blind_bytes_total", group="phones", reason="ech")
    for address in RENTED:
        for http3 in (False, True):
            passed = browse(lab, "phone", OUTER, address, http3=http3)
            assert (passed.good, passed.received) == (True, 3000)
    all_of_it = before + 4 * 3000
    banning.wait_for("counted it", lambda: banning.metric("blind_bytes_total", reason="ech") > all_of_it)


def test_the_ban_decides_what_becomes_of_it(banning: LabDaemon, lab: Lab) -> None:
    """And `ech = "strip"` has the phone ask for names that everybody can read."""
    phone, laptop = lab.client("phone"), lab.client("laptop")
    assert "ech=" in phone.dig("secret.example.org", "HTTPS").records[0]
    banning.configure(configuration(lab, blind="reject", ech="strip"))
    banning.reload()
    banning.wait_for("taken it up", lambda: "ech=" not in phone.dig("secret.example.org", "HTTPS").records[0])
    for tcp in (False, True):
        for server in (RESOLVER_V4, RESOLVER_V6):
            stripped = phone.dig("secret.example.org", "HTTPS", server=server, tcp=tcp).records[0]
            kept = laptop.dig("secret.example.org", "HTTPS", server=server, tcp=tcp).records[0]
            assert "ech=" in kept
            assert stripped == kept[: kept.index(" ech=")]
    for address in RENTED:
        for http3 in (False, True):
            assert browse(lab, "phone", OUTER, address, http3=http3).status == 0
    assert browse(lab, "laptop", OUTER, RENTED[0]).good
    assert browse(lab, "phone", OUTER, "203.0.113.82").good
    assert banning.metric("blocked_total", vendor="bytedance", group="phones", layer="sni") >= 4
    for evidence in ("sni", "quic", "dns", "prefix"):
        assert banning.metric("leaked_bytes_total", vendor="bytedance", evidence=evidence) == 0
