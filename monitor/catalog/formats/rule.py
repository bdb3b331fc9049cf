"""Reads a rule of the proxies Clash, mihomo, Surge, Shadowrocket, Loon, Quantumult X: `TYPE,value[,policy][,options]`.

Types: https://wiki.metacubex.one/en/config/rules/ and https://manual.nssurge.com/rules/domain.html. Quantumult X writes
`host` for `DOMAIN` and `ip6-cidr` for `IP-CIDR6`.
"""

import re
from typing import Final

from monitor.catalog.prefix import may_be_address, parse_address
from monitor.catalog.sheet import Sheet

EXACT: Final = frozenset(("domain", "host"))
SUFFIX: Final = frozenset(("domain-suffix", "host-suffix"))
PREFIX: Final = frozenset(("ip-cidr", "ip-cidr6", "ip6-cidr"))
ASN: Final = frozenset(("ip-asn",))
PATTERN: Final = frozenset(("domain-keyword", "domain-regex", "domain-wildcard", "host-keyword", "host-wildcard"))
OTHER_LIST: Final = frozenset(("domain-set", "geoip", "geosite", "rule-set", "ruleset"))
# Other properties of a connection: neither its name nor its address.
CONDITION: Final = frozenset(
    (
        "and", "cellular-radio", "dest-port", "device-name", "dscp", "dst-port", "final", "hostname-type", "in-name",
        "in-port", "in-type", "in-user", "ip-suffix", "match", "network", "not", "or", "process-name",
        "process-name-regex", "process-path", "process-path-regex", "protocol", "script", "src-geoip", "src-ip",
        "src-ip-asn", "src-ip-cidr", "src-ip-suffix", "src-port", "sub-rule", "subnet", "uid", "url-regex",
        "user-agent",
    )
)  # fmt: skip
# A name with wildcards, and nothing else.
WILDCARDS: Final = re.compile(r"[\w.*+-]+")
PASSING: Final = frozenset(("direct", "pass"))
SOURCE: Final = "src"


def read_rule(text: str, sheet: Sheet) -> None:
    """Reads a rule: a line with at least one comma."""
    fields = [field.strip() for field in text.split(",")]
    kind, value = fields[0].lower(), fields[1].strip("'\"")
    options = [field.lower() for field in fields[2:]]
    if kind in PATTERN:
        sheet.leave_out("a keyword or a pattern, not a whole name", text)
    elif kind in OTHER_LIST:
        sheet.leave_out("another list: give it as a [[list]] of its own", text)
    elif kind in CONDITION or (kind in PREFIX and SOURCE in options):
        sheet.leave_out("a condition that is about neither a name nor a destination", text)
    elif kind in EXACT or kind in SUFFIX or kind in PREFIX or kind in ASN:
        if options and options[0] in PASSING:
            sheet.leave_out("an exception: use allow or [[exception]] in the configuration", text)
        elif kind in EXACT:
            sheet.exact(value)
        elif kind in SUFFIX:
            sheet.suffix(value.removeprefix("."))
        elif kind in PREFIX:
            sheet.prefix(value)
        else:
            sheet.asn(value)
    else:
        sheet.ignore("an unknown type of rule", text)


def read_name(text: str, sheet: Sheet) -> None:
    """Reads a line of a set of names or prefixes: `name` is exact; `+.name`, `.name` and `*.name` are suffixes.

    mihomo and Surge read `.name` without the name itself, and mihomo `*.name` for one level
    (https://wiki.metacubex.one/en/handbook/syntax/#domain-wildcards); here both include the name and every level.
    """
    name = text
    below = False
    for mark in ("+.", "*.", "."):
        if text.startswith(mark):
            name, below = text[len(mark) :], True
            break
    if ("*" in name or "+" in name) and WILDCARDS.fullmatch(name):
        sheet.leave_out("a pattern, not a whole name", text)
    elif below:
        sheet.suffix(name)
    elif "/" in name or (may_be_address(name) and parse_address(name) is not None):
        sheet.prefix(name)
    else:
        sheet.exact(name)
