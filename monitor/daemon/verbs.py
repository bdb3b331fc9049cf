"""What the control socket answers: the run-time verbs."""

import time
from dataclasses import asdict
from ipaddress import ip_address
from typing import Any, Final

from monitor.catalog.entry import Entry
from monitor.core.rows import FlowRow
from monitor.daemon.control import Peer
from monitor.daemon.daemon import Daemon
from monitor.daemon.fate import fate, groups_by_key
from monitor.daemon.orders import order_row
from monitor.daemon.policy_verbs import PolicyVerbs
from monitor.daemon.policy_words import standing_rows
from monitor.daemon.reload import Reloader
from monitor.errors import GatewatchError, UsageError
from monitor.metrics.engine import engine, package_version
from monitor.policy.orders import VERBS as ORDER_VERBS

ASKING_VERBS: Final = ("status", "devices", "top", "why", "lists", "selftest", "reload", "reload-lists")
FLOWS_SHOWN: Final = 100
FLOWS_SHOWN_MAX: Final = 10_000
NAMES_SHOWN: Final = 32


class Verbs:
    """Every answer is of one moment; none changes anything but the reloads and those of `orders`."""

    def __init__(self, daemon: Daemon, reloader: Reloader, orders: PolicyVerbs) -> None:
        self._daemon = daemon
        self._reloader = reloader
        self._orders = orders

    async def answer(self, verb: str, arguments: dict[str, Any], peer: Peer) -> dict[str, Any]:
        """The result of a verb. Raises UsageError for one that is unknown or misused."""
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
            "health": daemon.health(),
            "flows": daemon.flows,
            "interfaces": [{"interface": name, **asdict(counts)} for name, counts in daemon.capture.counts().items()],
            "tables": {**daemon.decoder.decoder.table_sizes(), **daemon.gateway.table_sizes()},
            "evictions": {**daemon.decoder.decoder.evictions, **daemon.gateway.evictions()},
            "conntrack_overruns": conntrack.overruns if conntrack is not None else 0,
            "loop_stall_seconds": daemon.stall.seconds(),
            "policy": {
                **standing_rows(daemon.standing(), daemon.gateway.policy),
                "orders": [order_row(order) for order in daemon.orders.orders],
                "orders_fault": daemon.orders.fault,
            },
            "rows": self._rows(),
        }

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
        """No checks where nothing is enforced."""
        checks = await self._daemon.assurance.run()
        return {"checks": [asdict(check) for check in checks]}

    def _why(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """What the daemon knows of a name or an address: its list entry, and the names that answers gave to it."""
        query = arguments.get("query")
        if not isinstance(query, str) or not query:
            raise UsageError("query must be a name or an address")
        index = self._daemon.loaded.index
        names: list[dict[str, Any]] = []
        learned: list[dict[str, Any]] = []
        name = b""
        try:
            address = ip_address(query.strip("[]")).packed
        except ValueError:
            name = query.lower().rstrip(".").encode("idna" if not query.isascii() else "ascii", "replace")
            entry, category = index.match_name(name), index.match_category(name)
        else:
            entry, category = index.match_address(address), index.match_address_category(address)
            names = self._names(address, arguments.get("device", ""))
            learned = self._daemon.enforcement.learning.states_of(address)
        row = {"query": query, **entry_row(entry), "category": category.vendor if category else None, "names": names}
        row["learned"] = learned
        device = arguments.get("device", "")
        if not device:
            return row
        if learned and entry is None:
            banned = learned[0]["name"].encode("ascii", "replace")
            entry, category = index.match_name(banned), index.match_category(banned)
        return {**row, **self._fate(packed_device(device), (entry, category), name)}

    def _fate(self, device: bytes, found: tuple[Entry | None, Entry | None], name: bytes) -> dict[str, Any]:
        """What would happen to the device, by layer."""
        gateway = self._daemon.gateway
        groups = gateway.groups_for(device)
        if groups is None:
            groups = tuple(groups_by_key(self._daemon.config.groups, device))
        policy, armed = gateway.policy, gateway.enforcement.armed
        return {
            "groups": list(groups),
            "layers": fate(policy, groups, device, found, name, armed, self._daemon.line.now()),
        }

    def _names(self, address: bytes, device: str) -> list[dict[str, Any]]:
        """The newest names of the address, for one device or for all, and what each belongs to."""
        index, gateway = self._daemon.loaded.index, self._daemon.gateway
        claims = gateway.names_for(packed_device(device), address) if device else gateway.names_of(address)
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


def packed_device(text: str) -> bytes:
    """A MAC or an IP address. Raises UsageError."""
    try:
        return bytes.fromhex(text.replace(":", "")) if text.count(":") == 5 else ip_address(text).packed
    except ValueError:
        raise UsageError(f"device must be a MAC address or an address, not {text!r}") from None


def entry_row(entry: Entry | None) -> dict[str, Any]:
    if entry is None:
        return {"vendor": None, "service": None, "list": None, "entry": None}
    return {"vendor": entry.vendor, "service": entry.service, "list": entry.list, "entry": entry.value}


def together(flows: list[FlowRow]) -> list[dict[str, Any]]:
    """The live flows added up as rows are: by device, group, vendor, service and evidence."""
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
