"""Gateways with more than a LAN and a WAN: a second way out, containers, a bridge that routes for nobody, and a daemon
that began without a configuration.
"""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from banned import REFUSED, configuration

from monitor.lab.child import Child, python_module
from monitor.lab.gateway import COMMAND, LabDaemon
from monitor.lab.lab import Lab
from monitor.lab.namespace import Namespace
from monitor.lab.plan import WAN_GATEWAY_V4
from monitor.lab.zone import NAMELESS_V4

pytestmark = pytest.mark.netns

# Nothing names an interface, so that the daemon chooses; nobody may reach the vendor.
UNNAMED = '[[ban]]\nvendors = ["bytedance"]\nlayers = ["ip"]\nmode = "enforce"\n'
CONTAINERS, CONTAINER, DOCKER = "172.17.0.0/16", "172.17.0.2", "172.17.0.1"
CALLS = ("bridge/bridge-nf-call-iptables", "bridge/bridge-nf-call-ip6tables")


def batch(space: Namespace, *lines: str) -> None:
    space.run(["ip", "-batch", "-"], input="\n".join(lines)).check_returncode()


def watched(daemon: LabDaemon) -> list[str]:
    return [row["interface"] for row in daemon.ask("status")["interfaces"]]


def words_of(daemon: LabDaemon, verb: str) -> str:
    done = daemon.run(verb, "--config", str(daemon.configuration))
    return done.stdout + done.stderr


@contextmanager
def second_way_out(lab: Lab, *address: str) -> Iterator[None]:
    """A WAN port with a private address, as behind the modem of another provider."""
    batch(lab.gateway, "link add wan2 type veth peer name wan2-far", "link set wan2 up", "link set wan2-far up")
    batch(lab.gateway, " ".join(["addr add 172.20.0.2/24 dev wan2", *address]))
    try:
        yield
    finally:
        lab.gateway.run(["ip", "link", "del", "wan2"])


def test_a_second_way_out_with_a_private_address_is_no_lan_while_it_has_no_route(lab: Lab) -> None:
    with second_way_out(lab):
        batch(lab.gateway, "route add default via 172.20.0.1 dev wan2 metric 500")
        daemon = lab.daemon(UNNAMED)
        batch(lab.gateway, "route del default via 172.20.0.1 dev wan2 metric 500")
        assert watched(daemon) == ["br-lan"]
        daemon.stop()
        daemon.start()
        assert watched(daemon) == ["br-lan"]
        assert "not watching wan2: a default route has led out through it" in words_of(daemon, "check")
        assert lab.client("phone").curl(f"https://{NAMELESS_V4}/").code == REFUSED


def test_a_second_way_out_with_a_lease_never_was_a_lan(lab: Lab) -> None:
    with second_way_out(lab, "valid_lft 3600 preferred_lft 3600"):
        daemon = lab.daemon(UNNAMED)
        assert watched(daemon) == ["br-lan"]
        assert "not watching wan2: its address is a lease of a DHCP server" in words_of(daemon, "check")


@pytest.fixture
def container(lab: Lab) -> Iterator[Namespace]:
    """A container as its engine makes it: an end of a veth pair, whose other end is a port of docker0."""
    space = Namespace(f"gwt-{os.getpid()}-ct")
    space.create()
    try:
        batch(
            lab.gateway,
            "link add docker0 type bridge", f"addr add {DOCKER}/16 dev docker0", "link set docker0 up",
            f"link add veth77 type veth peer name eth0 netns {space.name}", "link set veth77 master docker0 up",
        )  # fmt: skip
        batch(space, f"addr add {CONTAINER}/16 dev eth0", "link set eth0 up", f"route add default via {DOCKER}")
        batch(lab.internet, f"route add {CONTAINERS} via {WAN_GATEWAY_V4}")
        yield space
    finally:
        lab.internet.run(["ip", "route", "del", CONTAINERS])
        lab.gateway.run(["ip", "link", "del", "docker0"])
        space.remove()


def fetch(space: Namespace) -> int:
    """curl's exit code for a banned address."""
    fetched = ["curl", "-sk", "--noproxy", "*", "--max-time", "8", "-o", "/dev/null", f"https://{NAMELESS_V4}/"]
    return space.run(fetched).returncode


def test_containers_are_left_alone_unless_their_bridge_is_named(lab: Lab, container: Namespace) -> None:
    daemon = lab.daemon(UNNAMED)
    assert watched(daemon) == ["br-lan"]
    assert "not watching docker0: made for containers" in words_of(daemon, "check")
    assert fetch(container) == 0
    assert lab.client("phone").curl(f"https://{NAMELESS_V4}/").code == REFUSED
    daemon.configure('[capture]\ninterfaces = ["br-lan", "docker0"]\n' + UNNAMED)
    daemon.reload()
    daemon.wait_for("watched", lambda: watched(daemon) == ["br-lan", "docker0"])
    daemon.wait_for("banned", lambda: fetch(container) == REFUSED)
    assert "docker0" not in words_of(daemon, "check")


@pytest.fixture
def bridged(lab: Lab) -> Iterator[LabDaemon]:
    """A daemon that watches a bridge between two hosts; the bridge is named on the command line alone."""
    hosts = [Namespace(f"gwt-{os.getpid()}-{name}") for name in ("one", "two")]
    for host in hosts:
        host.create()
    try:
        batch(lab.gateway, "link add br-tap type bridge", "link set br-tap up")
        for number, host in enumerate(hosts):
            port = f"tap{number}"
            batch(
                lab.gateway,
                f"link add {port} type veth peer name eth0 netns {host.name}",
                f"link set {port} master br-tap up",
            )
            batch(host, f"addr add 10.77.0.{number + 1}/24 dev eth0", "link set eth0 up")
        lab.gateway.sysctl(dict.fromkeys(CALLS, 0))
        daemon = LabDaemon(lab.gateway, lab.folder / "daemon-bridge", UNNAMED, ("-i", "br-tap"))
        lab.daemons.append(daemon)
        daemon.start()
        with hosts[1].inside(lambda: socket.create_server(("10.77.0.2", 443))):
            hosts[0].inside(lambda: socket.create_connection(("10.77.0.2", 443), 10).close())
        yield daemon
        daemon.stop()
    finally:
        lab.gateway.run(["ip", "link", "del", "br-tap"])
        lab.gateway.sysctl(dict.fromkeys(CALLS, 1))
        for host in hosts:
            host.remove()


def test_a_bridge_that_routes_for_nobody_is_the_same_fault_for_every_verb(bridged: LabDaemon, lab: Lab) -> None:
    """`check` and `doctor` have to ask the daemon which interface it watches."""
    assert watched(bridged) == ["br-tap"]
    for verb in ("check", "doctor"):
        assert "br-tap is a bridge whose frames are not routed: no ban applies there" in words_of(bridged, verb)
    assert "frames cross br-tap without being routed" in bridged.ask("status")["health"]["enforcement"]
    assert bridged.metric("enforcement_up", part="kernel") == 0
    # Where bridged frames meet the hooks of IPv4 and IPv6, bans by address hold.
    lab.gateway.sysctl(dict.fromkeys(CALLS, 1))
    bridged.reload()
    bridged.wait_for("enforced", lambda: bridged.metric("enforcement_up", part="kernel") == 1)
    assert not bridged.ask("status")["health"]["enforcement"]
    for verb in ("check", "doctor"):
        assert "frames cross" not in words_of(bridged, verb)
    bridged.configure(UNNAMED.replace('layers = ["ip"]', 'layers = ["dns", "ip"]'))
    bridged.reload()
    bridged.wait_for("told", lambda: "dns layer is off" in bridged.ask("status")["health"]["enforcement"])
    for verb in ("check", "doctor"):
        assert "frames are not routed: DNS queries are not diverted there" in words_of(bridged, verb)


# /etc and the state directory are the daemon's own: no file of this machine changes.
PRIVATE = """
cp -a /etc "$0/etc" && mount --bind "$0/etc" /etc && mkdir -p /etc/gatewatch && rm -f /etc/gatewatch/gatewatch.toml &&
mount -t tmpfs none /var/lib && mount -t tmpfs none /var/cache && exec "$@"
"""


class Unconfigured(LabDaemon):
    """`gatewatch run` as `make run` starts it, without `--config`, in a mount namespace of its own."""

    def start(self, seconds: float = 60.0) -> None:
        command = python_module(COMMAND, "run")
        inside = ["unshare", "--mount", "--propagation", "private", "sh", "-c", PRIVATE, str(self.folder), *command]
        self.child = Child(self.gateway, inside, self.log, self._environment)
        self.wait_for("ready", lambda: "running:" in self.log.read_text(), seconds)


def test_a_reload_finds_the_configuration_that_was_written_after_the_start(lab: Lab) -> None:
    daemon = Unconfigured(lab.gateway, lab.folder / "daemon-bare", "", ())
    lab.daemons.append(daemon)
    daemon.start()
    assert daemon.run("reload").stdout == "reloaded: defaults\n"
    assert lab.client("phone").curl(f"https://{NAMELESS_V4}/").good
    place = Path(daemon.folder, "etc", "gatewatch", "gatewatch.toml")
    place.write_text(f'[state]\npath = "{daemon.folder / "state"}"\n' + configuration(lab))
    assert daemon.run("reload").stdout == "reloaded: /etc/gatewatch/gatewatch.toml\n"
    daemon.wait_for("banned", lambda: lab.client("phone").curl(f"https://{NAMELESS_V4}/").code == REFUSED)
    assert lab.client("laptop").curl(f"https://{NAMELESS_V4}/").good
