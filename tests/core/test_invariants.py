"""What holds for every story: Hypothesis writes them."""

import pytest
from cast import (
    LAPTOP_MAC,
    PHONE_MAC,
    ROUTER_MAC,
    START,
    TYPE_CNAME,
    asks,
    connection,
    gateway,
    hidden,
    http,
    lease,
    neighbour,
    packet,
    quic,
    record,
    tls,
    told,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.gateway import Gateway
from monitor.core.settings import CONNTRACK, Settings
from monitor.core.verdict.replacement import WAITING_MAX
from monitor.limits import Limits
from monitor.model import FLOW_END, FLOW_NEW, FLOW_UPDATE, PROTOCOL_TCP, PROTOCOL_UDP, Observation, Packet

pytestmark = pytest.mark.slow

HOSTS = ("192.168.1.20", "192.168.1.30", "10.1.2.3", "203.0.113.10", "71.18.3.4", "47.88.1.1", "198.51.100.7")
NAMES = ("www.tiktok.com", "www.google.com", "x.example", "y.example", "dns.example", "v.tiktokcdn.com")
MACS = (PHONE_MAC, LAPTOP_MAC, ROUTER_MAC)
TIGHT = Limits(
    flows=8, names=12, names_per_address=3, aliases=2, devices=6, addresses_per_device=3, series=18, rows=10,
    addresses=8, queries=6,
)  # fmt: skip

# Tables that have no limit of their own in the configuration.
LIMITS = {"host_names": TIGHT.devices, "replacements": WAITING_MAX}

Step = tuple[float, list[Observation]]


@st.composite
def observations(draw: st.DrawFn, at: float) -> list[Observation]:
    source, destination = draw(st.sampled_from(HOSTS)), draw(st.sampled_from(HOSTS))
    ports = (draw(st.integers(1, 4)) + 40000, draw(st.sampled_from((53, 80, 443, 853, 5000, 40001))))
    protocol = draw(st.sampled_from((PROTOCOL_TCP, PROTOCOL_UDP, 1)))
    seen = packet(
        source, destination, ports if protocol != 1 else (0, 0), protocol, at, draw(st.integers(20, 1500)),
        draw(st.sampled_from((0x02, 0x12, 0x10, 0x11, 0x04))), draw(st.sampled_from(MACS)),
    )  # fmt: skip
    name = draw(st.sampled_from(NAMES))
    match draw(st.integers(0, 10)):
        case 0:
            return tls(seen, name, draw(st.booleans()))
        case 1:
            return quic(seen, name)
        case 2:
            return http(seen, name)
        case 3:
            return asks(source, name, at, ports[0], mac=draw(st.sampled_from(MACS)))
        case 4:
            records = [record(name, TYPE_CNAME, draw(st.sampled_from(NAMES))), record(name, 1, destination)]
            return told(source, name, records, at, ports[0], mac=draw(st.sampled_from(MACS)))
        case 5:
            return [lease(draw(st.sampled_from(MACS)), source, draw(st.sampled_from(("", "pixel", "gov-1"))), at)]
        case 6:
            return [neighbour(source, draw(st.sampled_from(MACS)), at)]
        case 7:
            return hidden(seen, "vpn")
        case _:
            return [seen]


@st.composite
def stories(draw: st.DrawFn) -> list[Step]:
    at = 0.0
    steps: list[Step] = []
    for _ in range(draw(st.integers(1, 40))):
        at += draw(st.sampled_from((0.0, 0.01, 0.5, 2.0, 20.0, 200.0, 5000.0)))
        steps.append((at, draw(observations(at))))
    return steps


def totals(watched: Gateway) -> dict[tuple[str, ...], float]:
    """Every counter of the snapshot under its family's name."""
    return {
        (name, *labels): value
        for name, family in watched.snapshot().items()
        if name.endswith("_total")
        for labels, value in family.items()
    }


@settings(max_examples=120, deadline=None)
@given(stories())
def test_tables_keep_their_limits_counters_grow_and_no_byte_is_lost(steps: list[Step]) -> None:
    watched = gateway(Settings(limits=TIGHT, events=frozenset({"flow", "dns", "tls"})))
    before: dict[tuple[str, ...], float] = {}
    seen = 0
    for at, story in steps:
        watched.feed(story, START + at)
        seen += sum(one.length for one in story if isinstance(one, Packet))
        after = totals(watched)
        assert all(after.get(key, 0.0) >= value for key, value in before.items())
        before = after
        counted = sum(value for key, value in after.items() if key[0] == "flow_bytes_total")
        assert counted + watched.pending_bytes() == seen
        for name, size in watched.table_sizes().items():
            assert size <= LIMITS.get(name, getattr(TIGHT, name, 0)), name
    watched.close(START + 10_000)
    assert watched.pending_bytes() == 0
    assert sum(watched.snapshot()["flow_bytes_total"].values()) == seen
    assert watched.table_sizes()["flows"] == 0


@settings(max_examples=60, deadline=None)
@given(stories(), st.data())
def test_any_split_of_a_batch_gives_the_same(steps: list[Step], data: st.DataObject) -> None:
    wanted = Settings(events=frozenset({"flow", "dns", "tls", "quic", "dhcp"}))
    whole, parts = gateway(wanted), gateway(wanted)
    story = [(at, one) for at, batch in steps for one in batch]
    end = START + steps[-1][0]
    one_go = whole.feed([one for _, one in story], end)
    piecemeal = []
    while story:
        cut = data.draw(st.integers(1, len(story)))
        piecemeal += parts.feed([one for _, one in story[:cut]], START + story[cut - 1][0])
        story = story[cut:]
    one_go += whole.close(end + 1)
    piecemeal += parts.close(end + 1)
    assert [(e.time, type(e.about).__name__, e.labels) for e in one_go] == [
        (e.time, type(e.about).__name__, e.labels) for e in piecemeal
    ]
    assert whole.rows() == parts.rows()
    assert totals(whole) == totals(parts)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from((FLOW_NEW, FLOW_UPDATE, FLOW_END)), st.integers(0, 5000), st.integers(0, 5000),
            st.sampled_from(HOSTS[:3]), st.sampled_from(HOSTS), st.integers(1, 3), st.integers(1, 3),
        ),
        max_size=40,
    )
)  # fmt: skip
def test_whatever_conntrack_says_counters_only_grow(counts: list[tuple[int, int, int, str, str, int, int]]) -> None:
    watched = gateway(Settings(flows=CONNTRACK, limits=TIGHT))
    before: dict[tuple[str, ...], float] = {}
    for at, (state, sent, returned, source, destination, port, number) in enumerate(counts):
        seen = connection(state, sent, returned, at, source, destination, (port, 443), number=number)
        watched.feed([seen], START + at)
        after = totals(watched)
        assert all(after.get(key, 0.0) >= value for key, value in before.items())
        assert watched.table_sizes()["flows"] <= TIGHT.flows
        before = after
