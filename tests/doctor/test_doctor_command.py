"""The command on a gateway that is not well: what needs a process of its own to be seen."""

import contextlib
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dns.message
import dns.rrset
import pytest
from cable import FAR_V4, NEAR_V4, Cable, beside, cable, ip, wait_until
from privileges import as_nobody

from monitor.errors import EXIT_FINDING, EXIT_MACHINE
from monitor.lab.child import environment, python_module
from monitor.lab.gateway import LabDaemon
from monitor.lab.namespace import Namespace
from monitor.selftest.check import Check
from monitor.selftest.dry_run import try_out

pytestmark = pytest.mark.netns

TEXT = '[capture]\ninterfaces = ["v0"]\n[[ban]]\nvendors = ["bytedance"]\nmode = "enforce"\n'
COMMAND = "monitor.cli.main"
# A gateway whose firewall drops unsolicited packets.
FIREWALL = """table inet admin {
 chain pre {
 type filter hook prerouting priority raw; policy accept;
 }
 chain forw {
 type filter hook forward priority filter; policy drop;
 ct state established,related accept
 ct state invalid drop
 }
 chain inp {
 type filter hook input priority filter; policy drop;
 }
 chain post {
 type nat hook postrouting priority srcnat; policy accept;
 masquerade
 }
}
"""


@pytest.fixture
def wire() -> Iterator[Cable]:
    with cable() as ends:
        ends.near.sysctl({"ipv4/ip_forward": 1, "ipv6/conf/all/forwarding": 1, "netfilter/nf_conntrack_acct": 1})
        yield ends


def doctor(wire: Cable, folder: Path, text: str = TEXT) -> list[dict[str, str]]:
    """The findings about resolvers and NAT64."""
    path = folder / "gatewatch.toml"
    path.write_text(text)
    command = wire.near.command(python_module(COMMAND, "doctor", "--config", str(path), "--json"))
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment(), check=False)
    findings: list[dict[str, str]] = json.loads(done.stdout)["findings"]
    assert done.returncode == (EXIT_FINDING if findings else 0), done.stderr
    return [finding for finding in findings if finding["topic"] in ("resolvers", "NAT64")]


@contextmanager
def answering(place: Namespace, address: str, record: str = "") -> Iterator[None]:
    """A resolver at an address in there that answers everything with this record, or with none."""

    def listen() -> socket.socket:
        listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        listener.bind((address, 53))
        listener.settimeout(0.1)
        return listener

    def serve(ended: threading.Event) -> None:
        while not ended.is_set():
            with contextlib.suppress(TimeoutError):
                data, peer = listener.recvfrom(512)
                answer = dns.message.make_response(dns.message.from_wire(data))
                if record:
                    answer.answer.append(dns.rrset.from_text(answer.question[0].name, 60, "IN", "AAAA", record))
                listener.sendto(answer.to_wire(), peer)

    with place.inside(listen) as listener, beside(serve):
        yield


def test_a_network_that_translates_and_its_resolver_on_the_lan(wire: Cable, tmp_path: Path) -> None:
    wire.near.resolve_by([FAR_V4])
    with answering(wire.far, FAR_V4, "2001:db8:64::c000:aa"):  # as RFC 7050 section 3 has it
        resolver, translator = doctor(wire, tmp_path)
        assert f"{FAR_V4} is a resolver on the LAN" in resolver["what"]
        assert "translates IPv4 into 2001:db8:64::/96" in translator["what"]
        prefixes = translator["mend"].partition(" in [capture]")[0]
        exempt = resolver["mend"].partition(" in [sinkhole]")[0]
        text = TEXT.replace("[capture]\n", f"[capture]\n{prefixes}\n") + f"[sinkhole]\n{exempt}\n"
        assert doctor(wire, tmp_path, text) == []


def test_a_gateway_that_asks_itself_and_does_not_answer(wire: Cable, tmp_path: Path) -> None:
    wire.near.resolve_by([NEAR_V4])
    (finding,) = doctor(wire, tmp_path)
    assert f"/etc/resolv.conf names this host itself ({NEAR_V4})" in finding["what"]
    with answering(wire.near, NEAR_V4):
        assert doctor(wire, tmp_path) == []


def test_nobody_in_particular_learns_which_privileges_are_missing() -> None:
    for more in ([], ["--enforcement"]):
        command = [*as_nobody(), *python_module(COMMAND, "doctor", *more)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment(), check=False)
        assert done.returncode == EXIT_MACHINE, done
        assert "CAP_NET_ADMIN" in done.stdout + done.stderr
        assert "Traceback" not in done.stderr


def test_a_machine_that_allows_no_namespace(tmp_path: Path) -> None:
    """In a user namespace of its own, so that the machine's limit stays as it is."""
    path = tmp_path / "out"
    look = " ".join(python_module(COMMAND, "doctor", "--json"))
    script = (
        f"echo 0 > /proc/sys/user/max_net_namespaces; {look} > {path}.before\n"
        f"sysctl -q -w user.max_net_namespaces=1024; {look} > {path}.after\n"
    )
    done = subprocess.run(
        ["unshare", "-r", "-n", "sh", "-c", script], capture_output=True, text=True, timeout=60, env=environment(),
        check=False,
    )  # fmt: skip
    before, after = (json.loads(Path(f"{path}.{when}").read_text())["findings"] for when in ("before", "after"))
    (finding,) = [finding for finding in before if finding["topic"] == "kernel"]
    assert "cannot run the sinkhole" in finding["what"], done.stderr
    assert "sysctl -w user.max_net_namespaces=1024" in finding["mend"]
    assert finding["missing"]
    assert [finding for finding in after if finding["topic"] == "kernel"] == []


def test_a_machine_is_tried_out_behind_a_strict_firewall_and_left_as_it_was(wire: Cable) -> None:
    def state() -> str:
        commands = ("nft list ruleset", "ip -br link", "ip rule", "ip route show table all", "ip -6 route")
        return "".join(wire.near.run(command.split()).stdout for command in commands)

    wire.near.run(["nft", "-f", "-"], input=FIREWALL).check_returncode()
    wire.near.sysctl({"ipv4/conf/all/rp_filter": 1, "netfilter/nf_conntrack_tcp_loose": 0})
    wait_until(lambda: "local fe80:" in state() and "linkdown" not in state())  # by then the kernel has done its part
    before = state()
    checks: list[Check] = wire.near.inside(try_out)
    assert [str(check) for check in checks if check.fault] == []
    assert len(checks) == 10
    assert state() == before


def test_a_family_that_is_not_forwarded_is_not_tried(wire: Cable) -> None:
    wire.near.sysctl({"ipv6/conf/all/forwarding": 0})
    checks: list[Check] = wire.near.inside(try_out)
    assert [check.what for check in checks if check.layer != "dns"] == [
        "TLS on IPv4",
        "QUIC on IPv4",
        "TCP on IPv4",
    ]
    assert not any(check.fault for check in checks)


def test_the_doctor_does_not_load_what_only_the_lab_needs() -> None:
    code = "import sys, monitor.cli.verbs.doctor; print({'scapy', 'pyroute2'} & set(sys.modules) or [])"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, env=environment(), check=True
    )
    assert done.stdout.strip() == "[]"


def test_bans_are_refused_where_a_bridge_passes_them_by(wire: Cable, tmp_path: Path) -> None:
    for command in ("link add br0 type bridge", "link set br0 up", "link set v0 master br0", "addr flush dev v0"):
        ip(f"-n {wire.near.name} {command}")
    wire.near.sysctl({"bridge/bridge-nf-call-iptables": 0, "bridge/bridge-nf-call-ip6tables": 0})
    daemon = LabDaemon(wire.near, tmp_path / "daemon", TEXT.replace("v0", "br0"), ())
    daemon.start()
    try:
        assert "frames cross br0 without being routed" in daemon.ask("status")["health"]["enforcement"]
        assert "gatewatch" not in wire.near.run(["nft", "list", "tables"]).stdout
        said = daemon.run("check", "--config", str(daemon.configuration))
        assert said.returncode == EXIT_FINDING
        assert "br0 is a bridge whose frames are not routed: no ban applies there" in said.stdout
    finally:
        daemon.stop()
