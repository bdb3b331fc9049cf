"""Checks the machine as a gateway: kernel, forwarding, and the interfaces that would be watched."""

import os
import re
from collections.abc import Iterator
from typing import Final

from monitor.doctor.case import Case
from monitor.doctor.finding import Finding
from monitor.lan.bridges import pure_bridges, sees_bridged
from monitor.policy.ban import DNS, ENFORCE

TOPIC: Final = "machine"
OLDEST: Final = (6, 1)
SYSCTL_FILE: Final = "/etc/sysctl.d/60-gatewatch.conf"
FORWARD: Final = "sysctl -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1"
BRIDGE: Final = (
    "modprobe br_netfilter; sysctl -w net.bridge.bridge-nf-call-iptables=1 net.bridge.bridge-nf-call-ip6tables=1"
)


def find(case: Case) -> Iterator[Finding]:
    release = os.uname().release
    if version_of(release) < OLDEST:
        yield Finding(TOPIC, f"Linux {release} is older than 6.1", "apt-get install linux-image-amd64", missing=True)
    yield from find_nothing_to_watch(case)
    if case.enforces and not case.machine.forwarding:
        what = "this host does not forward packets, and bans apply only to forwarded packets"
        yield Finding(TOPIC, what, f"{FORWARD}   # and to keep it, into {SYSCTL_FILE}")
    yield from find_bridges(case)


def find_nothing_to_watch(case: Case) -> Iterator[Finding]:
    if case.trouble:
        yield Finding(TOPIC, case.trouble, 'gatewatch run -i IFACE   # or: interfaces = ["IFACE"] in [capture]')


def find_bridges(case: Case) -> Iterator[Finding]:
    """Finds bridges whose frames this host does not route."""
    enforced = [ban for ban in case.config.bans if ban.mode == ENFORCE]
    diverts = not enforced or any(DNS in ban.layers for ban in enforced)
    for name in pure_bridges(case.machine, case.names):
        what = f"{name} is a bridge whose frames are not routed: "
        if sees_bridged() and not diverts:
            continue
        if sees_bridged():
            yield Finding(TOPIC, what + "DNS queries are not diverted there", 'layers = ["sni", "ip"] in [[ban]]')
        else:
            yield Finding(TOPIC, what + "no ban applies there", BRIDGE)


def version_of(release: str) -> tuple[int, int]:
    """Returns `6.1.0-13-amd64` as (6, 1)."""
    numbers = [int(number) for number in re.findall(r"\d+", release)[:2]]
    return (numbers[0], numbers[1]) if len(numbers) == 2 else (0, 0)
