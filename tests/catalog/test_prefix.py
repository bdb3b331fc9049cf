"""Prefixes, and those that no list may hold."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.catalog.prefix import parse_prefix, parse_range, prefix_text


@pytest.mark.parametrize(
    ("text", "prefix"),
    [
        ("71.18.0.0/16", "71.18.0.0/16"),
        ("71.18.3.4/16", "71.18.0.0/16"),
        ("17.0.0.0/8", "17.0.0.0/8"),
        ("8.8.8.8", "8.8.8.8/32"),
        ("2605:340::/32", "2605:340::/32"),
        ("2001:4860:4860::8888", "2001:4860:4860::8888/128"),
        ("2620:FE::9/128", "2620:fe::9/128"),
    ],
)
def test_prefixes(text: str, prefix: str) -> None:
    address, bits, fault = parse_prefix(text)
    assert (fault, prefix_text(address, bits)) == ("", prefix)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "neither an address nor a prefix"),
        ("tiktok.com", "neither an address nor a prefix"),
        ("71.18.0.0/33", "neither an address nor a prefix"),
        ("71.18.0.0/", "neither an address nor a prefix"),
        ("71.18.0.0/-1", "neither an address nor a prefix"),
        ("71.18.0.0/255.255.0.0", "neither an address nor a prefix"),
        ("2605:340::%eth0/64", "neither an address nor a prefix"),
        ("64.0.0.0/7", "too wide a prefix"),
        ("2600::/15", "too wide a prefix"),
        ("0.0.0.0/0", "a special-purpose address"),
        ("10.1.2.3", "a special-purpose address"),
        ("192.168.0.0/16", "a special-purpose address"),
        ("255.255.255.255", "a special-purpose address"),
        ("fe80::1", "a special-purpose address"),
        ("fd00::/8", "a special-purpose address"),
        ("64:ff9b::/96", "a special-purpose address"),
        ("2001::1", "a special-purpose address"),
        ("::/0", "a special-purpose address"),
    ],
)
def test_what_no_list_may_hold(text: str, fault: str) -> None:
    assert parse_prefix(text)[2] == fault


@given(st.integers(0x0B000000, 0x0BFFFFFF), st.integers(0, 100_000))
def test_ranges_are_summarised_as_the_standard_library_does(first: int, size: int) -> None:
    start, end = ipaddress.IPv4Address(first), ipaddress.IPv4Address(min(first + size, 0x0BFFFFFF))
    prefixes, fault = parse_range(str(start), str(end))
    expected = [(n.network_address.packed, n.prefixlen) for n in ipaddress.summarize_address_range(start, end)]
    assert (prefixes, fault) == (expected, "")


def test_ranges_of_ipv6() -> None:
    assert parse_range("2605:340::", "2605:340:0:1:ffff:ffff:ffff:ffff") == (
        [(ipaddress.ip_address("2605:340::").packed, 63)],
        "",
    )


@pytest.mark.parametrize(
    ("first", "last", "fault"),
    [
        ("11.0.0.9", "11.0.0.1", "not a range of addresses"),
        ("11.0.0.9", "2605:340::", "not a range of addresses"),
        ("x", "11.0.0.9", "not a range of addresses"),
        ("9.0.0.0", "11.0.0.0", "too wide a range"),
        ("9.255.0.0", "10.0.0.0", "a special-purpose address"),
    ],
)
def test_what_is_no_range(first: str, last: str, fault: str) -> None:
    assert parse_range(first, last) == ([], fault)
