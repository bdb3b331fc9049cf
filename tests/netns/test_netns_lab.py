"""The lab works without gatewatch: real clients reach real servers, and nothing of it stays behind."""

import os
import subprocess
from ipaddress import ip_address
from pathlib import Path

import pytest

from monitor.lab.capture import both_ways
from monitor.lab.child import environment, python_module
from monitor.lab.lab import Lab
from monitor.lab.leftovers import ETC_DIRECTORY, LABS, PREFIX, RUN_DIRECTORY, known_labs
from monitor.lab.plan import Lan, Plan

pytestmark = pytest.mark.netns

ANY_RESOLVER_V4, ANY_RESOLVER_V6 = "8.8.8.8", "2001:4860:4860::8888"


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
@pytest.mark.parametrize("server", ["", "2001:db8:53::53", ANY_RESOLVER_V4, ANY_RESOLVER_V6])
def test_every_resolver_answers_from_the_address_that_was_asked(lab: Lab, server: str, tcp: bool) -> None:
    answer = lab.client("phone").dig("www.tiktok.com", "AAAA", tcp=tcp, server=server)
    assert answer.records == ("www.tiktok.com. 60 IN AAAA 2605:340::10",)


def test_kdig_over_udp_and_tls(lab: Lab) -> None:
    phone = lab.client("phone")
    assert phone.kdig("www.tiktok.com", server="203.0.113.53").status == "NOERROR"
    assert phone.kdig("no-such.tiktok.com", server="203.0.113.53", options=["+tls"]).status == "NXDOMAIN"


def test_a_large_answer_comes_over_tcp_after_all(lab: Lab) -> None:
    assert len(lab.client("phone").dig("large.tiktok.com", "TXT").records) == 15


@pytest.mark.parametrize("ipv6", [False, True], ids=["ipv4", "ipv6"])
@pytest.mark.parametrize("tls", ["1.2", "1.3"])
@pytest.mark.parametrize("name", ["www.tiktok.com", "m.tiktok.com"])
def test_curl(lab: Lab, name: str, tls: str, ipv6: bool) -> None:
    transfer = lab.client("laptop").curl(f"https://{name}/bytes/5000", tls=tls, ipv6=ipv6)
    assert transfer.good, transfer.text
    assert transfer.received == 5000
    assert ip_address(transfer.remote).version == (6 if ipv6 else 4)


@pytest.mark.parametrize("address", ["203.0.113.30", "2001:db8:cd::30"])
def test_quic_both_ways(lab: Lab, address: str) -> None:
    phone = lab.client("phone")
    down = phone.quic("www.capcut.com", address, path="/bytes/30000")
    up = phone.quic("www.capcut.com", address, upload=30_000)
    assert (down.good, down.received) == (True, 30_000), down.text
    assert up.good, up.text


@pytest.mark.parametrize(("address", "segments"), [("71.18.3.30", 3), ("2605:340::30", 3)])
def test_some_servers_get_their_hello_in_several_segments(lab: Lab, address: str, segments: int) -> None:
    """517 bytes of hello, 256 bytes a segment; a long list of protocols does the same at the full size."""
    capture = lab.capture()
    small = lab.client("phone").curl("https://m.tiktok.com/", address=address, ipv6=":" in address)
    long = lab.client("phone").long_hello("www.tiktok.com", "71.18.1.10")
    seen = capture.stop()
    assert small.good, small.text
    assert long.good, long.text
    for transfer, least in ((small, segments), (long, 2)):
        _, up, _ = both_ways(seen, "tcp", transfer.port)
        assert up.packets >= least + 4


def test_a_delayed_server_is_late(tmp_path: Path) -> None:
    with Lab(Plan(server_delay_s=0.3)) as late:
        transfer = late.client("phone").curl("https://www.tiktok.com/")
    assert transfer.good, transfer.text
    assert transfer.seconds > 0.3


@pytest.mark.parametrize("resolver", ["gateway", "lan"])
def test_other_plans(resolver: str) -> None:
    prefixes = ("192.168.77.0/24", "10.77.0.0/24", "fd77::/64", "fd78::/64")
    plan = Plan(
        lans=(Lan(prefixes=prefixes), Lan("br-gov", ("10.20.0.0/24", "fd88::/64"), ("tablet",))),
        masquerade=True,
        resolver="gateway" if resolver == "gateway" else "lan",
        zone="extra.example. 60 IN A 203.0.113.99\n",
    )
    with Lab(plan) as other:
        for name in ("phone", "tablet"):
            client = other.client(name)
            assert client.dig("extra.example").records == ("extra.example. 60 IN A 203.0.113.99",)
            assert client.dig("www.tiktok.com", tcp=True).status == "NOERROR"
            assert client.curl("https://www.tiktok.com/").good
            assert client.curl("https://www.tiktok.com/", ipv6=True).good
        phone = other.client("phone")
        for source in ("10.77.0.10", "fd78::a"):
            assert phone.curl("https://www.tiktok.com/", source=source, ipv6=":" in source).good


def left_of(lab: str) -> list[str]:
    folders = (RUN_DIRECTORY, ETC_DIRECTORY)
    names = [name for folder in folders if folder.is_dir() for name in os.listdir(folder)]
    return [name for name in names if name.startswith(f"{PREFIX}{lab}-")]


def test_nothing_stays_behind() -> None:
    with Lab() as passing:
        gone = passing.id
        running = [*passing.gateway.processes(), *passing.internet.processes()]
        assert left_of(gone)
    assert left_of(gone) == []
    assert not (LABS / gone).exists()
    assert running
    assert not any(Path(f"/proc/{pid}").exists() for pid in running)


KILLED = """
import sys
from monitor.lab.lab import Lab
with Lab() as lab:
    print(lab.id, flush=True)
    sys.stdin.read()
"""


def test_the_next_lab_removes_what_a_killed_one_left() -> None:
    command = [*python_module("monitor")[:2], "-c", KILLED]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True, env=environment()
    ) as process:
        assert process.stdout is not None
        killed = process.stdout.readline().strip()
        process.kill()
        process.wait()
    assert killed in known_labs()
    with Lab():
        assert killed not in known_labs()
        assert left_of(killed) == []


def test_a_living_lab_is_left_alone(lab: Lab) -> None:
    with Lab() as other:
        assert lab.id in known_labs()
        assert other.id != lab.id
    assert lab.client("phone").dig("www.tiktok.com").status == "NOERROR"
