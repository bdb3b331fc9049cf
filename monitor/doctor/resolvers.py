"""Checks the resolvers: which are configured, which devices use them, and whether the gateway sees the queries."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from monitor.attribution.networks import Networks, address_text
from monitor.doctor.case import Case
from monitor.doctor.finding import Finding
from monitor.enforcement.resolver import never_diverted, system_resolvers
from monitor.lan.interfaces import connected_prefixes
from monitor.policy.ban import DNS, ENFORCE
from monitor.sinkhole.settings import SYSTEM

TOPIC: Final = "resolvers"
LOOPBACK: Final = Networks(("127.0.0.0/8", "::1/128"))
SOCKETS: Final = (Path("/proc/net/udp"), Path("/proc/net/udp6"))
DNS_PORT: Final = ":0035"


def find(case: Case) -> Iterator[Finding]:
    section = case.config.sinkhole
    system = system_resolvers()
    own = case.own_addresses()
    configured = configured_upstreams(case)
    if not system:
        what = "this host has no resolver: it cannot look up the addresses of allowed and banned names"
        yield Finding(TOPIC, what, "echo 'nameserver 9.9.9.9' >> /etc/resolv.conf")
    for address in (*system, *configured):
        if (address in own or LOOPBACK.contains(address)) and not resolver_listens():
            where = "/etc/resolv.conf" if address in system else "[sinkhole] upstream"
            what = f"{where} names this host itself ({address_text(address)}), and nothing listens on port 53 here"
            mend = "systemctl start dnsmasq   # or the resolver of this host; else set another one there"
            yield Finding(TOPIC, what, mend)
    yield from find_on_lan(case)
    if section.upstream == SYSTEM and not system:
        yield Finding(TOPIC, "the sinkhole has no resolver to forward queries to", 'upstream = "asked" in [sinkhole]')


def configured_upstreams(case: Case) -> tuple[bytes, ...]:
    upstream = case.config.sinkhole.upstream
    return () if isinstance(upstream, str) else upstream


def find_on_lan(case: Case) -> Iterator[Finding]:
    """Finds a resolver behind a watched interface: the gateway sees its queries, not the queries of the devices."""
    if not any(ban.mode == ENFORCE and DNS in ban.layers for ban in case.config.bans):
        return
    lan = on_link(case)
    exempt = never_diverted(case.config.sinkhole)
    for address in dict.fromkeys((*system_resolvers(), *configured_upstreams(case))):
        if lan.contains(address) and address not in case.own_addresses() and address not in exempt:
            text = address_text(address)
            yield Finding(
                TOPIC,
                f"{text} is a resolver on the LAN: the gateway sees only its queries, which bans of everyone "
                "would divert; for its clients the layers sni and ip apply, dns does not",
                f'exempt = ["{text}"] in [sinkhole]   # and let DHCP announce the gateway as the resolver',
            )


def on_link(case: Case) -> Networks:
    """Returns the prefixes of the watched interfaces."""
    connected = connected_prefixes(case.machine, case.names) or {}
    return Networks([prefix for prefixes in connected.values() for prefix in prefixes])


def resolver_listens() -> bool:
    """Whether a socket of this network namespace listens on port 53 (proc(5))."""
    for path in SOCKETS:
        try:
            lines = path.read_text().splitlines()[1:]
        except OSError:
            continue
        if any(line.split()[1].endswith(DNS_PORT) for line in lines):
            return True
    return False
