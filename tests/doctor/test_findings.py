"""Makes each fault on a real kernel: the doctor reports it, its fix removes it, and the doctor is silent again."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cable import FAR_V4, Cable, beside, cable, ip, wait_until
from privileges import as_nobody
from pyroute2 import Ethtool
from scapy.layers.inet6 import ICMPv6ND_RA, ICMPv6NDOptRDNSS, IPv6
from scapy.layers.l2 import Ether

from monitor.config.parse import load
from monitor.config.sections import Config
from monitor.doctor import conntrack, disk, groups, listening, machine, offload, routers, rules
from monitor.doctor.case import Case, look
from monitor.doctor.finding import Finding
from monitor.kernel.netlink.ethtool import active_features
from monitor.kernel.nft.chains import flow_tables
from monitor.lab.child import environment

pytestmark = pytest.mark.netns

TEXT = '[capture]\ninterfaces = ["v0"]\n[[ban]]\nvendors = ["bytedance"]\nmode = "enforce"\n'
Find = Callable[[Case], Iterator[Finding]]


@pytest.fixture
def wire() -> Iterator[Cable]:
    with cable() as ends:
        ends.near.sysctl({"ipv4/ip_forward": 1, "ipv6/conf/all/forwarding": 1, "netfilter/nf_conntrack_acct": 1})
        yield ends


def config_of(folder: Path, text: str = TEXT) -> Config:
    path = folder / "gatewatch.toml"
    path.write_text(text)
    return load(str(path))


def found(wire: Cable, find: Find, config: Config) -> list[Finding]:
    return wire.near.inside(lambda: list(find(look(config))))


def mend(wire: Cable, finding: Finding) -> None:
    done = wire.near.run(["sh", "-c", finding.mend])
    assert done.returncode == 0, (finding, done.stderr)


def chain(hook: str, rule: str = "", family: str = "inet", policy: str = "accept") -> str:
    return f"table {family} other {{\n chain c {{\n type filter hook {hook}; policy {policy};\n {rule}\n }}\n }}\n"


TRACK = "add table inet t; add chain inet t f { type filter hook forward priority 0; }; add rule inet t f ct state new"


@pytest.mark.parametrize(
    ("find", "fault", "words"),
    [
        (conntrack.find, "sysctl -w net.netfilter.nf_conntrack_acct=0", "does not count bytes"),
        (conntrack.find, "sysctl -w net.netfilter.nf_conntrack_events=0", "does not send the end of flows"),
        (machine.find, "sysctl -w net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0", "does not forward"),
    ],
)
def test_a_setting_that_is_wrong_is_mended_as_it_says(
    wire: Cable, tmp_path: Path, find: Find, fault: str, words: str
) -> None:
    wire.near.run(["nft", TRACK]).check_returncode()
    config = config_of(tmp_path)
    assert found(wire, find, config) == []
    wire.near.run(fault.split()).check_returncode()
    (finding,) = found(wire, find, config)
    assert words in finding.what
    mend(wire, finding)
    assert found(wire, find, config) == []


def test_conntrack_that_nobody_has_woken(wire: Cable, tmp_path: Path) -> None:
    config = config_of(tmp_path)
    sleeping = found(wire, conntrack.find, config)
    assert ["IPv4" in finding.what for finding in sleeping] == [True, False]
    for finding in sleeping:
        mend(wire, finding)
    assert found(wire, conntrack.find, config) == []


def test_a_bridge_between_whose_ports_nobody_routes(wire: Cable, tmp_path: Path) -> None:
    config = config_of(tmp_path, TEXT.replace("v0", "br0"))
    for command in ("link add br0 type bridge", "link set br0 up", "link set v0 master br0", "addr flush dev v0"):
        ip(f"-n {wire.near.name} {command}")
    wire.near.sysctl({"bridge/bridge-nf-call-iptables": 0, "bridge/bridge-nf-call-ip6tables": 0})
    (finding,) = found(wire, machine.find, config)
    assert "no ban applies there" in finding.what
    wire.near.run(["sh", "-c", finding.mend]).check_returncode()
    assert ["queries are not diverted" in finding.what for finding in found(wire, machine.find, config)] == [True]
    ip(f"-n {wire.near.name} addr add 10.9.0.1/24 dev br0")
    assert found(wire, machine.find, config) == []


@pytest.mark.parametrize(
    ("fault", "words", "mended"),
    [
        (chain("forward priority -5"), "inet other c runs at the same priority", chain("forward priority 0")),
        (
            chain('ingress device "v0" priority -20', family="netdev"),
            "sees the frames of v0 before",
            chain('ingress device "v0" priority 10', family="netdev"),
        ),
    ],
)
def test_rules_that_come_before_ours(wire: Cable, tmp_path: Path, fault: str, words: str, mended: str) -> None:
    config = config_of(tmp_path)
    assert found(wire, rules.find, config) == []
    wire.near.run(["nft", "-f", "-"], input=fault).check_returncode()
    (finding,) = found(wire, rules.find, config)
    assert words in finding.what
    mend(wire, finding)
    wire.near.run(["nft", "-f", "-"], input="flush ruleset\n" + mended).check_returncode()
    assert found(wire, rules.find, config) == []


def test_a_firewall_that_keeps_resets_from_clients(wire: Cable, tmp_path: Path) -> None:
    config = config_of(tmp_path)
    closed = chain("output priority 0", "ct state established,related accept", policy="drop")
    wire.near.run(["nft", "-f", "-"], input=closed).check_returncode()
    (finding,) = found(wire, rules.find, config)
    assert "hang instead of being reset" in finding.what
    mend(wire, finding)
    assert found(wire, rules.find, config) == []


def test_mac_members_do_not_reach_behind_another_router(wire: Cable, tmp_path: Path) -> None:
    text = TEXT + '[[group]]\nname = "staff"\nmembers = ["02:00:00:00:00:02"{}]\n'
    assert found(wire, groups.find, config_of(tmp_path, text.format(""))) == []
    ip(f"-n {wire.near.name} route add 10.20.0.0/16 via {FAR_V4}")
    (finding,) = found(wire, groups.find, config_of(tmp_path, text.format("")))
    assert f"10.20.0.0/16 is behind the router {FAR_V4} on v0" in finding.what
    assert '"10.20.0.0/16"' in finding.mend
    assert found(wire, groups.find, config_of(tmp_path, text.format(', "10.20.0.0/16"'))) == []


def test_a_web_server_for_the_internet_side_unless_a_firewall_drops(wire: Cable, tmp_path: Path) -> None:
    text = '[metrics]\nlisten = "{}:10053"\n'
    (finding,) = found(wire, listening.find, config_of(tmp_path, text.format("0.0.0.0")))
    assert "at every address of this host" in finding.what
    assert found(wire, listening.find, config_of(tmp_path, text.format(FAR_V4))) == []
    wire.near.run(["nft", "-f", "-"], input=chain("input priority 0", policy="drop")).check_returncode()
    assert found(wire, listening.find, config_of(tmp_path, text.format("0.0.0.0"))) == []


@contextmanager
def announcing(wire: Cable, frame: bytes) -> Iterator[None]:
    """Sends the frame on the LAN repeatedly."""

    def announce(ended: threading.Event) -> None:
        while not ended.wait(0.1):
            wire.send_frames([frame])

    with beside(announce):
        yield


def test_another_router_and_the_resolver_that_it_announces(wire: Cable, tmp_path: Path) -> None:
    config = config_of(tmp_path)
    ether = Ether(src="02:00:00:00:00:02", dst="33:33:00:00:00:01")
    frame = ether / IPv6(src="fe80::2", dst="ff02::1", hlim=255) / ICMPv6ND_RA(routerlifetime=1800)
    frame /= ICMPv6NDOptRDNSS(dns=["fd09::53", "2620:fe::fe"], lifetime=600)
    wait_until(lambda: "tentative" not in wire.near.run(["ip", "-6", "addr"]).stdout)
    with announcing(wire, bytes(frame)):
        way, resolver = found(wire, routers.find, config)
    assert "fe80::2 on v0 announces itself as a default router" in way.what
    assert "the resolver fd09::53 on the LAN" in resolver.what
    assert found(wire, routers.find, config) == []


def test_offloads_are_read_as_ethtool_reads_them(wire: Cable, tmp_path: Path) -> None:
    """This kernel has neither flow tables nor a device that offloads flows: both are reported as absent."""
    assert found(wire, offload.find, config_of(tmp_path)) == []
    assert wire.near.inside(flow_tables) == []

    def theirs() -> set[str]:
        with Ethtool() as tool:
            features = tool.get_features("v0").features
            return {name for name, feature in features.items() if feature.enable}

    assert wire.near.inside(lambda: active_features("v0")) == wire.near.inside(theirs)


def run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


def test_a_state_directory_that_is_missing_full_or_closed(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    case = Case(config_of(tmp_path, f'[state]\npath = "{folder}"\n'), look(Config()).machine, ())
    (missing,) = disk.find(case)
    run("sh", "-c", missing.mend)
    assert all("does not exist" not in finding.what for finding in disk.find(case))
    run("mount", "-t", "tmpfs", "-o", "size=1m", "none", str(folder))
    try:
        (small,) = disk.find(case)
        assert "1 MiB are free" in small.what
        run("mount", "-o", "remount,size=200m", str(folder))
        assert list(disk.find(case)) == []
        run("mount", "-o", "remount,ro", str(folder))
        (closed,) = disk.find(case)
        assert "Read-only file system" in closed.what
        run("sh", "-c", closed.mend)
        assert list(disk.find(case)) == []
    finally:
        run("umount", str(folder))


def test_a_user_without_permission_is_sent_to_sudo_not_to_the_disk(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir(mode=0o750)
    code = (
        "from monitor.config.sections import Config, StateSection; from monitor.doctor import disk; "
        "from monitor.doctor.case import NOTHING, Case; "
        f"print(list(disk.find(Case(Config(state=StateSection({str(folder)!r})), NOTHING, ()))))"
    )
    command = [*as_nobody(), sys.executable, "-P", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(), check=True)
    assert "sudo gatewatch doctor" in done.stdout
    assert "remount" not in done.stdout
