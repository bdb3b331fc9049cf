"""The index against the rules of matching, and against matchers too simple to be wrong."""

import ipaddress

import pytest
from catalog_tools import index_of
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.catalog.builder import MOST_OWNERS, IndexBuilder
from monitor.catalog.entry import Entry, Owner, Vendor
from monitor.catalog.index import OWNERS_KEPT, Index

TIKTOK = Owner("bytedance", "tiktok", "bytedance")
CLOUD = Owner("bytedance", "volcengine", "bytedance", weak=True)
MINE = Owner("mine", "unknown", "my list")
DOH = Owner("encrypted-dns", "doh", "encrypted-dns", category=True)


def vendor_of(entry: Entry | None) -> str:
    return entry.vendor if entry else ""


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        (b"tiktok.com", "tiktok.com"),
        (b"www.tiktok.com", "tiktok.com"),
        (b"a.b.c.tiktok.com", "tiktok.com"),
        (b"nottiktok.com", ""),
        (b"tiktok.com.evil.example", ""),
        (b"tiktok.co", ""),
        (b"com", ""),
        (b".", ""),
        (b"", ""),
        (b"only.example.org", "only.example.org"),
        (b"www.only.example.org", ""),
        (b"example.org", ""),
        (b"v.cdn.example.org", "cdn.example.org"),
        (rb"a\.b.tiktok.com", "tiktok.com"),
        (b"\\000.tiktok.com", "tiktok.com"),
        (b".tiktok.com", "tiktok.com"),
        (b"x" * 2000 + b".tiktok.com", "tiktok.com"),
    ],
)
def test_names_match_by_whole_labels_from_the_right(name: bytes, entry: str) -> None:
    index = index_of(
        ("name", "tiktok.com", False, TIKTOK),
        ("name", "only.example.org", True, TIKTOK),
        ("name", "cdn.example.org", False, CLOUD),
    )
    found = index.match_name(name)
    assert (found.value if found else "") == entry


def test_an_entry_tells_all_that_is_known_of_it() -> None:
    entry = index_of(("name", "cdn.example.org", False, CLOUD)).match_name(b"x.cdn.example.org")
    assert entry is not None
    assert (entry.kind, entry.value, entry.vendor, entry.service, entry.list, entry.weak, entry.category) == (
        "suffix", "cdn.example.org", "bytedance", "volcengine", "bytedance", True, False,
    )  # fmt: skip
    assert repr(entry) == "Entry(suffix cdn.example.org = bytedance/volcengine, bytedance, weak)"


def test_the_longest_suffix_goes_before_the_first_list() -> None:
    index = index_of(("name", "myqcloud.com", False, MINE), ("name", "tiktok.myqcloud.com", False, TIKTOK))
    assert vendor_of(index.match_name(b"a.tiktok.myqcloud.com")) == "bytedance"
    assert vendor_of(index.match_name(b"a.myqcloud.com")) == "mine"


def test_of_equal_names_the_first_list_wins() -> None:
    index = index_of(("name", "tiktok.com", False, MINE), ("name", "tiktok.com", False, TIKTOK))
    assert vendor_of(index.match_name(b"www.tiktok.com")) == "mine"
    assert [entry.vendor for entry in index.entries()] == ["mine"]


@pytest.mark.parametrize("exact_first", [True, False])
def test_an_exact_entry_and_a_suffix_of_the_same_name_live_side_by_side(exact_first: bool) -> None:
    entries = [("name", "tiktok.com", True, MINE), ("name", "tiktok.com", False, TIKTOK)]
    index = index_of(*(entries if exact_first else reversed(entries)))
    assert vendor_of(index.match_name(b"www.tiktok.com")) == "bytedance"
    assert vendor_of(index.match_name(b"tiktok.com")) == ("mine" if exact_first else "bytedance")


def test_a_category_stands_beside_a_vendor() -> None:
    index = index_of(
        ("name", "google.com", False, MINE),
        ("name", "dns.google.com", True, DOH),
        ("prefix", "8.8.8.0/24", False, MINE),
        ("prefix", "8.8.8.8", False, DOH),
        ("asn", "AS15169", False, MINE),
        ("asn", "AS19281", False, DOH),
    )
    assert vendor_of(index.match_name(b"dns.google.com")) == "mine"
    assert vendor_of(index.match_category(b"dns.google.com")) == "encrypted-dns"
    assert index.match_category(b"www.google.com") is None
    assert vendor_of(index.match_address(bytes((8, 8, 8, 8)))) == "mine"
    assert vendor_of(index.match_address_category(bytes((8, 8, 8, 8)))) == "encrypted-dns"
    assert index.match_address_category(bytes((8, 8, 8, 9))) is None
    assert vendor_of(index.match_asn(15169)) == "mine"
    assert index.match_asn(19281) is None
    assert vendor_of(index.match_asn_category(19281)) == "encrypted-dns"
    assert index.match_asn_category(0) is None


def test_own_prefixes_go_before_weak_ones_and_then_the_longest() -> None:
    index = index_of(
        ("prefix", "71.18.5.0/24", False, CLOUD),
        ("prefix", "71.18.0.0/16", False, TIKTOK),
        ("prefix", "71.18.9.0/24", False, MINE),
        ("prefix", "101.0.0.0/8", False, CLOUD),
        ("prefix", "101.45.0.0/16", False, TIKTOK),
    )
    cases = {
        "71.17.255.255": "",
        "71.18.0.0": "71.18.0.0/16",
        "71.18.5.1": "71.18.0.0/16",
        "71.18.9.1": "71.18.9.0/24",
        "71.18.255.255": "71.18.0.0/16",
        "71.19.0.0": "",
        "101.44.0.0": "101.0.0.0/8",
        "101.45.0.0": "101.45.0.0/16",
        "101.46.0.0": "101.0.0.0/8",
        "102.0.0.0": "",
        "0.0.0.0": "",
        "255.255.255.255": "",
    }
    for address, value in cases.items():
        found = index.match_address(ipaddress.ip_address(address).packed)
        assert (found.value if found else "") == value, address


def test_an_own_prefix_beats_an_equal_weak_one_that_came_first() -> None:
    index = index_of(("prefix", "71.18.0.0/16", False, CLOUD), ("prefix", "71.18.0.0/16", False, TIKTOK))
    found = index.match_address(bytes((71, 18, 1, 1)))
    assert found is not None
    assert not found.weak


def test_addresses_of_another_width_match_nothing() -> None:
    index = index_of(("prefix", "71.18.0.0/16", False, TIKTOK))
    assert index.match_address(b"") is None
    assert index.match_address(bytes(6)) is None
    assert index.match_address(bytes(16)) is None
    assert index.match_address_category(b"") is None


def test_an_empty_index_matches_nothing() -> None:
    index = Index.load(IndexBuilder().build())
    assert index.match_name(b"www.tiktok.com") is None
    assert index.match_address(bytes(4)) is None
    assert index.match_asn(1) is None
    assert index.vendors() == []


def test_a_dump_loads_as_what_it_was() -> None:
    builder = IndexBuilder()
    builder.add_vendor(Vendor("bytedance", "ByteDance", "vendor", (("tiktok", "TikTok"),)))
    builder.add_vendor(Vendor("bytedance", "another name", "vendor", (("capcut", "CapCut"),)))
    builder.add_name(b"tiktok.com", False, builder.number_of(TIKTOK))
    builder.count_list("bytedance", 1, 2)
    index = Index.load(Index.load(builder.build()).dump())
    assert index.vendors() == [Vendor("bytedance", "ByteDance", "vendor", (("tiktok", "TikTok"), ("capcut", "CapCut")))]
    assert index.entry_counts == {"bytedance": 1}
    assert index.ignored_counts == {"bytedance": 2}
    assert vendor_of(index.match_name(b"tiktok.com")) == "bytedance"


@pytest.mark.parametrize("data", [b"", b"gatewatch", b"\0" * 100])
def test_what_is_no_dump_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="not a gatewatch index"):
        Index.load(data)


def test_more_entries_than_are_kept_still_match() -> None:
    builder = IndexBuilder()
    owner = builder.number_of(TIKTOK)
    count = OWNERS_KEPT + 100
    for number in range(count):
        builder.add_name(f"n{number}.example.com".encode(), False, owner)
    index = Index.load(builder.build())
    for number in range(count):
        entry = index.match_name(f"www.n{number}.example.com".encode())
        assert entry is not None
        assert entry.value == f"n{number}.example.com"


def test_too_many_owners_are_an_error_of_the_lists() -> None:
    builder = IndexBuilder()
    for number in range(MOST_OWNERS):
        builder.number_of(Owner(f"v{number}"))
    with pytest.raises(ValueError, match="owners"):
        builder.number_of(Owner("one too many"))


LABEL = st.sampled_from(["a", "b", "com", "xn--p1ai", "_dns", "tiktok", "0", "aa"])
NAME = st.lists(LABEL, min_size=2, max_size=5).map(lambda labels: ".".join(labels).encode())
LISTED = st.lists(st.tuples(NAME, st.booleans(), st.integers(0, 3)), max_size=40)
OWNERS = [TIKTOK, CLOUD, MINE, DOH]


def naive_match(listed: list[tuple[bytes, bool, int]], name: bytes, category: bool) -> int:
    """The position of the winning entry, -1 without one."""
    best, best_length = -1, 0
    for position, (value, exact, owner) in enumerate(listed):
        covers = name == value or (not exact and name.endswith(b"." + value))
        if covers and OWNERS[owner].category == category and len(value) > best_length:
            best, best_length = position, len(value)
    return best


@given(LISTED, st.lists(NAME, max_size=20), st.integers(0, 0xFFFFFFFF))
@settings(max_examples=150, deadline=None)
def test_names_match_as_a_naive_matcher_says(
    listed: list[tuple[bytes, bool, int]], names: list[bytes], seed: int
) -> None:
    builder = IndexBuilder(seed)
    for value, exact, owner in listed:
        builder.add_name(value, exact, builder.number_of(OWNERS[owner]))
    index = Index.load(builder.build())
    for name in names + [value for value, _, _ in listed]:
        for category, found in ((False, index.match_name(name)), (True, index.match_category(name))):
            position = naive_match(listed, name, category)
            if position < 0:
                assert found is None
            else:
                value, exact, owner = listed[position]
                assert found is not None
                assert (found.value, found.kind, found.vendor) == (
                    value.decode(),
                    "exact" if exact else "suffix",
                    OWNERS[owner].vendor,
                )


# Close together, so that they nest and meet, at the ends of blocks and anywhere.
NUMBER_V4 = st.one_of(
    st.integers(0x47120000, 0x4713FFFF),
    st.sampled_from([0x47120000, 0x4712FFFF, 0x47130000]),
    st.integers(0, 2**32 - 1),
)
NUMBER_V6 = st.one_of(
    st.integers(0x2605 << 112, (0x2605 << 112) + 2**20), st.integers(0x2605 << 112, 0x2606 << 112)
)  # fmt: skip
ADDRESS_V4 = NUMBER_V4.map(lambda number: number.to_bytes(4, "big"))
ADDRESS_V6 = NUMBER_V6.map(lambda number: number.to_bytes(16, "big"))


def naive_address(listed: list[tuple[bytes, int, int]], address: bytes) -> tuple[str, int] | None:
    winner = None
    for order, (prefix, bits, owner) in enumerate(listed):
        network = ipaddress.ip_network((prefix, bits), strict=False)
        rank = (OWNERS[owner].weak, -bits, order)
        if ipaddress.ip_address(address) in network and (winner is None or rank < winner[0]):
            winner = (rank, (str(network), owner))
    return winner[1] if winner else None


@given(st.data(), st.sampled_from([4, 16]))
@settings(max_examples=150, deadline=None)
def test_addresses_match_as_a_naive_matcher_says(data: st.DataObject, width: int) -> None:
    address = ADDRESS_V4 if width == 4 else ADDRESS_V6
    listed = data.draw(
        st.lists(st.tuples(address, st.integers(8, width * 8), st.integers(0, 2)), min_size=1, max_size=200)
    )
    builder = IndexBuilder()
    for prefix, bits, owner in listed:
        builder.add_prefix(
            ipaddress.ip_network((prefix, bits), strict=False).network_address.packed,
            bits,
            builder.number_of(OWNERS[owner]),
        )
    index = Index.load(builder.build())
    for asked in data.draw(st.lists(address, max_size=30)) + [prefix for prefix, _, _ in listed]:
        found = index.match_address(asked)
        expected = naive_address(listed, asked)
        assert (found and (found.value, found.vendor, found.weak)) == (
            expected and (expected[0], OWNERS[expected[1]].vendor, OWNERS[expected[1]].weak)
        )
