"""Checks whether this process has the privileges that `run` would need in the same environment."""

import os
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from monitor.doctor.case import Case
from monitor.doctor.finding import Finding

TOPIC: Final = "privileges"
NET_ADMIN: Final = 12
NET_RAW: Final = 13
NEEDED: Final = (
    ("CAP_NET_RAW", NET_RAW, "no traffic can be captured and no flow can be cut"),
    ("CAP_NET_ADMIN", NET_ADMIN, "conntrack cannot be read and nothing can be banned"),
)
MEND: Final = "sudo gatewatch doctor"
FILES_MIN: Final = 1_024


def effective() -> int:
    """Returns the effective capabilities of this process as bits (capabilities(7))."""
    for line in Path("/proc/self/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == "CapEff":
            return int(value, 16)
    return 0


def has(capability: int) -> bool:
    return bool(effective() >> capability & 1)


def find(case: Case) -> Iterator[Finding]:
    for name, number, without in NEEDED:
        if not has(number):
            who = f"user {os.geteuid()}"
            yield Finding(TOPIC, f"{who} has no {name}: without it {without}", f"{MEND}   # as root", missing=True)
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= files < FILES_MIN:
        what = f"at most {files} files may be open: clients of the sinkhole and scrapers will be rejected"
        yield Finding(TOPIC, what, f"ulimit -n {FILES_MIN}   # in a unit: LimitNOFILE={FILES_MIN}")
