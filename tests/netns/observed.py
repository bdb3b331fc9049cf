"""Traffic whose every flow is known beforehand, and what the daemon and tcpdump made of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from monitor.lab.capture import Conversation, FlowTally, both_ways
from monitor.lab.client import Answer, Transfer
from monitor.lab.gateway import Sample
from monitor.lab.lab import Lab
from monitor.lab.zone import NAMELESS_V4, NAMELESS_V6

TOLERANCE = 0.01
INSTAGRAM_V6 = "2a03:2880:f200:e5:face:b00c:0:4420"
HOSTNAME = "annas-phone"
EDGE_V4 = "23.192.228.80"

Made = Answer | Transfer


@dataclass(frozen=True)
class Case:
    """One flow: `client` makes it, and it must be taken for `vendor`, `service` by `evidence`."""

    label: str
    client: str
    protocol: str
    make: Callable[[Lab], Made]
    vendor: str = "bytedance"
    service: str = "tiktok"
    evidence: str = "sni"


def dig(label: str, server: str, tcp: bool) -> Case:
    def make(lab: Lab) -> Answer:
        return lab.client("phone").dig("www.tiktok.com", "A" if tcp else "AAAA", server=server, tcp=tcp)

    return Case(label, "phone", "tcp" if tcp else "udp", make, "unknown", "unknown", "none")


def curl(
    label: str, client: str, url: str, vendor: str = "bytedance", service: str = "tiktok", evidence: str = "sni",
    **options: Any,
) -> Case:  # fmt: skip
    return Case(label, client, "tcp", lambda lab: lab.client(client).curl(url, **options), vendor, service, evidence)


def quic(label: str, name: str, address: str, vendor: str, service: str, **options: Any) -> Case:
    def make(lab: Lab) -> Transfer:
        return lab.client("laptop").quic(name, address, **options)

    return Case(label, "laptop", "udp", make, vendor, service, "quic" if options.get("sni", True) else "prefix")


def hello(label: str, address: str) -> Case:
    return Case(label, "phone", "tcp", lambda lab: lab.client("phone").long_hello("www.tiktok.com", address))


DIGS = (
    dig("dig over UDP, IPv4", "203.0.113.53", tcp=False),
    dig("dig over UDP, IPv6", "2001:db8:53::53", tcp=False),
    dig("dig over TCP, IPv4", "203.0.113.53", tcp=True),
    dig("dig over TCP, IPv6", "2001:db8:53::53", tcp=True),
)

NOBODY = ("unknown", "unknown", "none")
SEGMENTED = "https://m.tiktok.com"

CASES = (
    *DIGS,
    curl("TLS 1.2, IPv4, small segments", "phone", f"{SEGMENTED}/bytes/300000", tls="1.2"),
    curl("TLS 1.3, IPv4, small segments", "phone", f"{SEGMENTED}/", tls="1.3", upload=300_000),
    curl("TLS 1.2, IPv6, small segments", "phone", f"{SEGMENTED}/", tls="1.2", ipv6=True, upload=300_000),
    curl("TLS 1.3, IPv6, small segments", "phone", f"{SEGMENTED}/bytes/300000", tls="1.3", ipv6=True),
    hello("a hello longer than a segment, IPv4", "71.18.1.10"),
    hello("a hello longer than a segment, IPv6", "2605:340::10"),
    quic("QUIC, IPv4, down", "www.youtube.com", "142.250.74.78", "google", "youtube", path="/bytes/200000"),
    quic("QUIC, IPv4, up", "www.youtube.com", "142.250.74.78", "google", "youtube", upload=200_000),
    quic("QUIC, IPv6, down", "www.instagram.com", INSTAGRAM_V6, "meta", "instagram", path="/bytes/200000"),
    quic("QUIC, IPv6, up", "www.instagram.com", INSTAGRAM_V6, "meta", "instagram", upload=200_000),
    quic("QUIC without a name", NAMELESS_V4, NAMELESS_V4, "bytedance", "", sni=False, path="/bytes/5000"),
    curl("a name outside the vendor's prefixes", "laptop", "https://www.capcut.com/bytes/20000", service="capcut"),
    curl("the same, IPv6", "laptop", "https://www.capcut.com/bytes/20000", service="capcut", ipv6=True),
    curl("no name, the vendor's prefix", "laptop", f"https://{NAMELESS_V4}/bytes/9000", service="", evidence="prefix"),
    curl(
        "no name, the vendor's prefix, IPv6", "laptop", f"https://[{NAMELESS_V6}]/bytes/9000", service="",
        evidence="prefix", ipv6=True,
    ),
    curl("a CDN behind CNAMEs", "laptop", "https://v16-webapp.tiktok.com/bytes/20000"),
    curl("the CDN's address, its name only asked for", "laptop", f"https://{EDGE_V4}/bytes/9000", evidence="dns"),
    curl(
        "an address that another device asked for", "phone", "https://203.0.113.30/bytes/9000", service="capcut",
        evidence="dns",
    ),
    curl("a privacy address", "phone", "https://www.tiktok.com/bytes/9000", ipv6=True, source="privacy"),
    curl("no vendor", "phone", "https://www.example.org/bytes/9000", *NOBODY),
    curl("HTTP in the clear", "phone", "http://www.tiktok.com/bytes/9000", evidence="http"),
    curl("a name that ends like a vendor's", "phone", "https://nottiktok.com/", *NOBODY),
)  # fmt: skip


@dataclass(frozen=True)
class Observed:
    """What tcpdump saw, and what the daemon said when the traffic was over and after it was stopped."""

    ports: dict[str, int]
    seen: dict[Conversation, FlowTally]
    metrics: dict[str, list[Sample]]
    rows: list[dict[str, Any]]
    devices: list[dict[str, Any]]
    events: list[dict[str, Any]]
    exit_code: int
    macs: dict[str, str]

    def truth(self, case: Case) -> tuple[Conversation, FlowTally, FlowTally]:
        return both_ways(self.seen, case.protocol, self.ports[case.label])

    def event(self, kind: str, case: Case) -> dict[str, Any]:
        """The one event of a kind that the client of the case sent from the case's port."""
        flow, _, _ = self.truth(case)
        mine = [
            event
            for event in self.events
            if event["event_type"] == kind
            and (event["proto"], event["src_ip"], event["src_port"]) == (flow[0].upper(), flow[1], flow[2])
        ]
        assert len(mine) == 1, f"{len(mine)} {kind} events for {case.label}: {mine}"
        return mine[0]

    def total(self, name: str, **labels: str) -> float:
        samples = self.metrics.get(f"gatewatch_{name}", [])
        return sum(value for known, value in samples if labels.items() <= known.items())


def configuration(lab: Lab, flows: str, more: str = "") -> str:
    phone = lab.client("phone").mac
    return (
        f'[capture]\ninterfaces = ["br-lan"]\nflows = "{flows}"\n\n'
        f'[[group]]\nname = "phones"\nmembers = ["{phone}"]\n\n{more}'
    )


def observe(lab: Lab, flows: str) -> Observed:
    """Make all the traffic under the eyes of the daemon and of tcpdump."""
    daemon = lab.daemon(configuration(lab, flows))
    try:
        ports, seen = make_traffic(lab)
        expected = sum(both_ways(seen, case.protocol, ports[case.label])[2].bytes for case in CASES)
        daemon.wait_for(
            f"counted {expected} bytes", lambda: daemon.metric("flow_bytes_total", direction="down") > 0.99 * expected
        )
        metrics, rows, devices = daemon.metrics(), daemon.rows(), daemon.ask("devices")
    finally:
        code = daemon.stop()
    macs = {name: client.mac for name, client in lab.clients.items()}
    return Observed(ports, seen, metrics, rows, devices["devices"], daemon.eve(), code, macs)


def make_traffic(lab: Lab) -> tuple[dict[str, int], dict[Conversation, FlowTally]]:
    """The client's port of each case, and what tcpdump saw."""
    capture = lab.capture()
    lab.client("phone").dhcp(HOSTNAME)
    ports: dict[str, int] = {}
    for case in CASES:
        made = case.make(lab)
        assert made.good, f"{case.label}: {made.text}"
        ports[case.label] = made.port
    return ports, capture.stop()
