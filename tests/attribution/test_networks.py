"""Prefixes and what lies in them."""

import pytest
from cast import packed

from monitor.attribution.networks import (
    ALWAYS_LOCAL,
    DEFAULT_LOCAL,
    Networks,
    address_text,
    is_group_address,
    is_unspecified,
    parse_prefix,
)


@pytest.mark.parametrize(
    ("address", "local"),
    [
        ("192.168.1.1", True),
        ("172.31.255.255", True),
        ("172.32.0.0", False),
        ("100.64.0.1", True),
        ("8.8.8.8", False),
        ("fd12::1", True),
        ("fe80::1", True),
        ("2001:db8::1", False),
        ("::ffff:10.0.0.1", False),
    ],
)
def test_what_is_local_by_default(address: str, local: bool) -> None:
    assert Networks(DEFAULT_LOCAL).contains(packed(address)) is local


def test_what_never_leaves_the_link() -> None:
    networks = Networks(ALWAYS_LOCAL)
    for address in ("127.0.0.1", "::1", "fe80::1", "169.254.7.7"):
        assert networks.contains(packed(address))


def test_text_that_is_no_prefix_is_left_out() -> None:
    assert parse_prefix("10.0.0.0/33") is None
    assert len(Networks(["10.0.0.0/8", "nonsense"]).prefixes) == 1


@pytest.mark.parametrize(
    ("prefix", "address", "inside"),
    [
        ("64:ff9b::/96", "64:ff9b::c000:221", "192.0.2.33"),
        ("2001:db8::/32", "2001:db8:c000:221::", "192.0.2.33"),
        ("2001:db8:100::/40", "2001:db8:1c0:2:21::", "192.0.2.33"),
        ("2001:db8:122::/48", "2001:db8:122:c000:2:2100::", "192.0.2.33"),
        ("2001:db8:122:300::/56", "2001:db8:122:3c0:0:221::", "192.0.2.33"),
        ("2001:db8:122:344::/64", "2001:db8:122:344:c0:2:2100::", "192.0.2.33"),
    ],
)
def test_the_vectors_of_rfc_6052(prefix: str, address: str, inside: str) -> None:
    assert address_text(Networks([prefix]).embedded_v4(packed(address))) == inside


def test_other_addresses_carry_none() -> None:
    assert Networks(["64:ff9b::/96"]).embedded_v4(packed("2001:db8::1")) == b""
    assert Networks(["64:ff9b::/96"]).embedded_v4(packed("10.0.0.1")) == b""


@pytest.mark.parametrize(
    ("address", "group"),
    [
        ("224.0.0.251", True), ("239.1.1.1", True), ("255.255.255.255", True), ("ff02::1", True), ("8.8.8.8", False),
        ("fe80::1", False),
    ],
)  # fmt: skip
def test_group_addresses(address: str, group: bool) -> None:
    assert is_group_address(packed(address)) is group


def test_the_unspecified_addresses() -> None:
    assert is_unspecified(bytes(4))
    assert is_unspecified(bytes(16))
    assert not is_unspecified(packed("::1"))
