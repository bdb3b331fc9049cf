"""`why`: shows the vendor of a name, address or AS number, the list entries that match, and the bans about it."""

import json
import sys
from argparse import Namespace
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from monitor.catalog.entry import Entry, further_services
from monitor.catalog.index import Index
from monitor.catalog.owners import NOBODY, Owners
from monitor.catalog.subject_index import NO_MEANING, Resolution, SubjectIndex
from monitor.catalog.words import host_of
from monitor.cli.client import ask
from monitor.cli.columns import printable
from monitor.cli.load_config import read_config
from monitor.cli.stderr import complain
from monitor.config.device_address import device_address
from monitor.config.list_faults import list_faults, missing_subscriptions
from monitor.config.policy import build_policy, configured_standing
from monitor.config.question import as_name, read_question
from monitor.config.settings import open_lookup, user_lists
from monitor.config.subject_text import about_subject, meaning_line, subject_of
from monitor.control.owner_rows import owner_rows
from monitor.core.settings import Lookup
from monitor.daemon.policy_words import ban_row, ban_text
from monitor.errors import EXIT_OK, GatewatchError
from monitor.lists.cache import load_cached
from monitor.policy.ban import Ban
from monitor.policy.owners import OwnerNames, is_about
from monitor.policy.policy import Policy

STANDARD_INPUT: Final = "-"


@dataclass(frozen=True)
class Explanation:
    """What the lists contain about one query. `asn` is the AS number of an address, 0 if unknown.

    `meaning` is set for a word that names a vendor, service or category; `about` is a line on it or on candidates.
    """

    query: str
    owners: Owners = NOBODY
    asn: int = 0
    country: str = ""
    bans: tuple[Ban, ...] = ()
    free: str = ""
    learned: tuple[dict[str, Any], ...] = ()
    meaning: Resolution = NO_MEANING
    about: str = ""

    def row(self) -> dict[str, object]:
        """Returns the JSON object; `list` and `entry` are those of the vendor, else of the category."""
        entry, category, meant = self.owners.entry, self.owners.category, subject_of(self.meaning)
        spoken = entry or category
        return {
            "query": self.query,
            "vendor": entry.vendor if entry else meant.vendor or None,
            "service": entry.service if entry else meant.service or None,
            "list": spoken.list if spoken else None,
            "entry": spoken.value if spoken else None,
            "category": category.vendor if category else meant.category or None,
            "subject": self.meaning.subject or None,
            "candidates": list(self.meaning.candidates),
            "weak": entry.weak if entry else False,
            "owners": owner_rows(self.owners),
            "bans": [ban_row(ban) for ban in self.bans],
            "free": self.free or None,
            "learned": list(self.learned),
        }

    def text(self) -> str:
        entry = self.owners.entry
        lines = [f"{self.query}: {_owner(entry) if entry else self.meaning.subject or 'no vendor'}"]
        lines += [f"  {printable(self.about)}"] if self.about else []
        lines += [f"  {_source(entry)}" for entry in self.owners.entries]
        if self.asn:
            lines.append(f"  network AS{self.asn}" + (f", country {self.country}" if self.country else ""))
        lines += [f"  ban {ban.id}: {ban_text(ban)}" for ban in self.bans]
        if self.free and self.bans:
            lines.append(f"  still reachable: {self.free}")
        lines += [learned_text(one) for one in self.learned]
        return "\n".join(lines)


class Catalogue:
    """Looks up names, addresses and AS numbers as the daemon does, in the index and the AS number database."""

    def __init__(self, index: Index, lookup: Lookup | None, policy: Policy) -> None:
        self._index = index
        self._lookup = lookup
        self._policy = policy
        self._subjects = SubjectIndex(index)

    def answer(self, query: str) -> Explanation:
        """Returns the result for a query. A query that is no name, address or AS number is looked up as a word."""
        found = self._find(query)
        if found.meaning.subject:
            return replace(found, bans=about_subject(self._policy.bans, subject_of(found.meaning)))
        bans = about(self._policy.bans, found.owners.names)
        return replace(found, bans=bans, free=free(self._policy, bans, found)) if bans else found

    def _find(self, query: str) -> Explanation:
        asked = read_question(query, self._subjects)
        if asked.asn:
            return Explanation(query, self._index.owners_of_asn(asked.asn))
        if asked.address:
            return self._address(query, asked.address)
        if not asked.name:
            return Explanation(
                query, meaning=asked.meaning, about=meaning_line(self._index, self._subjects, asked.meaning)
            )
        owners = self._index.owners_of_name(asked.name)
        if not owners.names and asked.meaning.candidates:
            return Explanation(query, about=asked.meaning.fault())
        return Explanation(query, owners)

    def _address(self, query: str, address: bytes) -> Explanation:
        asn, country = self._lookup(address) if self._lookup else (0, "")
        owners = self._index.owners_of_address(address)
        if asn:
            owners = owners.with_network(self._index.owners_of_asn(asn))
        return Explanation(query, owners, asn, country)


class DaemonAnswer:
    """What a running daemon has learned about addresses; empty if no daemon answers."""

    def __init__(self) -> None:
        self._silent = False

    def learned(self, query: str) -> tuple[dict[str, Any], ...]:
        if self._silent or device_address(host_of(query)) is None:
            return ()
        try:
            return tuple(ask("why", {"query": query})["learned"])
        except GatewatchError:
            self._silent = True
            return ()


def run(arguments: Namespace) -> int:
    if arguments.device is not None:
        return _ask_daemon(arguments)
    config = read_config(arguments.config)
    loaded = load_cached(user_lists(config))
    for line in [*list_faults(loaded.statuses), *missing_subscriptions(loaded.statuses)]:
        complain(line)
    policy = build_policy(config, configured_standing(config, loaded.index))
    catalogue = Catalogue(loaded.index, open_lookup(config.geo), policy)
    daemon = DaemonAnswer()
    for query in queries(arguments.queries):
        answer = catalogue.answer(query)
        answer = replace(answer, learned=daemon.learned(query))
        print(json.dumps(answer.row()) if arguments.json else answer.text())
    return EXIT_OK


def about(bans: Sequence[Ban], owners: OwnerNames) -> tuple[Ban, ...]:
    """Returns the bans that name one of the owners."""
    return tuple(ban for ban in bans if is_about(ban, owners))


def free(policy: Policy, bans: Sequence[Ban], found: Explanation) -> str:
    """Returns why a name or an address stays reachable despite its bans; `""` if it is banned."""
    if found.owners.entries[0].kind in ("prefix", "asn"):
        is_own = bool(about(bans, found.owners.own()))
        return "" if is_own else "shared by many, never banned by address"
    name = as_name(host_of(found.query))
    if not all(policy.frees(ban, name) for ban in bans):
        return ""
    return "protected" if policy.is_protected(name) else "allowed by its ban"


def _ask_daemon(arguments: Namespace) -> int:
    """Asks the daemon which names resolved to the address for one device."""
    for query in queries(arguments.queries):
        row = ask("why", {"query": query, "device": arguments.device})
        print(json.dumps(row) if arguments.json else told_text(row))
    return EXIT_OK


def told_text(row: dict[str, Any]) -> str:
    """Returns the daemon's answer as text; `names` are those that resolved to the address, newest first."""
    lines = [f"{row['query']}: {owner_text(row)}"]
    if row.get("about"):
        lines.append(f"  {printable(row['about'])}")
    lines += [f"  {owner_source(owner)}" for owner in row.get("owners", ())]
    lines += [f"  answered for {printable(one['name'])}: {one['vendor'] or 'no vendor'}" for one in row["names"]]
    lines += [learned_text(one) for one in row["learned"]]
    for layer, fate in row.get("layers", {}).items():
        ban = f" by {fate['ban']} ({fate['mode']})" if fate["ban"] else ""
        lines.append(f"  {layer}: {fate['action']}{ban}, {printable(fate['what'])}")
    if "groups" in row:
        who = f"the device ({row['device']})" if row.get("device") else "the device"
        lines.append(f"  {who} is in {', '.join(row['groups']) or 'no group'}")
    return "\n".join(lines)


def owner_text(row: dict[str, Any]) -> str:
    """Returns the owner as `bytedance/tiktok`, as `why` without a device prints it."""
    service = row.get("service")
    if row["vendor"]:
        return f"{row['vendor']}/{service}" if service not in (None, "", "unknown") else str(row["vendor"])
    return str(row.get("subject") or "no vendor")


def learned_text(one: dict[str, Any]) -> str:
    """Describes the state of an address that a trusted answer contained for a banned name."""
    name = printable(one["name"])
    if one["until"] is not None:
        return f"  learned for {name}, banned by address until {clock(one['until'])}"
    if one["guard"] is not None:
        return f"  of {name}, but not banned by address: {printable(one['guard'])} has it too"
    return f"  of {name}, but never banned by address: {one['outcome']}"


def clock(time: float) -> str:
    return datetime.fromtimestamp(time).astimezone().strftime("%H:%M:%S %Z")


def queries(given: list[str]) -> Iterator[str]:
    """Yields the arguments, and for `-` the words of standard input as each line arrives."""
    for query in given:
        if query == STANDARD_INPUT:
            for line in sys.stdin:
                yield from line.split()
        else:
            yield query


def owner_source(owner: dict[str, Any]) -> str:
    """Describes an owner of the daemon's answer."""
    what = f"category {owner['category']}" if owner["category"] else f"vendor {owner['vendor']}"
    also = f", counts for {', '.join(owner['also'])} too" if owner.get("also") else ""
    return f"{what}: list {owner['list']}, {owner['kind']} {owner['entry']}{also}"


def _owner(entry: Entry) -> str:
    return entry.vendor if entry.service == "unknown" else f"{entry.vendor}/{entry.service}"


def _source(entry: Entry) -> str:
    what = f"category {entry.vendor}" if entry.category else f"vendor {_owner(entry)}" if entry.user else "vendor"
    shared = ", shared by many: attributed weakly, never banned by address" if entry.weak else ""
    more = further_services(entry)
    also = f", counts for {', '.join(more)} too" if more else ""
    return f"{what}: list {entry.list}, {entry.kind} {entry.value}{also}{shared}"
