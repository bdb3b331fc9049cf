"""Lists as people and servers write them: what is read, and what the complaint states where it is not."""

import pytest
from catalog_tools import read_text

NAMES = ["suffix social.example", "suffix video.example", "suffix shop.example"]
RANKING = ["lines of a number and a name, as in a ranking"]

# A list, the format that is found, the entries, and the beginnings of the complaints.
LISTS: dict[str, tuple[str, str, list[str], list[str]]] = {
    "zeros as addresses": (
        "0 social.example\n0 video.example\n0 shop.example\n", "hosts",
        ["exact social.example", "exact video.example", "exact shop.example"], [],
    ),
    "wildcards in a hosts file": (
        "0.0.0.0 *.social.example\n0.0.0.0 .video.example\n", "hosts", NAMES[:2], [],
    ),
    "one pattern among names": (
        "social.example\nvideo.example\nshop.example\nads*.example\n", "domains", NAMES,
        ["line 4: a pattern, not a whole name"],
    ),
    "one comment of C among names": (
        "/* by hand */\nsocial.example\nvideo.example\nshop.example\n", "domains", NAMES, ["line 1: "],
    ),
    "comments of every sort": (
        "# a\n; b\n// c\n! d\n-- e\nrem f\nREM\n-----\nsocial.example # g\nvideo.example ; h\nshop.example // i\n",
        "domains", NAMES, [],
    ),
    "comments in a hosts file": (
        "rem mine\n; c\n0.0.0.0 social.example ; a\n0.0.0.0 video.example // b\n", "hosts",
        ["exact social.example", "exact video.example"], [],
    ),
    "options of dnsmasq's command line": (
        "--address=/social.example/\n--server=/video.example/\n", "dnsmasq", NAMES[:2], [],
    ),
    "URLs": (
        "https://social.example/\nhttp://video.example\nshop.example/\nhttp://5.188.10.9/\nhttps://a.example/page\n",
        "domains", [*NAMES, "prefix 5.188.10.9/32"], ["line 5: a page of a site, not a whole name"],
    ),
    "pages alone": (
        "social.example/path\nvideo.example/~user\n", "domains", [],
        ["line 1: a page of a site, not a whole name", "line 2: a page of a site, not a whole name"],
    ),
    "a prefix of IPv6 among names": (
        "social.example\nfd00.example\n2605:340::/32\nfe80:340::/32\n", "domains",
        ["suffix social.example", "suffix fd00.example", "prefix 2605:340::/32"],
        ["line 4: a special-purpose address"],
    ),
    "a feed of numbered pages": (
        '"3001","2026-05-01 10:00:01","http://social.example/x.sh","online"\n'
        '"3002","2026-05-01 10:00:02","https://video.example:8080/y","offline"\n', "", [], RANKING,
    ),
    "ranks behind the names": ("domain,rank\nsearch.example,1\nsocial.example,9\n", "", [], RANKING),
    "ranks behind, without a head": ("a.example\t1\nb.example\t2\nc.example\t3\n", "", [], RANKING),
    "ranks of origins": ("origin,rank\nhttps://search.example,1000\nhttps://a.example,1000\n", "", [], RANKING),
    "ranks with dots": ("1. search.example\n2. social.example\n", "", [], RANKING),
    "ranks with colons": ("1: search.example\n2: social.example\n", "", [], RANKING),
    "AS numbers without more": ("1\n2\n3\n", "asn", ["asn AS1", "asn AS2", "asn AS3"], []),
    "AS numbers in one line": ("AS396986,AS138699\n", "asn", ["asn AS396986", "asn AS138699"], []),
    "an error of a server": ("404 page not found\n", "", [], ["an error message of a web server in its place"]),
    "another error of a server": ("404: Not Found", "", [], ["an error message of a web server in its place"]),
    "too many requests": (
        "429: Too Many Requests\nSee the terms of use.\n", "", [], ["an error message of a web server in its place"],
    ),
    "an AS number that looks like an error": ("404 Example Networks\n", "asn", ["asn AS404"], []),
    "a JSON array": ('["social.example", "video.example"]', "", [], ["a JSON array: nothing is read"]),
    "a JSON array in lines": ('[\n "social.example",\n "video.example"\n]\n', "", [], ["a JSON array"]),
    "a comment before JSON": ('// mine\n{"version": 1, "rules": []}\n', "sing-box", [], ["line 1: not JSON"]),
    "an array of TOML": ('domains = ["social.example"]\n', "domains", [], ["no format fits", "line 1: "]),
    "a rule set in one line": (
        "payload: ['+.social.example','video.example']\n", "clash", [], ["line 1: a list in one line of YAML"],
    ),
    "items without a key": (
        "- social.example\n- video.example\n", "clash", ["exact social.example", "exact video.example"],
        ["line 1: items without the key payload: a name is read alone"],
    ),
    "a filter list with a dot and a prefix": (
        "||social.example^\n.video.example\n5.188.10.0/24\n", "adblock", [*NAMES[:2], "prefix 5.188.10.0/24"], [],
    ),
    "a hosts file with bare names": (
        "0.0.0.0 social.example\nvideo.example\n", "adblock", ["exact social.example", "exact video.example"],
        ["lines of a hosts file and bare names: each name is read alone"],
    ),
    "a filter list with bare names": (
        "||social.example^\nvideo.example\n", "adblock", ["suffix social.example", "exact video.example"], [],
    ),
    "wildcards and exceptions of dnsmasq": (
        "address=/*.social.example/0.0.0.0\naddress=/video.example/#\nserver=/ok.example/#\n", "dnsmasq", NAMES[:2],
        ["line 3: an exception"],
    ),
    "an unknown type of zone": (
        'local-zone: "social.example" static\nlocal-zone: "video.example" always_nxdomian\n', "unbound", NAMES[:1],
        ["line 2: a local-zone of the unknown type always_nxdomian"],
    ),
    "nothing": ("\n\n", "domains", [], ["empty: no line gives an entry"]),
    "comments alone": ("# a\n#0.0.0.0 social.example\n", "domains", [], ["empty: "]),
    "a rule set without rules": ('{"version": 1, "rules": []}', "sing-box", [], ["empty: "]),
    "comments behind rules": (
        "||social.example^ # a\n||video.example^ ! b\n", "adblock", NAMES[:2], [],
    ),
    "a word": ("social.example\ntiktok\n", "domains", NAMES[:1], ["line 2: one label, which is not a domain name"]),
}  # fmt: skip


@pytest.mark.parametrize("name", LISTS)
def test_a_list_is_read_as_it_is_written(name: str) -> None:
    text, format, expected, complaints = LISTS[name]
    sheet, entries, found = read_text(text.splitlines(), "auto")
    assert (found, sorted(entries)) == (format, sorted(expected))
    assert len(sheet.complaints) == len(complaints), sheet.complaints
    for complaint, beginning in zip(sheet.complaints, complaints, strict=True):
        assert str(complaint).startswith(beginning)


def test_a_list_of_a_named_format_that_names_nothing_is_called_empty() -> None:
    for format in ("hosts", "rpz", "dnsmasq"):
        sheet, _, _ = read_text(["# a comment"], format)
        assert [str(complaint) for complaint in sheet.complaints] == ["empty: no line gives an entry"]
