"""Checks conntrack, the source of bytes per flow."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from monitor.core.settings import CONNTRACK
from monitor.doctor.case import Case
from monitor.doctor.finding import Finding
from monitor.doctor.privileges import NET_ADMIN, has
from monitor.kernel.netlink.conntrack import is_tracking
from monitor.lan.flow_counts import FAMILIES, WAKE, carries

TOPIC: Final = "conntrack"
SYSCTLS: Final = Path("/proc/sys/net/netfilter")
SYSCTL_FILE: Final = "/etc/sysctl.d/60-gatewatch.conf"
FULL: Final = 0.9


def find(case: Case) -> Iterator[Finding]:
    if case.config.capture.flows != CONNTRACK or not case.machine.forwarding:
        return
    if not (SYSCTLS / "nf_conntrack_max").exists():
        yield Finding(
            TOPIC, "this kernel has no conntrack: bytes are counted by packets", "modprobe nf_conntrack", True
        )
        return
    for key, what in (
        ("nf_conntrack_acct", "conntrack does not count bytes"),
        ("nf_conntrack_events", "conntrack does not send the end of flows"),
    ):
        if number(key) == 0:
            name = f"net.netfilter.{key}=1"
            yield Finding(TOPIC, what, f"sysctl -w {name}   # and to keep it: echo {name} >> {SYSCTL_FILE}")
    used, room = number("nf_conntrack_count"), number("nf_conntrack_max")
    if room and used > FULL * room:
        what = f"conntrack is nearly full ({used} of {room} entries): it drops packets of new flows when it is full"
        yield Finding(TOPIC, what, f"sysctl -w net.netfilter.nf_conntrack_max={4 * room}")
    if has(NET_ADMIN):
        for length, family, name in FAMILIES:
            if carries(case.machine, case.names, length) and not is_tracking(family):
                yield Finding(TOPIC, f"conntrack does not track {name} here: {WAKE}", wake(length))


def wake(length: int) -> str:
    return (
        "nft 'add table inet tracking; add chain inet tracking forward { type filter hook forward priority 0; }; "
        f"add rule inet tracking forward meta nfproto {'ipv4' if length == 4 else 'ipv6'} ct state established accept'"
    )


def number(key: str) -> int:
    try:
        return int((SYSCTLS / key).read_text())
    except (OSError, ValueError):
        return -1
