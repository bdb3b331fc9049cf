"""Whatever forwards packets past the kernel's hooks: bans, captures and counters then see nothing of a flow."""

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
                what = f"{interface.name} may forward flows in hardware, past capture, bans and counters"
                yield Finding(TOPIC, what, f"ethtool -K {interface.name} {TC} off")


def find_flow_tables() -> Iterator[Finding]:
    """Flow tables take a flow past the forward hook once it is established."""
    if not has(NET_ADMIN):
        return
    for family, table, name in flow_tables():
        what = f"flow table {name} of table {family} {table} forwards past bans and the end of captures"
        mend = f"nft delete flowtable {family} {table} {name}   # after the rules with `flow add @{name}`"
        yield Finding(TOPIC, what, mend)
