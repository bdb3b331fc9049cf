"""Whose a name and an address is, against a statement of the rule too simple to be wrong."""

import ipaddress

import pytest
from catalog_tools import index_of
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.catalog.builder import IndexBuilder
from monitor.catalog.entry import Owner, owner_text
from monitor.catalog.index import Index
from monitor.lists.cache import load_cached

TIKTOK = Owner("bytedance", "tiktok", "bytedance")
ADS = Owner("bytedance", "ads", "bytedance", also=("tiktok",))
WHOLE = Owner("bytedance", "unknown", "bytedance", also=("tiktok",))
CLOUD = Owner("cloud", "unknown", "cloud", weak=True, hosting=True)
DOH = Owner("encrypted-dns", "doh", "encrypted-dns", category=True)
VPN = Owner("vpn", "unknown", "vpn", category=True)
MINE = Owner("mine", "unknown", "my list", user=True)
YOURS = Owner("bytedance", "capcut", "your list", user=True)
RELAYS = Owner("vpn", "unknown", "relays", category=True, user=True)
OWNERS = [MINE, YOURS, RELAYS, TIKTOK, ADS, WHOLE, CLOUD, DOH, VPN]


def test_owners_are_written_as_bans_compare_them() -> None:
    texts = [owner_text(owner) for owner in (TIKTOK, ADS, WHOLE, MINE, DOH)]
    assert texts == ["bytedance/tiktok", "bytedance/ads+tiktok", "bytedance/+tiktok", "mine", "category:encrypted-dns"]


def test_a_list_of_the_users_own_adds_an_owner_and_takes_none_away() -> None:
    index = index_of(
        ("name", "www.tiktok.com", False, MINE),
        ("name", "tiktok.com", False, YOURS),
        ("name", "tiktok.com", True, RELAYS),
        ("name", "tiktok.com", False, TIKTOK),
        ("name", "com.example", False, DOH),
    )
    found = {
        name: index.owners_of_name(name).names
        for name in (b"tiktok.com", b"m.tiktok.com", b"www.tiktok.com", b"nottiktok.com", b"x.com.example")
    }
    assert found == {
        b"tiktok.com": ("bytedance/tiktok", "bytedance/capcut", "category:vpn"),
        b"m.tiktok.com": ("bytedance/tiktok", "bytedance/capcut"),
        b"www.tiktok.com": ("bytedance/tiktok", "mine", "bytedance/capcut"),
        b"nottiktok.com": (),
        b"x.com.example": ("category:encrypted-dns",),
    }


@pytest.mark.parametrize(
    ("entries", "label"),
    [
        ([("a.example.com", MINE), ("example.com", TIKTOK)], "bytedance"),
        ([("example.com", MINE), ("a.example.com", YOURS)], "my list"),
        # Names of a hosting company's customers are theirs: a list that names a customer is more specific.
        ([("a.example.com", MINE), ("example.com", CLOUD)], "my list"),
        ([("example.com", CLOUD), ("example.com", DOH)], "cloud"),
    ],
)
def test_the_shipped_vendor_labels_and_then_the_first_list(entries: list[tuple[str, Owner]], label: str) -> None:
    entry = index_of(*[("name", name, False, owner) for name, owner in entries]).match_name(b"www.a.example.com")
    assert entry is not None
    assert entry.list == label


def test_addresses_have_owners_too() -> None:
    index = index_of(
        ("prefix", "71.18.0.0/24", False, MINE),
        ("prefix", "71.0.0.0/8", False, RELAYS),
        ("prefix", "71.18.0.0/16", False, WHOLE),
        ("prefix", "71.18.0.0/25", False, CLOUD),
        ("prefix", "71.18.0.1", False, DOH),
        ("asn", "AS64500", False, MINE),
        ("asn", "AS64500", False, TIKTOK),
    )
    found = {
        text: index.owners_of_address(ipaddress.ip_address(text).packed).names
        for text in ("71.18.0.1", "71.18.0.200", "71.18.9.1", "71.1.1.1", "72.0.0.0")
    }
    assert found == {
        "71.18.0.1": ("bytedance/+tiktok", "mine", "category:encrypted-dns", "category:vpn"),
        "71.18.0.200": ("bytedance/+tiktok", "mine", "category:vpn"),
        "71.18.9.1": ("bytedance/+tiktok", "category:vpn"),
        "71.1.1.1": ("category:vpn",),
        "72.0.0.0": (),
    }
    assert index.owners_of_asn(64500).names == ("bytedance/tiktok", "mine")
    assert index.owners_of_asn(64501).names == ()


def holder(owner: Owner) -> str:
    if owner.user:
        return owner.list
    return f"category {owner.vendor}" if owner.category else "shipped vendors"


LABEL = st.sampled_from(["a", "b", "example", "com"])
NAME = st.lists(LABEL, min_size=2, max_size=4).map(lambda labels: ".".join(labels).encode())
NAMES = st.lists(st.tuples(NAME, st.booleans(), st.sampled_from(OWNERS)), max_size=30)


@given(NAMES, st.lists(NAME, max_size=10), st.integers(0, 0xFFFFFFFF))
@settings(max_examples=150, deadline=None)
def test_each_holder_names_by_its_longest(
    listed: list[tuple[bytes, bool, Owner]], names: list[bytes], seed: int
) -> None:
    builder = IndexBuilder(seed)
    for value, exact, owner in listed:
        builder.add_name(value, exact, builder.number_of(owner))
    index = Index.load(builder.build())
    for name in names + [value for value, _, _ in listed]:
        best: dict[str, tuple[int, Owner]] = {}
        for value, exact, owner in listed:
            covers = name == value or (not exact and name.endswith(b"." + value))
            if covers and len(value) > best.get(holder(owner), (0, owner))[0]:
                best[holder(owner)] = (len(value), owner)
        found = index.owners_of_name(name)
        assert set(found.names) == {owner_text(owner) for _, owner in best.values()}
        assert len(found.entries) == len(best)
        assert index.owners_of_name(name) is found


BLOCK = st.tuples(st.integers(0, 0xFFF), st.integers(20, 32)).map(
    lambda of: (0x47000000 | of[0] >> 32 - of[1] << 32 - of[1], of[1])
)


@given(st.lists(st.tuples(BLOCK, st.sampled_from(OWNERS)), max_size=30), st.lists(st.integers(0, 0xFFF)))
@settings(max_examples=150, deadline=None)
def test_each_holder_has_an_address_by_its_own_longest(
    listed: list[tuple[tuple[int, int], Owner]], offsets: list[int]
) -> None:
    builder = IndexBuilder()
    for (start, bits), owner in listed:
        builder.add_prefix(start.to_bytes(4, "big"), bits, builder.number_of(owner))
    index = Index.load(builder.build())
    for address in [0x47000000 | offset for offset in offsets] + [start for (start, _), _ in listed]:
        best: dict[str, tuple[bool, int, Owner]] = {}
        for (start, bits), owner in listed:
            rank = (not owner.weak, bits)
            inside = address >> 32 - bits == start >> 32 - bits
            if inside and rank > best.get(holder(owner), (False, -1, owner))[:2]:
                best[holder(owner)] = (*rank, owner)
        found = index.owners_of_address(address.to_bytes(4, "big"))
        assert set(found.names) == {owner_text(owner) for _, _, owner in best.values()}
        assert set(found.own()) == {owner_text(owner) for _, _, owner in best.values() if not owner.weak}


@pytest.mark.parametrize(
    ("name", "vendor"),
    [
        (b"yuanbao.tencent.com", "tencent"), (b"hunyuan.tencent.com", "tencent"), (b"yuanqi.tencent.com", "tencent"),
        (b"tongyi.aliyun.com", "alibaba"), (b"qianwen.aliyun.com", "alibaba"), (b"yiyan.baidu.com", "baidu"),
    ],
)  # fmt: skip
def test_an_ai_service_of_a_vendor_is_the_vendors(name: bytes, vendor: str) -> None:
    owners = load_cached().index.owners_of_name(name)
    assert owners.entry is not None
    assert (owners.entry.vendor, "ai-cn-other" in owners.categories) == (vendor, True)
