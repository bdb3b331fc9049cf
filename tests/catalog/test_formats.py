"""Each list format: what becomes an entry, what a complaint, and how the format is recognised."""

import pytest
from catalog_tools import read_text
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.catalog.formats.known import FORMATS, LONGEST_LINE

GOOD: dict[str, tuple[str, list[str]]] = {
    "hosts": (
        """
        # a comment
        0 short.example.com
        127.0.0.1 localhost localhost.localdomain
        ::1 ip6-localhost ip6-loopback
        fe80::1%lo0 localhost
        0.0.0.0 0.0.0.0
        0.0.0.0 Ads.TikTok.com  # why
        0.0.0.0\ta.example.com b.example.com
        93.184.216.34 real.example.com
        """,
        [
            "exact short.example.com", "exact ads.tiktok.com", "exact a.example.com", "exact b.example.com",
            "exact real.example.com",
        ],
    ),
    "domains": (
        """
        # a comment
        ! another
        ; another
        // another
        tiktok.com
        *.byteoversea.com
        .muscdn.com
        bücher.example  # inline
        tiktokv.com.
        71.18.1.1
        71.19.0.0/16
        2605:340::/32
        101.45.8.0-101.45.11.255
        163.com
        """,
        [
            "suffix tiktok.com", "suffix byteoversea.com", "suffix muscdn.com", "suffix xn--bcher-kva.example",
            "suffix tiktokv.com", "prefix 71.18.1.1/32", "prefix 71.19.0.0/16", "prefix 2605:340::/32",
            "prefix 101.45.8.0/22", "suffix 163.com",
        ],
    ),
    "adblock": (
        """
        [Adblock Plus]
        ! Title: a list
        ||tiktok.com^
        ||*.byteoversea.com^
        ||ads.tiktok.com^$important,third-party
        |exact.example.com^
        |https://start.example.com^|
        ||noend.example.com
        bare.example.com
        #comment
        # another
        0.0.0.0 hosts.example.com  # why
        ||71.18.1.1^
        """,
        [
            "suffix tiktok.com", "suffix byteoversea.com", "suffix ads.tiktok.com", "exact exact.example.com",
            "exact start.example.com", "suffix noend.example.com", "exact bare.example.com", "exact hosts.example.com",
            "prefix 71.18.1.1/32",
        ],
    ),
    "dnsmasq": (
        """
        # a comment
        address=/tiktok.com/0.0.0.0
        address=/a.example.com/b.example.com/
        local=/byteoversea.com/
        server=/muscdn.com/
        nftset=/c.example.com/4#inet#fw4#set
        host-record=d.example.com,0.0.0.0
        """,
        [
            "suffix tiktok.com", "suffix a.example.com", "suffix b.example.com", "suffix byteoversea.com",
            "suffix muscdn.com", "suffix c.example.com", "exact d.example.com",
        ],
    ),
    "unbound": (
        """
        server:
        # a comment
        local-zone: "tiktok.com" always_nxdomain
        local-zone: "a.example.com." redirect
        local-zone: b.example.com typetransparent
        local-data: "b.example.com A 0.0.0.0"
        """,
        ["suffix tiktok.com", "suffix a.example.com", "exact b.example.com"],
    ),
    "rpz": (
        """$TTL 60
$ORIGIN rpz.example.
@ IN SOA localhost. root.localhost. (
    1 ; serial
    3600 600 86400 60 )
  IN NS localhost.
; a comment
tiktok.com CNAME .
*.tiktok.com 60 IN CNAME .
a.example.com.rpz.example. CNAME *.
b.example.com A 0.0.0.0
32.1.1.18.71.rpz-ip CNAME .
48.zz.340.2605.rpz-ip CNAME .
128.1.0.0.0.0.0.340.2605.rpz-ip CNAME .
""",
        [
            "exact tiktok.com", "suffix tiktok.com", "exact a.example.com", "exact b.example.com",
            "prefix 71.18.1.1/32", "prefix 2605:340::/48", "prefix 2605:340::1/128",
        ],
    ),
    "v2fly": (
        """
        # a comment
        tiktok.com
        domain:byteoversea.com @ads # why
        full:a.example.com @!cn &other
        domain:b.example.com:@ads,@cn
        """,
        ["suffix tiktok.com", "suffix byteoversea.com", "exact a.example.com", "suffix b.example.com"],
    ),
    "cidr": (
        """
        # a comment
        ; another
        71.18.0.0/16
        101.45.0.0/24 ; SBL123
        130.44.212.1
        2605:340::/32
        101.45.8.0 - 101.45.11.255
        """,
        [
            "prefix 71.18.0.0/16", "prefix 101.45.0.0/24", "prefix 130.44.212.1/32", "prefix 2605:340::/32",
            "prefix 101.45.8.0/22",
        ],
    ),
    "asn": (
        """
        # a comment
        AS396986
        as138699 TIKTOK
        11983, Tiktok U.S.
        "174","Cogent"
        """,
        ["asn AS396986", "asn AS138699", "asn AS11983", "asn AS174"],
    ),
    "bind": (
        """
        // a comment
        # another
        /* one of
           two lines */
        zone "tiktok.com" { type master; notify no; file "null.zone.file"; };
        zone "muscdn.com" IN
        {
            type primary; // why
            file "null.zone.file";
        };
        zone byteoversea.com. {type master;file "x";}; zone "b.example.com" { type master; };
        zone "." { type hint; file "root.hints"; };
        zone "0.0.127.in-addr.arpa" { type master; file "local"; };
        """,
        ["suffix tiktok.com", "suffix muscdn.com", "suffix byteoversea.com", "suffix b.example.com"],
    ),
    "clash": (
        """
        # NAME: TikTok
        payload:
          - '+.tiktok.com'
          - "www.muscdn.com"  # why
          - .byteoversea.com
          - '*.b.example.com'
          - DOMAIN,a.example.com
          - DOMAIN-SUFFIX,c.example.com
          - IP-CIDR,71.18.0.0/16,no-resolve
          - IP-CIDR6,2605:340::/32,no-resolve
          - '101.45.0.0/24'
          - IP-ASN,138699,no-resolve
        """,
        [
            "suffix tiktok.com", "exact www.muscdn.com", "suffix byteoversea.com", "suffix b.example.com",
            "exact a.example.com", "suffix c.example.com", "prefix 71.18.0.0/16", "prefix 2605:340::/32",
            "prefix 101.45.0.0/24", "asn AS138699",
        ],
    ),
    "surge": (
        """
        # NAME: TikTok
        [Rule]
        DOMAIN,a.example.com
        DOMAIN-SUFFIX,tiktok.com // why
        HOST-SUFFIX, muscdn.com, TikTok
        host, b.example.com, reject
        IP-CIDR,71.18.0.0/16,no-resolve
        IP6-CIDR,2605:340::/32,TikTok
        """,
        [
            "exact a.example.com", "suffix tiktok.com", "suffix muscdn.com", "exact b.example.com",
            "prefix 71.18.0.0/16", "prefix 2605:340::/32",
        ],
    ),
    "csv": (
        """
        domain,category
        tiktok.com,Social network
        "muscdn.com","Video"
        71.18.0.0/16;ByteDance
        byteoversea.com\tVideo
        """,
        ["suffix tiktok.com", "suffix muscdn.com", "prefix 71.18.0.0/16", "suffix byteoversea.com"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("format", FORMATS)
def test_a_good_list(format: str) -> None:
    text, expected = GOOD[format]
    sheet, entries, found = read_text(text.splitlines(), format)
    assert [str(complaint) for complaint in sheet.complaints] == []
    assert (entries, found, sheet.ignored) == (expected, format, 0)


@pytest.mark.parametrize("format", FORMATS)
def test_the_format_is_recognised(format: str) -> None:
    text, expected = GOOD[format]
    _, entries, found = read_text(text.splitlines(), "auto")
    assert (found, entries) == (format, expected)


@pytest.mark.parametrize("format", FORMATS)
def test_crlf_bom_and_blanks_do_not_matter(format: str) -> None:
    text, expected = GOOD[format]
    lines = ["\ufeff" + text.splitlines()[0], *text.splitlines()[1:]]
    sheet, entries, found = read_text([line + " \t\r\n" for line in lines], "auto")
    assert (sheet.ignored, entries, found) == (0, expected, format)


BAD = [
    ("hosts", "tiktok.com", "no address in front: tiktok.com"),
    ("hosts", "0.0.0.0", "an address without a name: 0.0.0.0"),
    ("hosts", "0.0.0.0 co.uk", "a public suffix, under which anybody can register names: co.uk"),
    ("domains", "tiktok.com extra", "a character that names cannot contain: ' ': tiktok.com extra"),
    ("domains", "cg\u2011dialup.net", "a character that names cannot contain: U+2010: cg\u2011dialup.net"),
    ("domains", "com", "a public suffix, under which anybody can register names: com"),
    ("domains", "0.0.0.0", "a special-purpose address: 0.0.0.0"),
    ("domains", "12345", "neither an address nor a prefix: 12345"),
    ("domains", "\ufffdtiktok.com", "a character that names cannot contain: U+FFFD: \ufffdtiktok.com"),
    ("adblock", "@@||ok.example.com^", "an exception: use allow or [[exception]] in the configuration"),
    ("adblock", "example.com##.ad", "about parts of a page, not about a name"),
    ("adblock", "/ads[0-9]+/", "an expression, not a whole name"),
    ("adblock", "||example.com/path^", "a pattern, not a whole name"),
    ("adblock", "||v*.tiktokcdn-eu.com^", "a pattern, not a whole name"),
    ("adblock", "||slack-files.com ^", "a pattern, not a whole name"),
    ("adblock", "||example.com^$dnstype=A", "an option that a name cannot have: dnstype=A"),
    ("adblock", "@@||ok.example.com^$important", "an exception: use allow or [[exception]] in the configuration"),
    ("adblock", "@@|ok.example.com^|", "an exception: use allow or [[exception]] in the configuration"),
    ("adblock", "||a.example.com^$dnsrewrite=NOERROR;A;1.2.3.4", "an option that a name cannot have: dnsrewrite="),
    ("adblock", "||a.example.com^$dnsrewrite", "an option that a name cannot have: dnsrewrite"),
    ("adblock", "||a.example.com^$client=10.0.0.1", "an option that a name cannot have: client=10.0.0.1"),
    ("adblock", "||a.example.com^$denyallow=b.example.com", "an option that a name cannot have: denyallow="),
    ("adblock", "||a.example.com^$important,badfilter", "an option that a name cannot have: badfilter"),
    ("adblock", "/(^|\\.)ads\\.example$/$important", "an expression, not a whole name"),
    ("adblock", "0.0.0.0\tco.uk", "a public suffix, under which anybody can register names: co.uk"),
    ("domains", "(^|\\.)ads\\.example$", "a character that names cannot contain: '('"),
    ("adblock", "||10.0.0.1^", "a special-purpose address"),
    ("dnsmasq", "address=/#/0.0.0.0", "a wildcard, not a name"),
    ("dnsmasq", "address=/*tok.com/0.0.0.0", "a wildcard, not a name"),
    ("dnsmasq", "server=1.1.1.1", "not an option that names domains"),
    ("dnsmasq", "bogus-nxdomain=1.2.3.4", "not an option that names domains"),
    ("unbound", "forward-addr: 1.1.1.1", "neither local-zone nor local-data"),
    ("unbound", 'local-zone: "tiktok.com"', "neither local-zone nor local-data"),
    ("rpz", "ok.example.com CNAME rpz-passthru.", "an exception: use allow or [[exception]] in the configuration"),
    ("rpz", "8.0.0.0.10.rpz-client-ip CNAME .", "a trigger that is neither a name nor an address"),
    ("rpz", "32.1.2.rpz-ip CNAME .", "neither an address nor a prefix"),
    ("rpz", "tiktok.com", "no record"),
    ("v2fly", "keyword:tiktok", "a keyword or an expression, not a whole name"),
    ("v2fly", "regexp:^tik", "a keyword or an expression, not a whole name"),
    ("v2fly", "include:bytedance", "another list: give it as a [[list]] of its own"),
    ("v2fly", "tiktok.com##.ad", "a character that names cannot contain: '#'"),
    ("v2fly", "tiktok.com other.com", "more than a rule and its attributes"),
    ("v2fly", "other:tiktok.com", "an unknown kind of rule"),
    ("rpz", "tiktok.com Social network", "no record"),
    ("rpz", "tiktok.com CNAME tiktok.com.", "an exception: use allow or [[exception]] in the configuration"),
    ("rpz", "tiktok.com CNAME rpz-tcp-only.", "an answer over TCP, which is not a ban"),
    ("rpz", "$INCLUDE other.zone", "records from another file or generated by the server"),
    ("bind", 'zone "tiktok.com" { type forward; };', "a zone of type forward, which has no answers of its own"),
    ("bind", 'zone "tiktok.com" { file "x"; };', "a zone without a type: tiktok.com"),
    ("bind", 'include "more.conf";', "another file: give it as a [[list]] of its own"),
    ("bind", "tiktok.com", "no zone statement"),
    ("clash", "- DOMAIN-KEYWORD,tiktok", "a keyword or a pattern, not a whole name"),
    ("clash", "- DOMAIN-REGEX,^tik", "a keyword or a pattern, not a whole name"),
    ("clash", "- '*.*.tiktok.com'", "a pattern, not a whole name"),
    ("clash", "- 'stun.*.*'", "a pattern, not a whole name"),
    ("clash", "- GEOSITE,tiktok", "another list: give it as a [[list]] of its own"),
    ("clash", "- RULE-SET,tiktok,REJECT", "another list: give it as a [[list]] of its own"),
    ("clash", "- PROCESS-NAME,curl", "a condition that is about neither a name nor a destination"),
    ("clash", "- IP-CIDR,71.18.0.0/16,src", "a condition that is about neither a name nor a destination"),
    ("clash", "- AND,((DOMAIN,a.com),(NETWORK,UDP)),REJECT", "a condition that is about neither a name nor"),
    ("clash", "- DOMAIN,tiktok.com,DIRECT", "an exception: use allow or [[exception]] in the configuration"),
    ("clash", "- NONSENSE,tiktok.com", "an unknown type of rule"),
    ("clash", "- &anchor tiktok.com", "YAML that rule sets do not need"),
    ("clash", "- *anchor", "YAML that rule sets do not need"),
    ("clash", "- !!binary aGk=", "YAML that rule sets do not need"),
    ("clash", "- {a: b}", "YAML that rule sets do not need"),
    ("clash", "- 'tiktok.com", "a quotation without its end, or with an escape"),
    ("clash", "proxies:", "a key that rule sets do not have: the items below it are not read"),
    ("surge", "USER-AGENT,TikTok*", "a condition that is about neither a name nor a destination"),
    ("surge", "DOMAIN-SET,https://example.org/x", "another list: give it as a [[list]] of its own"),
    ("csv", "Social network,4", "no name in the first column"),
    ("csv", "1,2,3", "no name and no address in any column"),
    ("cidr", "0.0.0.0/0", "a special-purpose address"),
    ("cidr", "192.168.1.0/24", "a special-purpose address"),
    ("cidr", "71.18.0.0/16 71.19.0.0/16", "more than a prefix"),
    ("cidr", "tiktok.com", "neither an address nor a prefix"),
    ("cidr", "1.2.3.9-1.2.3.1", "not a range of addresses"),
    ("asn", "ASnone", "not an AS number"),
    ("asn", "0", "not an AS number"),
    ("asn", "²", "not an AS number"),
    ("asn", ",", "not an AS number"),
]


@pytest.mark.parametrize(("format", "line", "complaint"), BAD)
def test_a_bad_line_is_a_complaint_with_its_number(format: str, line: str, complaint: str) -> None:
    sheet, entries, _ = read_text(["payload:" if line.startswith("- ") else "", line, ""], format)
    assert len(sheet.complaints) == 1
    assert str(sheet.complaints[0]).startswith(f"line 2: {complaint}")
    assert (entries, sheet.ignored) == ([], 1)


def test_a_private_suffix_is_kept_but_complained_of() -> None:
    sheet, entries, _ = read_text(["github.io"], "domains")
    assert entries == ["suffix github.io"]
    assert [(c.line, c.ignored) for c in sheet.complaints] == [(1, False)]
    assert sheet.ignored == 0


def test_max_entries_stops_the_reading() -> None:
    sheet, entries, _ = read_text([f"n{number}.example.com" for number in range(50)], "domains", max_entries=10)
    assert len(entries) == 10
    assert [str(c) for c in sheet.complaints] == ["line 11: more than max_entries (10): the rest is not read"]


def test_an_overlong_line_is_a_complaint() -> None:
    sheet, entries, _ = read_text(["x" * (LONGEST_LINE + 1), "tiktok.com"], "auto")
    assert entries == ["suffix tiktok.com"]
    assert sheet.complaints[0].line == 1


def test_complaints_are_bounded_and_counted() -> None:
    sheet, _, _ = read_text(["bad bad"] * 5000, "domains")
    assert (len(sheet.complaints), sheet.ignored) == (100, 5000)


@given(st.lists(st.text(max_size=60), max_size=20), st.sampled_from([*FORMATS, "sing-box", "auto"]))
@settings(max_examples=300, deadline=None)
def test_any_lines_are_read(lines: list[str], format: str) -> None:
    read_text(lines, format)


PIECES = st.sampled_from(
    ["||", "^", "$", "tiktok.com", "/", ".", "*", " ", "0.0.0.0", "#", "CNAME", "@", "(", ")", ":", "=", "-", "AS1",
     '"', "local-zone:", "address=", "full:", "$ORIGIN", "rpz-ip", ".rpz-ip", "zz", "\\", "::1", "\u2011", "\0",
     "\ufeff", "+.", "- ", "payload:", "DOMAIN-SUFFIX,", ",", "'", "zone", "{", "}", "type", "master", ";", "/*", "SOA",
     "&a"]
)  # fmt: skip


@given(st.lists(st.lists(PIECES, max_size=8).map("".join), max_size=10), st.sampled_from(list(FORMATS)))
@settings(max_examples=600, deadline=None)
def test_any_pieces_of_lists_are_read(lines: list[str], format: str) -> None:
    read_text(lines, format)
