"""Floods: what nobody could list is bounded, what gave way is counted, and it takes no longer at the end.

`FLOOD` is small here; the same with a million runs by hand in `GATEWATCH_FLOOD=1000000`.
"""

import os

import pytest
from cast import PHONE, SHARED, START, TIKTOK, TYPE_CNAME, asks, exchange, gateway, packet, record, syn, told

from monitor.core.settings import Settings
from monitor.core.verdict.replacement import WAITING_MAX
from monitor.limits import Limits
from monitor.model import PROTOCOL_UDP, Observation

pytestmark = pytest.mark.slow

FLOOD = int(os.environ.get("GATEWATCH_FLOOD", "20000"))
BATCH = 500
LIMITS = Limits(flows=2000, names=1000, aliases=400, devices=500, series=300, rows=500, addresses=1000, queries=500)
# Tables that have no limit in the configuration.
OF_THEIR_OWN = {"host_names": LIMITS.devices, "replacements": WAITING_MAX}


def dotted(number: int) -> str:
    return f"{11 + number // 65_536 % 100}.{number // 65_536 // 100}.{number // 256 % 256}.{number % 256}"


def flood(make: str) -> tuple[dict[str, int], dict[str, int], float]:
    watched = gateway(Settings(limits=LIMITS))
    watched.feed(exchange(PHONE, TIKTOK, "www.tiktok.com")[:4], START + 1)
    batch: list[Observation] = []
    seen = 0
    for number in range(FLOOD):
        at = 1 + number / 10_000
        port = number % 60_000 + 1024
        if make == "names":
            name = f"r{number}.www.tiktok.com"
            batch += asks(PHONE, name, at, port, number & 0xFFFF)
            batch += told(PHONE, name, [record(name, 1, dotted(number))], at, port, number & 0xFFFF)
        elif make == "aliases":
            chain = [record(f"r{number}.example", TYPE_CNAME, "www.tiktok.com"), record("www.tiktok.com", 1, SHARED)]
            batch += told(PHONE, f"r{number}.example", chain, at, port, number & 0xFFFF)
        elif make == "syns":
            batch.append(syn(PHONE, dotted(number), (port, 443), at))
        elif make == "sources":
            mac = bytes((2, 0, *number.to_bytes(4, "big")))
            batch.append(packet(f"10.{dotted(number).partition('.')[2]}", TIKTOK, (port, 443), at=at, mac=mac))
        else:
            batch.append(packet(PHONE, dotted(number), (port, port), PROTOCOL_UDP, at=at))
        if len(batch) >= BATCH:
            seen += len(batch)
            watched.feed(batch, START + at)
            batch.clear()
            for table, size in watched.table_sizes().items():
                assert size <= OF_THEIR_OWN[table] if table in OF_THEIR_OWN else getattr(LIMITS, table), table
    watched.feed(batch, START + 1 + FLOOD / 10_000)
    established = {row.vendor for row in watched.active_flows(2000) if row.server == TIKTOK and row.server_port == 443}
    assert "bytedance" in established
    sizes, evictions = watched.table_sizes(), watched.evictions()
    watched.close(START + 100)
    return sizes, evictions, sum(watched.snapshot()["flow_bytes_total"].values())


def test_random_subdomains() -> None:
    sizes, evictions, counted = flood("names")
    assert evictions["names"] >= FLOOD - LIMITS.names
    assert evictions["flows"] >= FLOOD - LIMITS.flows
    assert sizes["series"] < 20
    assert counted == FLOOD * 180 + 620


def test_aliases_of_one_address() -> None:
    sizes, evictions, _ = flood("aliases")
    assert evictions["aliases"] >= FLOOD - LIMITS.aliases
    assert sizes["names"] <= 2 * LIMITS.names_per_address


def test_syns() -> None:
    _, evictions, counted = flood("syns")
    assert evictions["flows"] >= FLOOD - LIMITS.flows
    assert counted == FLOOD * 60 + 620


def test_spoofed_sources() -> None:
    _, evictions, counted = flood("sources")
    assert evictions["devices"] >= FLOOD - LIMITS.devices - LIMITS.flows
    assert evictions["rows"] > 0
    assert counted == FLOOD * 100 + 620


def test_distinct_flows() -> None:
    sizes, evictions, counted = flood("datagrams")
    assert evictions["flows"] >= FLOOD - LIMITS.flows
    assert sizes["devices"] == 1
    assert counted == FLOOD * 100 + 620
