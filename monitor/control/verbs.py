"""The verbs that the control socket answers."""

import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from monitor.catalog.entry import KINDS, SUFFIX, UNKNOWN_SERVICE, Entry, Owner, owner_text
from monitor.catalog.index import Index
from monitor.catalog.owners import NOBODY, Owners
from monitor.catalog.subject_index import PART, SLUG, WORD, Resolution, SubjectIndex
from monitor.catalog.words import is_host
from monitor.config.question import read_question
from monitor.config.subject_text import meaning_line
from monitor.control.device_words import device_meant
from monitor.control.explain import fate, groups_by_key, layer_fate
from monitor.control.owner_rows import entry_row, owner_rows
from monitor.control.policy_verbs import PolicyVerbs
from monitor.control.server import Peer
from monitor.core.books.rows import FlowRow
from monitor.daemon.ban_rows import ban_rows, exception_rows, host_names
from monitor.daemon.daemon import Daemon
from monitor.daemon.health import health_of
from monitor.daemon.overrides import order_row
from monitor.daemon.policy_words import device_text, standing_rows
from monitor.daemon.reload import Reloader
from monitor.errors import GatewatchError, UsageError
from monitor.lan.exposure import exposure
from monitor.metrics.engine import engine, package_version
from monitor.policy.ban import LAYERS, parse_subject
from monitor.policy.overrides import VERBS as ORDER_VERBS

ASKING_VERBS: Final = ("status", "devices", "top", "why", "lists", "selftest", "reload", "reload-lists")
FLOWS_SHOWN: Final = 100
FLOWS_SHOWN_MAX: Final = 10_000
NAMES_SHOWN: Final = 32


class Verbs:
    """Answers verbs with a consistent snapshot. Only the reloads and the verbs of `orders` change anything."""

    def __init__(self, daemon: Daemon, reloader: Reloader, orders: PolicyVerbs) -> None:
        self._daemon = daemon
        self._reloader = reloader
        self._orders = orders

    async def answer(self, verb: str, arguments: dict[str, Any], peer: Peer) -> dict[str, Any]:
        """Returns the result of a verb. Raises UsageError for an unknown or misused verb."""
        if verb in ORDER_VERBS:
            return await self._orders.answer(verb, arguments, peer)
        if verb == "status":
            return self._status()
        if verb == "devices":
            return {"devices": [asdict(row) for row in self._daemon.gateway.device_rows()], "rows": self._rows()}
        if verb == "top":
            return self._top(arguments)
        if verb == "why":
            return self._why(arguments)
        if verb == "lists":
            return self._lists()
        if verb == "selftest":
            return await self._selftest()
        if verb == "reload":
            fault = await self._reloader.reload()
            if fault:
                raise GatewatchError(f"not reloaded, all stays as it was: {fault}")
            return {"config": self._config()}
        if verb == "reload-lists":
            return {"read_again": await self._reloader.reload_lists(), **self._lists()}
        raise UsageError(f"unknown verb {verb!r}; there are {', '.join((*ASKING_VERBS, *ORDER_VERBS))}")

    def _status(self) -> dict[str, Any]:
        daemon = self._daemon
        conntrack = daemon.kernel.conntrack
        return {
            "version": package_version(),
            "engine": engine(),
            "started": daemon.started,
            "now": time.time(),
            "config": self._config(),
            "health": health_of(daemon),
            "degraded": daemon.bans.degraded(),
            "flows": daemon.flows,
            "interfaces": [{"interface": name, **asdict(counts)} for name, counts in daemon.capture.counts().items()],
            "tables": {**daemon.decoder.decoder.table_sizes(), **daemon.gateway.table_sizes()},
            "evictions": {**daemon.decoder.decoder.evictions, **daemon.gateway.evictions()},
            "conntrack_overruns": conntrack.overruns if conntrack is not None else 0,
            "loop_stall_seconds": daemon.stall.seconds(),
            "notes": [line for line in [exposure(daemon.config.metrics.listen)] if line],
            "policy": {
                **standing_rows(daemon.standing(), daemon.gateway.policy),
                "bans": ban_rows(daemon.bans.states(), daemon.bans.figures(), daemon.gateway.policy, daemon.line.now()),
                "orders": [order_row(order) for order in daemon.orders.orders],
                "exceptions": self._exceptions(),
                "orders_fault": daemon.orders.fault,
            },
            "rows": self._rows(),
        }

    def _exceptions(self) -> list[dict[str, Any]]:
        daemon, standing = self._daemon, self._daemon.standing()
        known = daemon.gateway.device_rows() if any(one.device for one in standing.exemptions) else []
        return exception_rows(standing, daemon.configured(), host_names(known), daemon.line.now())

    def _config(self) -> str:
        return self._daemon.config.path or "defaults"

    def _rows(self) -> list[dict[str, Any]]:
        return [asdict(row) for row in self._daemon.gateway.rows()]

    def _top(self, arguments: dict[str, Any]) -> dict[str, Any]:
        limit = arguments.get("limit", FLOWS_SHOWN)
        if not isinstance(limit, int) or not 0 < limit <= FLOWS_SHOWN_MAX:
            raise UsageError(f"limit must be 1 to {FLOWS_SHOWN_MAX}")
        flows = self._daemon.gateway.active_flows(limit)
        return {"flows": [asdict(flow) for flow in flows], "rows": together(flows)}

    def _lists(self) -> dict[str, Any]:
        return {
            "lists": [
                {
                    "list": status.name,
                    "entries": status.entries,
                    "ignored_lines": status.ignored,
                    "loaded_at": status.loaded_at,
                    "updated_at": status.updated_at,
                    "failed_updates": status.failures,
                    "update_error": status.update_error or None,
                    "from": status.origin,
                    "error": status.error or None,
                }
                for status in self._daemon.loaded.statuses
            ]
        }

    async def _selftest(self) -> dict[str, Any]:
        """Returns no layer checks if nothing is enforced. A ban that can never be effective is a failed check."""
        checks = [*await self._daemon.assurance.run(), *self._daemon.bans.checks()]
        return {"checks": [asdict(check) for check in checks]}

    def _why(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Returns what is known about a name or address: its list entry, and the names in DNS answers with it."""
        query = arguments.get("query")
        if not isinstance(query, str) or not query:
            raise UsageError("query must be a name or an address")
        device = self._device(arguments)
        index = self._daemon.loaded.index
        asked = read_question(query, SubjectIndex(index))
        names: list[dict[str, Any]] = []
        learned: list[dict[str, Any]] = []
        if asked.address:
            owners = index.owners_of_address(asked.address)
            names = self._names(asked.address, device)
            learned = self._daemon.enforcement.learning.states_of(asked.address)
        elif asked.asn:
            owners = index.owners_of_asn(asked.asn)
        elif asked.name:
            owners = index.owners_of_name(asked.name)
        else:
            owners = meant_owners(asked.meaning)
        entry, category = owners.entry, owners.category
        row = {"query": query, **entry_row(entry), "category": category.vendor if category else None, "names": names}
        row["owners"] = owner_rows(owners)
        row["learned"] = learned
        row.update(meaning_row(asked.meaning, index, entry is None and category is None))
        if not device:
            return row
        if learned and entry is None:
            owners = index.owners_of_name(learned[0]["name"].encode("ascii", "replace"))
        by_word = bool(asked.meaning.subject) and not asked.name
        passing = self._daemon.enforcement.learning.sparing.passing.names_at(asked.address) if asked.address else []
        fates = self._fate(device, owners, asked.name, by_word, passing)
        if not (by_word or asked.name or asked.address or asked.asn):
            fates["layers"] = {}  # the word is unknown or ambiguous
        return {**row, "device": device_text(device), **fates}

    def _device(self, arguments: dict[str, Any]) -> bytes:
        """Returns the packed device of a request, `b""` if the request names none. Raises UsageError."""
        text = arguments.get("device", "")
        if not isinstance(text, str):
            raise UsageError("device must be a text")
        return device_meant(text, self._daemon.gateway.device_rows()) if text else b""

    def _fate(
        self, device: bytes, owners: Owners, name: bytes, by_word: bool, passing: Sequence[bytes]
    ) -> dict[str, Any]:
        """Returns what would happen to the device, by layer; with `by_word`, for any name of the word's subject."""
        gateway = self._daemon.gateway
        groups = gateway.groups_for(device)
        if groups is None:
            groups = tuple(groups_by_key(self._daemon.config.groups, device))
        policy, armed, now = gateway.policy, gateway.enforcement.armed, self._daemon.line.now()
        index = self._daemon.loaded.index
        if by_word:
            layers = {layer: layer_fate(policy, groups, device, owners, name, layer, now, index) for layer in LAYERS}
        else:
            layers = fate(policy, groups, device, owners, name, armed, now, index, passing)
        return {"groups": list(groups), "layers": layers}

    def _names(self, address: bytes, device: bytes) -> list[dict[str, Any]]:
        """Returns the newest names of the address, for one device or for all, with their owners."""
        index, gateway = self._daemon.loaded.index, self._daemon.gateway
        claims = gateway.names_for(device, address) if device else gateway.names_of(address)
        found = []
        for claim in claims[:NAMES_SHOWN]:
            entry = index.match_name(claim.alias or claim.name)
            found.append(
                {
                    "name": claim.name.decode("ascii", "replace"),
                    "vendor": entry.vendor if entry else None,
                    "first": claim.first,
                    "last": claim.last,
                }
            )
        return found


def meant_owners(meaning: Resolution) -> Owners:
    """Returns an entry that represents all of the vendor, service or category that the word means."""
    if not meaning.subject:
        return NOBODY
    subject = parse_subject(meaning.subject)
    owner = Owner(
        subject.category or subject.vendor, subject.service or UNKNOWN_SERVICE, category=bool(subject.category)
    )
    return Owners([Entry(KINDS[SUFFIX], "", owner, owner_text(owner))])


def meaning_row(meaning: Resolution, index: Index, unknown: bool) -> dict[str, Any]:
    """Returns how a word was interpreted. `unknown` means that no list contains the query, so that hints are useful."""
    about = ""
    if meaning.how in (SLUG, WORD, PART):
        about = meaning_line(index, SubjectIndex(index), meaning)
    elif unknown and meaning.word and (meaning.candidates or not is_host(meaning.word)):
        about = meaning.fault()
    return {"subject": meaning.subject or None, "candidates": list(meaning.candidates), "about": about}


def together(flows: list[FlowRow]) -> list[dict[str, Any]]:
    """Sums the live flows by device, group, vendor, service and evidence."""
    rows: dict[tuple[str, ...], dict[str, Any]] = {}
    for flow in flows:
        key = (flow.device, flow.group, flow.vendor, flow.service, flow.evidence)
        row = rows.get(key)
        if row is None:
            row = dict(zip(("device", "group", "vendor", "service", "evidence"), key, strict=True))
            row.update(bytes_up=0, bytes_down=0, flows=0, first=flow.first, last=flow.last)
            rows[key] = row
        row["bytes_up"] += flow.bytes_up
        row["bytes_down"] += flow.bytes_down
        row["flows"] += 1
        row["first"] = min(row["first"], flow.first)
        row["last"] = max(row["last"], flow.last)
    return list(rows.values())
