"""Finds offloads that forward packets past the kernel's hooks: bans, captures and counters then miss the flow."""

import contextlib
from collections.abc import Iterator
from typing import Final

from monitor.doctor.case import Case
from monitor.doctor.finding import Finding
from monitor.doctor.privileges import NET_ADMIN, has
from monitor.kernel.netlink.ethtool import active_features
from monitor.kernel.nft.chains import flow_tables

TOPIC: Final = "offload"
TC: Final = "hw-tc-offload"


def find(case: Case) -> Iterator[Finding]:
    yield from find_flow_tables()
    for interface in case.machine.interfaces:
        with contextlib.suppress(OSError):
            if TC in active_features(interface.name):
                what = f"{interface.name} may forward flows in hardware, which bypasses capture, bans and counters"
                yield Finding(TOPIC, what, f"ethtool -K {interface.name} {TC} off")


def find_flow_tables() -> Iterator[Finding]:
    """Finds flow tables: an established flow in one skips the forward hook."""
    if not has(NET_ADMIN):
        return
    for family, table, name in flow_tables():
        what = f"flow table {name} of table {family} {table} makes established flows bypass bans and captures"
        mend = f"nft delete flowtable {family} {table} {name}   # after the rules with `flow add @{name}`"
        yield Finding(TOPIC, what, mend)
