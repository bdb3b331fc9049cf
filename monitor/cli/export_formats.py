"""Banned names in the formats of resolvers and blockers, each as exact as the format allows.

What a format cannot express is left open, never banned.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, TypeAlias

from monitor.policy.banned_names import NameRule, with_gaps

# Takes the rules and the text of a comment, yields the lines of the file.
Writer: TypeAlias = Callable[[Sequence[NameRule], str], Iterator[str]]

TTL: Final = 60
# Formats that cannot cover subdomains.
EVERY_NAME: Final = frozenset(("hosts",))
HOSTS_SIGNS: Final = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789-_.")


def rpz(rules: Sequence[NameRule], about: str) -> Iterator[str]:
    """A response policy zone: `CNAME .` is NXDOMAIN, `rpz-passthru.` lets a name through."""
    yield f"; {about}"
    yield f"$TTL {TTL}"
    yield f"@ SOA localhost. root.localhost. 1 3600 600 86400 {TTL}"
    yield "@ NS localhost."
    for rule in with_gaps(rules):
        name = rule.name.decode("ascii")
        for owner, banned in ((name, rule.itself), (f"*.{name}", rule.below)):
            if banned:
                yield f"{owner} CNAME ."
            elif rule.around:
                yield f"{owner} CNAME rpz-passthru."


def unbound(rules: Sequence[NameRule], about: str) -> Iterator[str]:
    """Local zones: the longest match wins. A name banned without its subdomains gets the null addresses."""
    yield f"# {about}"
    yield "server:"
    for rule in rules:
        name = rule.name.decode("ascii")
        if rule.itself and rule.below:
            yield f'    local-zone: "{name}." always_nxdomain'
            continue
        if rule.around:
            yield f'    local-zone: "{name}." transparent'
        if rule.itself:
            yield f"    local-data: '{name}. {TTL} A 0.0.0.0'"
            yield f"    local-data: '{name}. {TTL} AAAA ::'"


def dnsmasq(rules: Sequence[NameRule], about: str) -> Iterator[str]:
    """`local=` answers NXDOMAIN for a name and its subdomains, `server=/…/#` forwards; the longest match wins."""
    yield f"# {about}"
    for rule in rules:
        name = rule.name.decode("ascii")
        if rule.itself and rule.below:
            yield f"local=/{name}/"
            continue
        if rule.around:
            yield f"server=/{name}/#"
        if rule.itself:
            yield f"host-record={name},0.0.0.0,::"


def hosts(rules: Sequence[NameRule], about: str) -> Iterator[str]:
    """Every name of the lists, because a hosts file cannot cover subdomains."""
    yield f"# {about}"
    for rule in rules:
        if rule.itself and HOSTS_SIGNS.issuperset(rule.name):
            yield f"0.0.0.0 {rule.name.decode('ascii')}"
            yield f":: {rule.name.decode('ascii')}"


def adblock(rules: Sequence[NameRule], about: str) -> Iterator[str]:
    """`||name^` and `@@||name^`. A ban inside an exception is `$important`, which overrides the exception."""
    yield f"! {about}"
    freed: set[bytes] = set()
    for rule in rules:
        name = rule.name.decode("ascii")
        important = "$important" if any(above in freed for above in parents(rule.name)) else ""
        if rule.itself and rule.below:
            yield f"||{name}^{important}"
            continue
        if rule.around:
            freed.add(rule.name)
            yield f"@@||{name}^"
            important = "$important"
        if rule.itself:
            yield f"|{name}^{important}"


def parents(name: bytes) -> Iterable[bytes]:
    dot = name.find(b".")
    while dot >= 0:
        name = name[dot + 1 :]
        yield name
        dot = name.find(b".")


NAME_FORMATS: Final[dict[str, Writer]] = {
    "rpz": rpz,
    "dnsmasq": dnsmasq,
    "unbound": unbound,
    "hosts": hosts,
    "adblock": adblock,
}
