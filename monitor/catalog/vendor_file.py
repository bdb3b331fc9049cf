"""Reads the shipped lists: one TOML file per vendor, with entries grouped by service and source. `blocklists/README.md`
is the reference of the format.

As in every list, a fault is a complaint with its line and the rest still counts; only a file that is not TOML gives no
entries.
"""

import difflib
import re
import tomllib
from dataclasses import replace
from typing import Any, Final, final

from monitor.catalog.aliases import ALIAS_KEYS, read_aliases
from monitor.catalog.builder import IndexBuilder
from monitor.catalog.entry import CATEGORY, SHARED, UNKNOWN_SERVICE, VENDOR, Alias, LineFault, Owner, Vendor
from monitor.catalog.sheet import Sheet
from monitor.catalog.suffixes import PublicSuffixes

OWN_PREFIXES_SERVICE: Final = "own_prefixes_service"
INCLUDES: Final = "includes"
FILE_KEYS: Final = ("kind", "name", "note", "services", "entries", OWN_PREFIXES_SERVICE, INCLUDES, *ALIAS_KEYS)
SERVICE_KEYS: Final = ("name", *ALIAS_KEYS)
GROUP_KEYS: Final = (
    "service",
    "also",
    "source",
    "shared",
    "hosting",
    "brand",
    "note",
    "suffix",
    "exact",
    "prefix",
    "asn",
)
VALUE_KEYS: Final = ("suffix", "exact", "prefix", "asn")
ADDRESS_KEYS: Final = ("prefix", "asn")
SLUG: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
TOML_LINE: Final = re.compile(r"\(at line (\d+),")


def read_vendor_file(text: str, slug: str, suffixes: PublicSuffixes, builder: IndexBuilder) -> Sheet:
    """Adds the vendor in the text of `<slug>.toml`, and all its entries, to `builder`."""
    sheet = Sheet(suffixes, builder)
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = TOML_LINE.search(str(error))
        sheet.line = int(found.group(1)) if found else text.count("\n") + 1
        sheet.ignore(f"not TOML: {str(error).split(' (at ')[0]}", "")
        builder.count_list(slug, 0, sheet.ignored)
        return sheet
    VendorReader(slug, sheet, builder).read(table)
    sheet.complaints = [place(complaint, text) for complaint in sheet.complaints]
    builder.count_list(slug, sheet.entries, sheet.ignored)
    return sheet


def place(complaint: LineFault, text: str) -> LineFault:
    """Returns the complaint with the line of its text in the file, because TOML readers return no line numbers."""
    if complaint.line or not complaint.text:
        return complaint
    quoted = re.search(rf"""["']?\b{re.escape(complaint.text)}(["'\s=]|$)""", text)
    line = text.count("\n", 0, quoted.start()) + 1 if quoted else 0
    return LineFault(line, complaint.text, complaint.reason, complaint.ignored)


@final
class VendorReader:
    """Reads the tables of one file."""

    __slots__ = ("_builder", "_own_prefixes", "_services", "_sheet", "_slug")

    def __init__(self, slug: str, sheet: Sheet, builder: IndexBuilder) -> None:
        self._slug = slug
        self._sheet = sheet
        self._builder = builder
        self._services: dict[str, str] = {}
        # The service to which the vendor's own prefixes count, `""` if they carry several.
        self._own_prefixes = ""

    def read(self, table: dict[str, Any]) -> None:
        self._complain_of_keys(table, FILE_KEYS)
        kind = self._text(table, "kind", VENDOR)
        if kind not in (VENDOR, CATEGORY, SHARED):
            self._sheet.ignore(f"kind must be {VENDOR}, {CATEGORY} or {SHARED}", kind)
            kind = VENDOR
        aliases = read_aliases(table, "", self._sheet)
        services = table.get("services", {})
        if isinstance(services, dict):
            for slug, value in services.items():
                aliases += self._read_service(slug, value)
        else:
            self._sheet.ignore("services must be a table: [services]", "services")
        name = self._text(table, "name", self._slug)
        self._builder.add_vendor(Vendor(self._slug, name, kind, tuple(self._services.items()), tuple(aliases)))
        self._own_prefixes = self._own_prefixes_service(table, kind)
        self._read_includes(table, kind)
        groups = table.get("entries", [])
        if not isinstance(groups, list):
            self._sheet.ignore("entries must be tables: [[entries]]", "entries")
            return
        for group in groups:
            if isinstance(group, dict):
                self._read_group(group, kind)
        if self._own_prefixes and not any(is_own(group) for group in groups):
            self._sheet.warn(f"{OWN_PREFIXES_SERVICE} without a prefix of the vendor's own", self._own_prefixes)

    def _read_includes(self, table: dict[str, Any], kind: str) -> None:
        """Reads the vendors and services whose entries the category includes."""
        subjects = table.get(INCLUDES, [])
        if not isinstance(subjects, list) or not all(isinstance(subject, str) for subject in subjects):
            self._sheet.ignore(f"{INCLUDES} must be an array of strings", INCLUDES)
        elif subjects and kind != CATEGORY:
            self._sheet.ignore(f"{INCLUDES} is a key of a category", INCLUDES)
        elif subjects:
            self._builder.include(self._slug, subjects)

    def _own_prefixes_service(self, table: dict[str, Any], kind: str) -> str:
        """Returns one of [services], `""` if the file has no such key or an invalid one."""
        service = self._text(table, OWN_PREFIXES_SERVICE, "")
        if OWN_PREFIXES_SERVICE not in table or not isinstance(table[OWN_PREFIXES_SERVICE], str):
            return ""
        if kind != VENDOR:
            self._sheet.ignore(f"{OWN_PREFIXES_SERVICE} is a key of vendors, not of a {kind}", service)
        elif service not in self._services:
            self._sheet.ignore(f"{OWN_PREFIXES_SERVICE} must be one of [services]", service or OWN_PREFIXES_SERVICE)
        else:
            return service
        return ""

    def _read_service(self, slug: str, value: object) -> list[Alias]:
        """Reads `slug = "Name"`, or `slug = { name = "Name", aliases = [...] }`."""
        if not SLUG.fullmatch(slug):
            self._sheet.warn("a service is written in lower-case letters, digits and single hyphens", slug)
        if isinstance(value, str):
            self._services[slug] = value
            return []
        if not isinstance(value, dict):
            self._sheet.ignore("a service must be its name, or a table with its name and aliases", slug)
            return []
        self._complain_of_keys(value, SERVICE_KEYS)
        self._services[slug] = self._text(value, "name", slug)
        return read_aliases(value, slug, self._sheet)

    def _read_group(self, group: dict[str, Any], kind: str) -> None:
        self._complain_of_keys(group, GROUP_KEYS)
        service = self._text(group, "service", UNKNOWN_SERVICE)
        if service != UNKNOWN_SERVICE and service not in self._services:
            self._sheet.warn("a service that is not in [services]", service)
        if not self._text(group, "source", ""):
            self._sheet.warn("entries without a source", service)
        hosting = group.get("hosting") is True
        weak = hosting or kind == SHARED or bool(self._text(group, "shared", ""))
        also = self._read_also(group, service, kind)
        owner = Owner(self._slug, service, self._slug, weak, kind == CATEGORY, also, hosting or kind == SHARED)
        self._sheet.hosting = hosting
        self._sheet.brand = group.get("brand") is True
        for key in VALUE_KEYS:
            if key in group:
                meant = self._of_prefixes(owner) if key in ADDRESS_KEYS else owner
                self._sheet.owner = self._builder.number_of(meant)
                self._read_values(key, group[key])

    def _of_prefixes(self, owner: Owner) -> Owner:
        """Returns the owner of the group's prefixes and AS numbers. Those of the vendor as a whole also belong to
        one service, if the file names it.
        """
        service = self._own_prefixes
        if not service or owner.weak or owner.service != UNKNOWN_SERVICE or service in owner.also:
            return owner
        return replace(owner, also=(*owner.also, service))

    def _read_also(self, group: dict[str, Any], service: str, kind: str) -> tuple[str, ...]:
        """Reads the additional services of the group's entries. Invalid services become complaints."""
        values = group.get("also", [])
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            self._sheet.ignore("also must be an array of strings", "also")
            return ()
        found: list[str] = []
        for value in values:
            if kind != VENDOR:
                self._sheet.ignore(f"also is a key of vendors, not of a {kind}", value)
            elif value == service or value not in self._services:
                self._sheet.ignore("also must name other services of [services]", value)
            elif value not in found:
                found.append(value)
        return tuple(found)

    def _read_values(self, key: str, values: object) -> None:
        if not isinstance(values, list):
            self._sheet.ignore(f"{key} must be an array of strings", key)
            return
        for value in values:
            if not isinstance(value, str):
                self._sheet.ignore(f"{key} must be an array of strings", str(value))
            elif key == "suffix":
                self._sheet.suffix(value)
            elif key == "exact":
                self._sheet.exact(value)
            elif key == "prefix":
                self._sheet.prefix(value)
            else:
                self._sheet.asn(value)

    def _text(self, table: dict[str, Any], key: str, default: str) -> str:
        value = table.get(key, default)
        if isinstance(value, str):
            return value
        self._sheet.ignore(f"{key} must be a string", key)
        return default

    def _complain_of_keys(self, table: dict[str, Any], known: tuple[str, ...]) -> None:
        for key in table:
            if key not in known:
                nearest = difflib.get_close_matches(key, known, 1)
                hint = f", perhaps {nearest[0]}" if nearest else ""
                self._sheet.ignore(f"an unknown key{hint}", key)


def is_own(group: object) -> bool:
    """Whether the group has prefixes that belong to the vendor as a whole: not shared, hosting or of a service."""
    if not isinstance(group, dict) or "service" in group or "shared" in group or group.get("hosting") is True:
        return False
    return bool(group.get("prefix"))
