"""The format that `auto` detects, and its complaints if it is not certain."""

import pytest
from catalog_tools import SUFFIXES, read_text

from monitor.catalog.formats.detection import SAMPLE_LINES, detect
from monitor.catalog.formats.known import FORMATS

# A list, the format, the entries, and the beginnings of the complaints.
LISTS: dict[str, tuple[str, str, list[str], list[str]]] = {
    "names and addresses": (
        "abord.example\nsocial.example\nproxy.example\n203.0.113.9\n5.188.10.9\n",
        "domains",
        [
            "suffix abord.example", "suffix social.example", "suffix proxy.example", "prefix 203.0.113.9/32",
            "prefix 5.188.10.9/32",
        ],
        [],
    ),
    "addresses first": (
        "5.188.10.9\n" * 1_500 + "social.example\n", "domains", ["prefix 5.188.10.9/32", "suffix social.example"], [],
    ),
    "addresses alone": ("5.188.10.9\n5.188.11.0/24\n", "cidr", ["prefix 5.188.10.9/32", "prefix 5.188.11.0/24"], []),
    "attributes": (
        "adnet.example @ads\nshop.example @cn\nvideo.example @!cn\n",
        "v2fly",
        ["suffix adnet.example", "suffix shop.example", "suffix video.example"],
        [],
    ),
    "few attributes": (
        "adnet.example\nshop.example\nvideo.example @ads\n",
        "v2fly",
        ["suffix adnet.example", "suffix shop.example", "suffix video.example"],
        [],
    ),
    "two columns": (
        "social.example\tSocial network\nvideo.example\tVideo\n",
        "csv",
        ["suffix social.example", "suffix video.example"],
        ["several columns: the first name or address of each line is read"],
    ),
    "a ranking": (
        "1,search.example\n2,social.example\n3,video.example\n",
        "",
        [],
        ["lines of a number and a name, as in a ranking: nothing is read. format = \"csv\" takes the names"],
    ),
    "a ranking of blanks": (
        "# rank name\n17 search.example\n23 social.example\n", "", [], ["lines of a number and a name"],
    ),
    "a ranking of two ranks": (
        "GlobalRank,TldRank,Domain,TLD\n1,1,search.example,example\n2,2,social.example,example\n",
        "",
        [],
        ["lines of a number and a name"],
    ),
    "AS numbers with names of people": (
        "13335 Cloudflare, Inc.\n16509,Amazon.com\n15169\tGoogle LLC\n14061 DigitalOcean\n", "asn",
        ["asn AS13335", "asn AS16509", "asn AS15169", "asn AS14061"], [],
    ),
    "absolute owners": (
        "rpz.feed.example. 3600 IN SOA ns.feed.example. admin.feed.example. 7 3600 600 86400 60\n"
        "rpz.feed.example. 3600 IN NS localhost.\n"
        "social.example.rpz.feed.example. 300 IN CNAME .\n"
        "*.social.example.rpz.feed.example. 300 IN CNAME .\n"
        "32.9.10.188.5.rpz-ip.rpz.feed.example. 300 IN CNAME .\n",
        "rpz",
        ["exact social.example", "suffix social.example", "prefix 5.188.10.9/32"],
        [],
    ),
    "a zone as BIND writes it": (
        "$ORIGIN .\n$TTL 3600\nrpz.feed.example\tIN SOA\tns.feed.example. admin.feed.example. (\n\t\t7 ; serial\n"
        "\t\t3600 600 86400 60 )\n\t\t\tNS\tlocalhost.\n$ORIGIN example.rpz.feed.example.\n*.social\tCNAME\t.\n"
        "social\tCNAME\t.\n\t\tTXT\t\"why\"\n",
        "rpz",
        ["suffix social.example", "exact social.example"],
        [],
    ),
    "a zone with names of others": (
        "$ORIGIN rpz.feed.example.\n@ SOA a. b. 1 1 1 1 1\nsocial.example CNAME .\nvideo.example. CNAME .\n",
        "rpz",
        ["exact social.example"],
        ["line 4: a name outside of the zone rpz.feed.example"],
    ),
    "absolute owners of an unknown zone": (
        "social.example. CNAME .\nvideo.example. CNAME .\n",
        "rpz",
        ["exact social.example", "exact video.example"],
        ["line 1: an absolute name in a zone without $ORIGIN and SOA"],
    ),
    "a rule set": (
        "payload:\n  - '+.social.example'\n  - DOMAIN-SUFFIX,video.example\n  - IP-CIDR,5.188.10.0/24,no-resolve\n",
        "clash",
        ["suffix social.example", "suffix video.example", "prefix 5.188.10.0/24"],
        [],
    ),
    "a rule set of names in text": (
        "+.social.example\nvideo.example\n", "surge", ["suffix social.example", "exact video.example"], [],
    ),
    "dots and none": (
        ".social.example\nvideo.example\n",
        "domains",
        ["suffix social.example", "suffix video.example"],
        ["names with and without a leading dot: all are read with their sub-names, as domains"],
    ),
    "dots alone": (
        ".social.example\n.video.example\n", "domains", ["suffix social.example", "suffix video.example"], [],
    ),
    "two formats": (
        "||social.example^\n||video.example^\nDOMAIN-SUFFIX,a.example.com\naddress=/b.example.com/\n",
        "adblock",
        ["suffix social.example", "suffix video.example"],
        [
            "no format fits well: read as adblock, which fits 3 of 4 lines that were tried; others "
            "read dnsmasq 1, surge 1, clash 1: set `format`",
            "line 3: ", "line 4: ",
        ],
    ),
    "blanks before a document": (
        ' \t\n{"version": 1, "rules": [{"domain": "social.example"}]}\n', "sing-box", ["exact social.example"], [],
    ),
    "blanks before a head": (
        "\ufeff \t\n[Adblock Plus]\nsocial.example\n", "adblock", ["exact social.example"], [],
    ),
    "nonsense": ("???\n!!!\n", "domains", [], ["no format fits: read as domains", "line 1: "]),
    "a long head": (
        "# a comment\n" * 3 * SAMPLE_LINES + "||social.example^\n", "adblock", ["suffix social.example"], [],
    ),
    "zones": (
        'zone "social.example" { type master; notify no; file "null.zone.file"; };\n', "bind",
        ["suffix social.example"], [],
    ),
    "top-level domains": (
        "||com^\n||net^\n||social.example^\n",
        "adblock",
        ["suffix social.example"],
        ["most lines (2) gave no entry as adblock, and 1 did", "line 1: a public suffix", "line 2: a public"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LISTS)
def test_a_list_is_read_as_what_it_is(name: str) -> None:
    text, format, expected, complaints = LISTS[name]
    sheet, entries, found = read_text(text.splitlines(), "auto", max_entries=10_000)
    assert (found, list(dict.fromkeys(entries))) == (format, expected)
    assert len(sheet.complaints) == len(complaints), sheet.complaints
    for complaint, beginning in zip(sheet.complaints, complaints, strict=True):
        assert str(complaint).startswith(beginning)


def test_a_filter_list_that_is_mostly_about_pages_is_read_for_its_names() -> None:
    about_pages = [f"example.com##.ad{number}" for number in range(20)]
    for head in ("[Adblock Plus 2.0]", "! Title: ads", "||a.example.com^"):
        sheet, entries, found = read_text([head, *about_pages, "||ads.example.com^"], "auto")
        assert (found, entries[-1], sheet.ignored, sheet.left_out) == ("adblock", "suffix ads.example.com", 20, 20)
        assert str(sheet.complaints[0]).startswith("most lines (20) hold what entries cannot express")


def test_nothing_is_recognised_as_nothing() -> None:
    assert detect(["", "# only a comment"], SUFFIXES).format == ""


@pytest.mark.parametrize("format", ["csv", "asn"])
def test_a_ranking_is_read_where_the_format_is_named(format: str) -> None:
    _, entries, _ = read_text(["1,search.example", "2,social.example"], format)
    names = ["suffix search.example", "suffix social.example"]
    assert entries == (names if format == "csv" else ["asn AS1", "asn AS2"])


def test_a_list_with_few_wrong_lines_raises_no_doubt() -> None:
    lines = [f"n{number}.example.com" for number in range(50)] + ["not a name", "???"]
    sheet, _, found = read_text(lines, "auto")
    assert found == "domains"
    assert [complaint.line for complaint in sheet.complaints] == [51, 52]


def test_every_format_has_a_place_in_the_configuration() -> None:
    from monitor.config.sections import LIST_FORMATS

    assert set(LIST_FORMATS) == {"auto", "sing-box", *FORMATS}
