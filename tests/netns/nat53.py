"""A gateway whose port 53 has NAT, as routers with a resolver of their own have it, and what its clients are told."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from cable import wait_until

from monitor.lab.child import Child
from monitor.lab.client import Answer
from monitor.lab.dig import Question
from monitor.lab.lab import Lab
from monitor.lab.leftovers import LabLock
from monitor.lab.namespace import Namespace
from monitor.lab.plan import RESOLVER_V4, Lan, Plan

LAN_V4, LAN_V6 = "192.168.77.0/24", "fd77::/64"
ROUTER = ("192.168.77.1", "fd77::1")
FOREIGN = ("8.8.8.8", "2001:4860:4860::8888")
CONTAINER = ("172.30.0.2", "fd30::2")
BANNED, BESIDE, WHERE = "www.tiktok.com", "nottiktok.com", "where.example"
# What each resolver says to the name that tells which one was asked.
MARKERS = {"gateway": "192.0.2.53", "other port": "192.0.2.35", "container": "192.0.2.30", "lan host": "192.0.2.77"}
BRIDGE_CALLS = ("bridge-nf-call-iptables", "bridge-nf-call-ip6tables")

RULES = """table inet admin {{
 chain prerouting {{
 type nat hook prerouting priority dstnat; policy accept;
 {rules}
 }}
 chain postrouting {{
 type nat hook postrouting priority srcnat; policy accept;
 meta nfproto ipv4 oifname "wan0" masquerade
 iifname "br-lan" oifname "br-lan" meta l4proto {{ tcp, udp }} th dport 53 masquerade
 }}
}}
"""
PORT_53 = 'iifname "br-lan" meta l4proto { tcp, udp } th dport 53'


@dataclass(frozen=True)
class Variant:
    """A way in which an administrator takes port 53; `marker` is the key of the resolver that clients reach by it."""

    name: str
    marker: str
    rules: tuple[str, ...]


def variants(lan_host: tuple[str, str]) -> dict[str, Variant]:
    v4, v6 = lan_host
    not_it = f"{PORT_53} ip saddr != {v4}", f"{PORT_53} ip6 saddr != {v6}"
    found = (
        Variant("redirect to :53", "gateway", (f"{PORT_53} redirect to :53",)),
        Variant("redirect to :5335", "other port", (f"{PORT_53} redirect to :5335",)),
        Variant(
            "DNAT to a container",
            "container",
            (f"{PORT_53} dnat ip to {CONTAINER[0]}", f"{PORT_53} dnat ip6 to {CONTAINER[1]}"),
        ),
        Variant("DNAT to a LAN host", "lan host", (f"{not_it[0]} dnat ip to {v4}", f"{not_it[1]} dnat ip6 to {v6}")),
    )
    return {variant.name: variant for variant in found}


class Town:
    """The lab with its resolvers; one variant of NAT at a time."""

    def __init__(self, lab: Lab, container: Namespace) -> None:
        self.lab = lab
        host = lab.client("nas")
        self.variants = variants((host.v4, host.v6))
        self.children: list[Child] = []
        self.asked = 0  # by the last call of `ask`
        self._container = container
        self._on_53: Child | None = None
        self._resolver(container, "container", 53)
        self._resolver(host.namespace, "lan host", 53)
        self._resolver(lab.gateway, "other port", 5335)

    def take(self, variant: Variant) -> None:
        """Loads its rules, and has a resolver on the gateway's port 53 where they lead there."""
        if (variant.marker == "gateway") != (self._on_53 is not None):
            if self._on_53 is not None:
                self._on_53.stop()
                self._on_53 = None
            else:
                self._on_53 = self._resolver(self.lab.gateway, "gateway", 53)
        gateway = self.lab.gateway
        gateway.run(["nft", "delete", "table", "inet", "admin"])
        rules = RULES.format(rules="\n".join(variant.rules))
        gateway.run(["nft", "-f", "-"], input=rules).check_returncode()
        gateway.run(["conntrack", "-F"])

    def call(self, bridged: int) -> None:
        """Whether what bridges forward meets the hooks of IPv4 and IPv6."""
        self.lab.gateway.sysctl({f"bridge/{name}": bridged for name in BRIDGE_CALLS})

    def ask(self, who: str, names: tuple[str, ...], tcp: bool) -> dict[Question, Answer]:
        """Of the router and of resolvers elsewhere, over both families; once more, as clients do, without an answer."""
        asked = [
            (server, name, "AAAA" if ":" in server and name == BESIDE else "A")
            for server in (*ROUTER, *FOREIGN)
            for name in names
        ]
        client = self.lab.client(who)
        answers = client.dig_all(asked, tcp=tcp)
        lost = [question for question in asked if not answers[question].status]
        self.asked = len(asked) + len(lost)
        return answers | (client.dig_all(lost, tcp=tcp) if lost else {})

    def close(self) -> None:
        for child in self.children:
            child.stop()

    def _resolver(self, place: Namespace, marker: str, port: int) -> Child:
        """A dnsmasq there; it is listening when this returns."""
        options = ["--keep-in-foreground", "--no-resolv", "--no-hosts", "--user=root", "--pid-file", "--cache-size=0"]
        options += [f"--port={port}", f"--server={RESOLVER_V4}", f"--address=/{WHERE}/{MARKERS[marker]}"]
        log = self.lab.folder / f"dnsmasq-{len(self.children)}.log"
        child = Child(place, ["dnsmasq", "--conf-file=/dev/null", *options], log)
        self.children.append(child)
        wait_until(lambda: f":{port} " in place.run(["ss", "-Hltn"]).stdout)
        return child


def told(answers: Mapping[Question, Answer]) -> dict[Question, tuple[str, frozenset[str]]]:
    return {
        question: (answer.status, frozenset(record.split()[-1] for record in answer.records))
        for question, answer in answers.items()
    }


@contextmanager
def town() -> Iterator[Town]:
    lan = Lan(prefixes=(LAN_V4, LAN_V6), clients=("phone", "laptop", "nas"))
    with Lab(Plan(lans=(lan,))) as lab:
        claim = LabLock()
        container = claim.namespace("container")
        try:
            container.create()
            settle(lab.gateway, container)
            built = Town(lab, container)
            try:
                yield built
            finally:
                built.close()
        finally:
            claim.release()


def settle(gateway: Namespace, container: Namespace) -> None:
    """The container behind a bridge of its own, as container engines make it."""
    commands = [
        "link add br-cont type bridge",
        f"link add veth-cont type veth peer eth0 netns {container.name}",
        "link set veth-cont master br-cont up",
        "link set br-cont up",
        "addr add 172.30.0.1/24 dev br-cont",
        "addr add fd30::1/64 dev br-cont nodad",
    ]
    inside = ["link set eth0 up", "addr add 172.30.0.2/24 dev eth0", "addr add fd30::2/64 dev eth0 nodad"]
    inside += ["route add default via 172.30.0.1", "-6 route add default via fd30::1"]
    for place, some in ((gateway, commands), (container, inside)):
        for command in some:
            place.run(["ip", *command.split()]).check_returncode()
