"""Conntrack on the real kernel: what it counts is what was on the wire, and nothing of it is lost."""

import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from cable import FAR_V4, FAR_V6, NEAR_V4, NEAR_V6, Cable, cable, wait_until
from scapy.layers.inet import IP
from scapy.layers.inet6 import IPv6
from scapy.utils import PcapReader

from monitor.daemon.report import conntrack_samples
from monitor.kernel.netlink import conntrack
from monitor.kernel.netlink.conntrack import Conntrack, enable_accounting, is_tracking
from monitor.model import FLOW_END, FLOW_NEW, FLOW_UPDATE, FlowCount, flow_key, reverse_key

pytestmark = pytest.mark.netns

WAKE = "table inet test {{ chain c {{ type filter hook {hook} priority 0;\n ct state new counter\n }}\n }}\n"


def wake(wire: Cable, family: str = "inet", hook: str = "prerouting") -> None:
    """A rule of an administrator's, so that conntrack works in the namespace."""
    rules = WAKE.replace("inet", family).format(hook=hook)
    wire.near.run(["nft", "-f", "-"], input=rules).check_returncode()


@pytest.fixture(scope="module")
def wire() -> Iterator[Cable]:
    with cable() as ends:
        wake(ends)
        ends.near.inside(enable_accounting)
        yield ends


def dumped(source: Conntrack) -> list[FlowCount]:
    flows: list[FlowCount] = []
    source.start_dump()

    def ended() -> bool:
        flows.extend(source.read_dump(7.0))
        return not source.is_dumping

    wait_until(ended)
    return flows


def talk(wire: Cable, address: str, down: int) -> tuple[int, int]:
    """A TCP connection from far to near that brings `down` bytes; returns both ports."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    server = wire.near.inside(lambda: socket.create_server((address, 0), family=family))
    port = server.getsockname()[1]
    client = wire.far.inside(lambda: socket.create_connection((address, port)))
    with server, client:
        connection, _ = server.accept()
        with connection:
            client.sendall(b"GET /\r\n" * 30)
            connection.recv(65_536)
            while down > 0:  # in pieces that the buffers hold, because one thread does both ends
                connection.sendall(bytes(min(down, 50_000)))
                received = 0
                while received < min(down, 50_000):
                    received += len(client.recv(65_536))
                down -= received
            return client.getsockname()[1], port


def test_conntrack_sleeps_until_a_rule_wants_it() -> None:
    with cable() as ends:
        assert not ends.near.inside(lambda: is_tracking(socket.AF_INET))
        wake(ends, "ip")
        assert ends.near.inside(lambda: is_tracking(socket.AF_INET))
        assert not ends.near.inside(lambda: is_tracking(socket.AF_INET6))
        wake(ends, "ip6")
        assert ends.near.inside(lambda: is_tracking(socket.AF_INET6))


def test_tracking_shows_without_a_loopback_interface(wire: Cable) -> None:
    talk(wire, NEAR_V4, 10)
    subprocess.run(["ip", "-n", wire.near.name, "link", "set", "lo", "down"], check=True)
    try:
        assert wire.near.inside(lambda: is_tracking(socket.AF_INET))
    finally:
        subprocess.run(["ip", "-n", wire.near.name, "link", "set", "lo", "up"], check=True)


def test_accounting_is_switched_on_once_and_says_so() -> None:
    with cable() as ends:
        assert "older have no byte counts" in ends.near.inside(enable_accounting)
        assert ends.near.inside(enable_accounting) == ""


@pytest.mark.parametrize(("near", "far", "layer"), [(NEAR_V4, FAR_V4, IP), (NEAR_V6, FAR_V6, IPv6)])
def test_bytes_are_those_of_the_wire(
    wire: Cable, near: str, far: str, layer: type[IP] | type[IPv6], tmp_path: Path
) -> None:
    """Against tcpdump at the same interface, each way, exactly."""
    file = tmp_path / "truth.pcap"
    command = wire.near.command(["tcpdump", "-i", "v0", "-U", "-Z", "root", "-s", "128", "-w", str(file), "tcp"])
    truth = subprocess.Popen(command, stderr=subprocess.PIPE)
    assert truth.stderr is not None
    truth.stderr.readline()
    with closing(wire.near.inside(Conntrack)) as source, truth.stderr:
        ports = talk(wire, near, 2_000_000)
        family = socket.AF_INET6 if ":" in near else socket.AF_INET
        key = flow_key(socket.inet_pton(family, far), socket.inet_pton(family, near), *ports, 6)
        seen = [flow.state for flow in source.read_events(1.0) if flow.key == key]
        assert seen == [FLOW_NEW]
        flow = next(flow for flow in dumped(source) if flow.key == key)
        assert flow.state == FLOW_UPDATE
        assert flow.reply == reverse_key(key)
        wire.near.run(["conntrack", "-D", "-p", "tcp"]).check_returncode()
        (end,) = [flow for flow in source.read_events(2.0) if flow.key == key]
        assert (end.state, end.id) == (FLOW_END, flow.id)
        wait_until(lambda: truth_of(file, far, layer)[0] >= end.bytes_sent)
        truth.terminate()
        truth.wait(60)
    assert truth_of(file, far, layer) == (end.bytes_sent, end.bytes_reply)
    assert flow.bytes_reply > 2_000_000


def truth_of(file: Path, client: str, layer: type[IP] | type[IPv6]) -> tuple[int, int]:
    """IP bytes from and to the client."""
    up = down = 0
    with PcapReader(str(file)) as packets:
        for packet in packets:
            head = packet[layer]
            length = head.len if layer is IP else head.plen + 40
            if head.src == client:
                up += length
            else:
                down += length
    return up, down


def test_lost_events_are_made_up_for_by_a_dump(wire: Cable, monkeypatch: pytest.MonkeyPatch) -> None:
    """More flows begin than the socket's buffer holds: it is counted, and the dump has them all."""
    monkeypatch.setattr(conntrack, "EVENTS_BUFFER_BYTES", 4_096)

    def flood() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            for port in range(10_000, 11_000):
                out.sendto(b"x", (NEAR_V4, port))

    with closing(wire.near.inside(Conntrack)) as source:
        wire.far.inside(flood)
        news = 0
        while flows := source.read_events(1.0):
            news += len(flows)
        assert news < 1_000
        assert conntrack_samples(source)["conntrack_overruns_total"][()] >= 1
        assert source.is_dumping
        flows = []

        def ended() -> bool:
            flows.extend(source.read_dump(1.0))
            return not source.is_dumping

        wait_until(ended)
        ports = {int.from_bytes(flow.key[10:12], "big") for flow in flows}
        assert ports.issuperset(range(10_000, 11_000))
        assert source.dumped >= 1_000


def test_it_says_whether_more_events_wait_than_were_wanted(wire: Cable) -> None:
    def begin_flows() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            for port in range(11_000, 11_100):
                out.sendto(b"x", (NEAR_V4, port))

    with closing(wire.near.inside(Conntrack)) as source:
        wire.far.inside(begin_flows)
        assert len(source.read_events(1.0, 8)) == 8
        assert source.is_behind
        while source.read_events(1.0, 8):
            pass
        assert not source.is_behind


def test_a_dump_asked_for_during_a_dump_comes_after_it(wire: Cable) -> None:
    talk(wire, NEAR_V4, 10)
    with closing(wire.near.inside(Conntrack)) as source:
        source.start_dump()
        source.start_dump()
        counts: list[int] = []

        def ended() -> bool:
            counts.append(len(source.read_dump(1.0)))
            return not source.is_dumping

        wait_until(ended)
        assert len([count for count in counts if count]) >= 2
