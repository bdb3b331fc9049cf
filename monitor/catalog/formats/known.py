"""Lists every format that is read line by line, by its name in the configuration."""

from collections.abc import Callable
from typing import Final

from monitor.catalog.formats import (
    adblock,
    asn,
    bind,
    cidr,
    clash,
    columns,
    dnsmasq,
    domains,
    hosts,
    rpz,
    surge,
    unbound,
    v2fly,
)
from monitor.catalog.sheet import Sheet

# `auto` prefers them in this order if two read a list equally well.
FORMATS: Final[dict[str, Callable[[str, Sheet], None]]] = {
    "cidr": cidr.read_line,
    "domains": domains.read_line,
    "hosts": hosts.read_line,
    "adblock": adblock.read_line,
    "dnsmasq": dnsmasq.read_line,
    "unbound": unbound.read_line,
    "rpz": rpz.read_line,
    "bind": bind.read_line,
    "v2fly": v2fly.read_line,
    "surge": surge.read_line,
    "clash": clash.read_line,
    "asn": asn.read_line,
    "csv": columns.read_line,
}
LONGEST_LINE: Final = 4_096
