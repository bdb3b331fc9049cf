"""What the catalogue is made of: entries, the vendors they name, and the complaints about lines that make none."""

from dataclasses import dataclass
from typing import Final, final

SUFFIX: Final = 0
EXACT: Final = 1
PREFIX: Final = 2
ASN: Final = 3
# Not an entry: several records that hold for one address.
SET: Final = 4
KINDS: Final = ("suffix", "exact", "prefix", "asn")

VENDOR: Final = "vendor"
CATEGORY: Final = "category"
SHARED: Final = "shared"

UNKNOWN_SERVICE: Final = "unknown"
# The service of the entries that a category has from the vendors which it includes.
INCLUDED: Final = "included"
CATEGORY_MARK: Final = "category:"
SERVICE_SEPARATOR: Final = "+"


@final
class Entry:
    """One line of a list: `value` belongs to `service` of `vendor`.

    `kind` is `suffix` (the name and all below it), `exact` (the name alone), `prefix` or `asn`; `value` is its text
    (`tiktok.com`, `71.18.0.0/17`, `AS396986`). `weak` marks what many parties share (clouds, CDNs, hosting): of a
    prefix or ASN it attributes weakly and is never banned by address; of a name it says that its addresses are
    not its own. `category` is true where `vendor` is a category (`encrypted-dns`, `private-relay`, `vpn-proxy`),
    `hosting` where customers of the vendor live, `user` where the list is one of the user's own. `owner` is the owner
    as bans compare it, see `owner_text`.
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
    """Whose entries a group of lines gives, and from which list: what all of them have in common.

    `also` are further services of the vendor that the entries count for. `hosting` marks names under which customers
    of the vendor live. `user` marks a list of the user's own.
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
    """Another name of a vendor, or of a service of it where `service` is its slug, in any script.

    `part`: the name of something smaller, which has no entries of its own and is covered with all the rest.
    """

    text: str
    service: str = ""
    part: bool = False


@dataclass(frozen=True)
class Vendor:
    """A vendor, a category or the shared infrastructure, as the catalogue knows it.

    `kind` is `vendor`, `category` or `shared`; `services` are the slugs of its services with their names for people.
    """

    slug: str
    name: str
    kind: str
    services: tuple[tuple[str, str], ...] = ()
    aliases: tuple[Alias, ...] = ()


@dataclass(frozen=True)
class LineFault:
    """What is wrong with a line, counted from 1 (0: the whole list); `ignored` tells that it gave no entry."""

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
    """The owner that a user list's `vendor` names: `bytedance`, `bytedance/tiktok` or `category:encrypted-dns`."""
    category = target.startswith(CATEGORY_MARK)
    vendor, _, service = target.removeprefix(CATEGORY_MARK).partition("/")
    return Owner(vendor, service or UNKNOWN_SERVICE, list_name, False, category, user=True)


def owner_text(owner: Owner) -> str:
    """The owner as bans compare it: `vendor`, `vendor/service`, `vendor/service+also` or `category:name`.

    The services stand behind the slash, separated by `+`; `vendor/+also` is the vendor as a whole and one service.
    """
    if owner.category:
        return CATEGORY_MARK + owner.vendor
    service = "" if owner.service == UNKNOWN_SERVICE else owner.service
    services = SERVICE_SEPARATOR.join((service, *owner.also))
    return f"{owner.vendor}/{services}" if services else owner.vendor


def further_services(entry: Entry) -> tuple[str, ...]:
    """The services that the entry counts for beside the one that labels it."""
    return tuple(entry.owner.partition("/")[2].split(SERVICE_SEPARATOR)[1:])
