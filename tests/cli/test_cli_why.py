"""`why`: one answer a query, from arguments and from standard input, with the entry that decided."""

import json
from pathlib import Path

import pytest
from shell import gatewatch

pytestmark = pytest.mark.slow


def rows(*arguments: object, stdin: str = "") -> list[dict[str, object]]:
    ran = gatewatch("why", "--json", *arguments, stdin=stdin)
    assert (ran.code, ran.err) == (0, "")
    return [json.loads(line) for line in ran.out.splitlines()]


def test_names_addresses_and_as_numbers() -> None:
    found = {
        row["query"]: (row["vendor"], row["service"], row["list"], row["entry"], row["category"])
        for row in rows(
            "WWW.TikTok.com.",
            "nottiktok.com",
            "tiktok.com.evil.example",
            "71.18.1.1",
            "as138699",
            "dns.quad9.net",
            "2001:db8::1",
        )
    }
    assert found == {
        "WWW.TikTok.com.": ("bytedance", "tiktok", "bytedance", "tiktok.com", "social"),
        "nottiktok.com": (None, None, None, None, None),
        "tiktok.com.evil.example": (None, None, None, None, None),
        "71.18.1.1": ("bytedance", "unknown", "bytedance", found["71.18.1.1"][3], "social"),
        "as138699": ("bytedance", "unknown", "bytedance", "AS138699", None),
        "dns.quad9.net": (None, None, "encrypted-dns", "dns.quad9.net", "encrypted-dns"),
        "2001:db8::1": (None, None, None, None, None),
    }  # fmt: skip


def test_standard_input_gives_one_object_a_line_in_order() -> None:
    found = rows("a.example", "-", "b.example", stdin="www.tiktok.com\n\n  www.google.com 1.1.1.1\n")
    assert [row["query"] for row in found] == ["a.example", "www.tiktok.com", "www.google.com", "1.1.1.1", "b.example"]


@pytest.mark.parametrize(
    "query",
    [
        "",
        ".",
        "..",
        "a..b",
        "-x-",
        "\\000.tiktok.com",
        "xn--",
        "é" * 100,
        "a" * 5000,
        "AS",
        "AS99999999999999999999",
        "1.2.3",
        "::g",
        "[::1",
        "http://tiktok.com/",
    ],
)
def test_whatever_is_asked_gets_an_answer(query: str) -> None:
    (row,) = rows("--", query)
    assert row["query"] == query


def test_an_international_name_matches_its_a_labels(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("xn--bcher-kva.example\n")
    config = tmp_path / "c.toml"
    config.write_text('[[list]]\nname = "mine"\nurl = "mine.txt"\nvendor = "bookshop/web"\nformat = "domains"\n')
    (row,) = rows("--config", config, "www.Bücher.example")
    assert (row["vendor"], row["service"], row["list"], row["entry"]) == (
        "bookshop",
        "web",
        "mine",
        "xn--bcher-kva.example",
    )


def test_text_for_people_names_list_and_entry() -> None:
    ran = gatewatch("why", "mask.icloud.com", "nobody.example")
    assert ran.out.splitlines() == [
        "mask.icloud.com: apple/icloud",
        "  vendor: list apple, suffix icloud.com",
        "  category private-relay: list private-relay, suffix mask.icloud.com",
        "nobody.example: no vendor",
    ]


def test_bans_of_the_configuration_are_named_and_what_stays_free_in_spite_of_them(tmp_path: Path) -> None:
    config = tmp_path / "c.toml"
    config.write_text(
        '[[group]]\nname = "pupils"\n[[ban]]\nvendors = ["apple", "bytedance/tiktok"]\ngroups = ["pupils"]\n'
        'mode = "enforce"\nlayers = ["dns"]\nallow = ["newsroom.tiktok.com"]\nreason = "exam"\n'
    )
    ban = "  ban apple-pupils: enforce apple, bytedance/tiktok for pupils by dns, open on failure (exam)"
    asked = ("www.tiktok.com", "x.newsroom.tiktok.com", "captive.apple.com", "www.capcut.com")
    text = gatewatch("why", "--config", config, *asked).out
    assert text.count(ban) == 3
    found = {row["query"]: row for row in rows("--config", config, *asked)}
    assert [bool(found[query]["bans"]) for query in asked] == [True, True, True, False]
    assert [found[query]["free"] for query in asked] == [None, "allowed by its ban", "protected", None]


def test_further_services_that_an_entry_counts_for_are_named() -> None:
    ran = gatewatch("why", "sdk.analytics.tiktok.com", "71.18.1.1", "www.tiktok.com")
    assert "sdk.analytics.tiktok.com: bytedance/ads\n" in ran.out
    assert "suffix analytics.tiktok.com, counts for tiktok too\n" in ran.out
    assert ran.out.count(", counts for tiktok too") == 2
    owners = [row["owners"] for row in rows("analytics.tiktok.com", "www.tiktok.com")]
    assert [some[0]["also"] for some in owners] == [["tiktok"], []]  # type: ignore[index]
