"""Defines the catalogue's types: entries, their vendors, and faults of the lines of a list."""

from dataclasses import dataclass
from typing import Final, final

SUFFIX: Final = 0
EXACT: Final = 1
PREFIX: Final = 2
ASN: Final = 3
# Not an entry: a set of several records for one address.
SET: Final = 4
KINDS: Final = ("suffix", "exact", "prefix", "asn")

VENDOR: Final = "vendor"
CATEGORY: Final = "category"
SHARED: Final = "shared"

UNKNOWN_SERVICE: Final = "unknown"
# The service of entries that a category includes from vendors.
INCLUDED: Final = "included"
CATEGORY_MARK: Final = "category:"
SERVICE_SEPARATOR: Final = "+"


@final
class Entry:
    """One line of a list: `value` belongs to `service` of `vendor`.

    `kind` is `suffix` (the name and its subdomains), `exact` (the name alone), `prefix` or `asn`; `value` is its text
    (`tiktok.com`, `71.18.0.0/17`, `AS396986`). `weak` marks infrastructure that many parties share (clouds, CDNs,
    hosting): a weak prefix or ASN is weak evidence and never banned by address; the addresses of a weak name are not
    the vendor's own. `category` is true if `vendor` is a category (`encrypted-dns`, `private-relay`, `vpn-proxy`),
    `hosting` if the vendor's customers have names there, `user` if the entry is from a user's list. `owner` is the
    owner as bans compare it, see `owner_text`.
    """

    __slots__ = ("category", "hosting", "kind", "list", "owner", "service", "user", "value", "vendor", "weak")

    def __init__(self, kind: str, value: str, owner: "Owner", text: str) -> None:
        self.kind = kind
        self.value = value
        self.owner = text
        self.vendor = owner.vendor
        self.service = owner.service
        self.list = owner.list
        self.weak = owner.weak
        self.category = owner.category
        self.hosting = owner.hosting
        self.user = owner.user

    def __repr__(self) -> str:
        mark = CATEGORY_MARK if self.category else ""
        weak = ", weak" if self.weak else ""
        return f"Entry({self.kind} {self.value} = {mark}{self.vendor}/{self.service}, {self.list}{weak})"


@dataclass(frozen=True)
class Owner:
    """The values that the entries of a group of lines have in common: their vendor, service, list and marks.

    `also` are further services of the vendor to which the entries count. `hosting` marks names under which customers of
    the vendor have names. `user` marks a user's list.
    """

    vendor: str
    service: str = UNKNOWN_SERVICE
    list: str = ""
    weak: bool = False
    category: bool = False
    also: tuple[str, ...] = ()
    hosting: bool = False
    user: bool = False


@dataclass(frozen=True)
class Alias:
    """Another name of a vendor, or of its service with the slug `service`, in any script.

    `part`: the name of a smaller product without entries of its own, which the other entries cover.
    """

    text: str
    service: str = ""
    part: bool = False


@dataclass(frozen=True)
class Vendor:
    """A vendor, a category or the shared infrastructure in the catalogue.

    `kind` is `vendor`, `category` or `shared`; `services` are the slugs of its services with their display names.
    """

    slug: str
    name: str
    kind: str
    services: tuple[tuple[str, str], ...] = ()
    aliases: tuple[Alias, ...] = ()


@dataclass(frozen=True)
class LineFault:
    """The fault of a line, counted from 1 (0: the whole list); `ignored` is true if the line gave no entry."""

    line: int
    text: str
    reason: str
    ignored: bool = True

    def __str__(self) -> str:
        shown = self.text if len(self.text) <= 80 else self.text[:77] + "..."
        shown = "".join([sign if sign.isprintable() else "?" for sign in shown])
        where = f"line {self.line}: " if self.line else ""
        return where + self.reason + (f": {shown}" if shown else "")


def owner_of(target: str, list_name: str) -> Owner:
    """Returns the owner for a user list's `vendor`: `bytedance`, `bytedance/tiktok` or `category:encrypted-dns`."""
    category = target.startswith(CATEGORY_MARK)
    vendor, _, service = target.removeprefix(CATEGORY_MARK).partition("/")
    return Owner(vendor, service or UNKNOWN_SERVICE, list_name, False, category, user=True)


def owner_text(owner: Owner) -> str:
    """Returns the owner as bans compare it: `vendor`, `vendor/service`, `vendor/service+also` or `category:name`.

    The services follow the slash, separated by `+`; `vendor/+also` is the vendor as a whole and one service.
    """
    if owner.category:
        return CATEGORY_MARK + owner.vendor
    service = "" if owner.service == UNKNOWN_SERVICE else owner.service
    services = SERVICE_SEPARATOR.join((service, *owner.also))
    return f"{owner.vendor}/{services}" if services else owner.vendor


def further_services(entry: Entry) -> tuple[str, ...]:
    """Returns the services that the entry belongs to besides `entry.service`."""
    return tuple(entry.owner.partition("/")[2].split(SERVICE_SEPARATOR)[1:])
