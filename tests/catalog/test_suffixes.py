"""The public suffix list against the package whose data it is."""

import pytest
from catalog_tools import SUFFIXES
from hypothesis import given, settings
from hypothesis import strategies as st
from publicsuffixlist import PSLFILE, PublicSuffixList

from monitor.catalog.suffixes import ICANN_SUFFIX, NO_SUFFIX, PRIVATE_SUFFIX
from monitor.lists.shipped import public_suffixes


@pytest.mark.parametrize(
    ("name", "part"),
    [
        (b"com", ICANN_SUFFIX),
        (b"unheard-of", ICANN_SUFFIX),
        (b"co.uk", ICANN_SUFFIX),
        (b"bbc.co.uk", NO_SUFFIX),
        (b"kawasaki.jp", ICANN_SUFFIX),
        (b"any.kawasaki.jp", ICANN_SUFFIX),
        (b"city.kawasaki.jp", NO_SUFFIX),
        (b"a.any.kawasaki.jp", NO_SUFFIX),
        (b"xn--fiqs8s", ICANN_SUFFIX),
        (b"github.io", PRIVATE_SUFFIX),
        (b"pages.github.io", NO_SUFFIX),
        (b"eu.compute.example.com", PRIVATE_SUFFIX),
        (b"x.eu.compute.example.com", NO_SUFFIX),
    ],
)
def test_parts(name: bytes, part: int) -> None:
    assert SUFFIXES.part_of(name) == part


REAL = public_suffixes()
ORACLE = PublicSuffixList(accept_unknown=True)
ICANN_ORACLE = PublicSuffixList(only_icann=True, accept_unknown=True)


def rules() -> list[str]:
    with open(PSLFILE, encoding="utf-8") as lines:
        words = [line.split()[0] for line in lines if line.strip() and not line.startswith("//")]
    return [word.lstrip("!").removeprefix("*.") for word in words if word.isascii()]


@given(st.sampled_from(rules()), st.lists(st.sampled_from(["a", "www", "city", "compute"]), max_size=2))
@settings(max_examples=400, deadline=None)
def test_as_the_package_says(rule: str, labels: list[str]) -> None:
    name = ".".join([*labels, rule])
    part = REAL.part_of(name.encode())
    assert (part != NO_SUFFIX) == (ORACLE.publicsuffix(name) == name)
    assert (part == ICANN_SUFFIX) == (ICANN_ORACLE.publicsuffix(name) == name)
