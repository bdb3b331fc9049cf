"""Intervals of the banned: disjoint, merged, and inside translators' prefixes too."""

import itertools
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st
from worlds import packed

from monitor.catalog.builder import IndexBuilder
from monitor.catalog.entry import Owner, owner_text
from monitor.catalog.index import Index
from monitor.policy.table.owned_prefixes import SPECIAL, OwnedPrefixes
from monitor.policy.table.probe import PROBE_CHAIN

ACME, VIDEO = ("acme",), ("acme/video",)


def territory(*prefixes: tuple[str, Owner], nat64: tuple[str, ...] = (), never: tuple[str, ...] = ()) -> OwnedPrefixes:
    builder = IndexBuilder(seed=7)
    for text, owner in prefixes:
        network = ip_network(text)
        builder.add_prefix(network.network_address.packed, network.prefixlen, builder.number_of(owner))
    return OwnedPrefixes(Index.load(builder.build()), nat64, never)


def spans(of: OwnedPrefixes, owner: tuple[str, ...]) -> list[str]:
    number = of.owners.get(owner, 0)
    keys = [*of.v4[number], *of.v6[number]] if number else []
    return [f"{ip_address(key[: len(key) // 2])}-{ip_address(key[len(key) // 2 :])}" for key in keys]


def test_prefixes_inside_each_other_become_one_unless_the_inner_one_is_anothers() -> None:
    of = territory(
        ("20.0.0.0/8", Owner("acme")), ("20.1.0.0/16", Owner("acme")), ("21.0.0.0/8", Owner("acme")),
        ("20.2.0.0/16", Owner("acme", "video")),
    )  # fmt: skip
    assert spans(of, ACME) == ["20.0.0.0-20.1.255.255", "20.3.0.0-21.255.255.255"]
    assert spans(of, VIDEO) == ["20.2.0.0-20.2.255.255"]


def test_a_category_inside_a_vendor_belongs_to_both() -> None:
    of = territory(("20.0.0.0/24", Owner("acme")), ("20.0.0.53", Owner("doh", category=True)))
    assert spans(of, ("acme", "category:doh")) == ["20.0.0.53-20.0.0.53"]
    assert spans(of, ACME) == ["20.0.0.0-20.0.0.52", "20.0.0.54-20.0.0.255"]


def test_nobody_owns_what_is_special_local_or_shared() -> None:
    of = territory(
        ("192.0.0.0/16", Owner("acme")), ("2001:db8::/32", Owner("acme")), ("20.0.0.0/24", Owner("acme")),
        ("30.0.0.0/24", Owner("cloud", weak=True)),
        never=("20.0.0.128/25", "192.0.1.0/24"),
    )  # fmt: skip
    assert spans(of, ACME) == ["20.0.0.0-20.0.0.127", "192.0.3.0-192.0.255.255"]
    assert spans(of, ("cloud",)) == []


# RFC 6052 section 2.4 and its table, for 192.0.2.33 read as 20.0.2.33: special addresses are never banned.
@pytest.mark.parametrize(
    ("translator", "first", "last"),
    [
        ("2a01:db8::/32", "2a01:db8:1400:221::", "2a01:db8:1400:221:ff:ffff:ffff:ffff"),
        ("2a01:db8:100::/40", "2a01:db8:114:2:21::", "2a01:db8:114:2:21:ffff:ffff:ffff"),
        ("2a01:db8:122::/48", "2a01:db8:122:1400:2:2100::", "2a01:db8:122:1400:2:21ff:ffff:ffff"),
        ("2a01:db8:122:300::/56", "2a01:db8:122:314:0:221::", "2a01:db8:122:314:0:221:ffff:ffff"),
        ("2a01:db8:122:344::/64", "2a01:db8:122:344:14:2:2100:0", "2a01:db8:122:344:14:2:21ff:ffff"),
        ("2a01:db8:122:344::/96", "2a01:db8:122:344::20.0.2.33", "2a01:db8:122:344::20.0.2.33"),
        ("64:ff9b::/96", "64:ff9b::20.0.2.33", "64:ff9b::20.0.2.33"),
    ],
)
def test_translators_carry_the_banned_too(translator: str, first: str, last: str) -> None:
    of = territory(("20.0.2.33", Owner("acme")), ("64:ff9b::/95", Owner("acme")), nat64=(translator,))
    number = of.owners[ACME]
    assert packed(first) + packed(last) in of.v6[number]


OWNERS = [
    Owner("acme"), Owner("acme", "video"), Owner("bolt"), Owner("doh", category=True), Owner("cloud", weak=True),
    Owner("acme", list="mine", user=True), Owner("doh", list="mine-too", category=True, user=True),
    Owner("mine", "video", list="mine-as-well", also=("mail",), user=True),
]  # fmt: skip


def holder(owner: Owner) -> str:
    """Of the prefixes of one holder one counts."""
    if owner.user:
        return owner.list
    return owner.vendor if owner.category else "shipped vendors"


prefixes = st.lists(
    st.tuples(
        st.builds(lambda block, bits: f"{ip_address(20 << 24 | (block >> 32 - bits << 32 - bits) & 0xFFF)}/{bits}",
                  st.integers(0, 0xFFF), st.integers(20, 32)),
        st.sampled_from(OWNERS),
    ),
    max_size=12,
)  # fmt: skip


@given(prefixes, st.integers(0, 0xFFF))
def test_every_address_belongs_to_its_longest_prefix(listed: list[tuple[str, Owner]], offset: int) -> None:
    of = territory(*listed, never=("20.0.1.0/28",))
    chains = {owner: " ".join(owner) for owner in of.owners if owner}
    v4, v6 = of.elements(chains)
    ordered = sorted(v4)
    assert all(before[4:] < after[:4] for before, after in itertools.pairwise(ordered))
    assert all(
        int.from_bytes(before[4:], "big") + 1 < int.from_bytes(after[:4], "big") or v4[before] != v4[after]
        for before, after in itertools.pairwise(ordered)
    )
    assert set(v6.values()) == {PROBE_CHAIN}
    address = 20 << 24 | offset
    best: dict[str, tuple[int, Owner]] = {}
    for text, owner in listed:
        network = ip_network(text)
        inside = ip_address(address) in network and not owner.weak
        if inside and network.prefixlen > best.get(holder(owner), (-1, owner))[0]:
            best[holder(owner)] = (network.prefixlen, owner)
    owners = {owner_text(owner) for _, owner in best.values()}
    key = address.to_bytes(4, "big")
    found = [set(chain.split()) for span, chain in v4.items() if span[:4] <= key <= span[4:]]
    free = not owners or ip_address(address) in ip_network("20.0.1.0/28")
    assert found == ([] if free else [owners])


def test_the_special_prefixes_are_prefixes() -> None:
    assert all(ip_network(text) for text in SPECIAL)
