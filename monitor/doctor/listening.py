"""Checks the addresses on which the daemon's own web server listens."""

from collections.abc import Iterator
from typing import Final

from monitor.doctor.case import Case
from monitor.doctor.finding import Finding
from monitor.doctor.privileges import NET_ADMIN, has
from monitor.lan.exposure import exposure

TOPIC: Final = "web server"


def find(case: Case) -> Iterator[Finding]:
    listen = case.config.metrics.listen
    line = exposure(listen) if has(NET_ADMIN) else ""
    if line:
        mend = f'listen = "127.0.0.1:{listen.port}"   # in [metrics], or an address of the LAN'
        yield Finding(TOPIC, f"{line} (no input chain of nftables drops by its policy)", mend)
