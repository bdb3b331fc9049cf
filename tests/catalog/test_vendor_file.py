"""Vendor files: what is in them, and complaints with lines about what is wrong."""

from catalog_tools import SUFFIXES

from monitor.catalog.builder import IndexBuilder
from monitor.catalog.entry import Alias, Vendor
from monitor.catalog.index import Index
from monitor.catalog.sheet import Sheet
from monitor.catalog.vendor_file import read_vendor_file

GOOD = """
kind = "vendor"
name = "Example"
[services]
video = "Example Video"

[[entries]]
service = "video"
source = "its site"
suffix = ["video.example.com"]
exact = ["cdn.example.net"]

[[entries]]
source = "its site"
shared = "its cloud"
prefix = ["71.18.0.0/16"]
asn = ["AS64500", "64501"]

[[entries]]
service = "video"
source = "its site"
hosting = true
suffix = ["github.io"]
"""


def read(text: str, slug: str = "example") -> tuple[Sheet, Index]:
    builder = IndexBuilder()
    sheet = read_vendor_file(text, slug, SUFFIXES, builder)
    return sheet, Index.load(builder.build())


def complaints(text: str) -> list[str]:
    return [str(complaint) for complaint in read(text)[0].complaints]


def test_a_file() -> None:
    sheet, index = read(GOOD)
    assert sheet.complaints == []
    assert index.vendors() == [Vendor("example", "Example", "vendor", (("video", "Example Video"),))]
    assert [str(entry) for entry in map(repr, index.entries())] == [
        "Entry(suffix video.example.com = example/video, example)",
        "Entry(exact cdn.example.net = example/video, example)",
        "Entry(prefix 71.18.0.0/16 = example/unknown, example, weak)",
        "Entry(asn AS64500 = example/unknown, example, weak)",
        "Entry(asn AS64501 = example/unknown, example, weak)",
        "Entry(suffix github.io = example/video, example, weak)",
    ]
    assert index.entry_counts == {"example": 6}
    assert index.ignored_counts == {"example": 0}


def test_a_top_level_domain_of_a_brand() -> None:
    brand = GOOD.replace('suffix = ["video.example.com"]', 'brand = true\nsuffix = ["google", "co.uk"]')
    sheet, index = read(brand)
    assert [str(one) for one in sheet.complaints] == [
        "line 11: a public suffix, under which anybody can register names: co.uk"
    ]
    for name in (b"gemini.google", b"google"):
        entry = index.match_name(name)
        assert entry is not None
        assert entry.value == "google"
    # Only a group that is marked so may claim one.
    assert complaints(brand.replace("brand = true", "")) == [
        "line 11: a public suffix, under which anybody can register names: google",
        "line 11: a public suffix, under which anybody can register names: co.uk",
    ]


def test_a_category_and_shared_infrastructure() -> None:
    _, category = read(GOOD.replace('"vendor"', '"category"'))
    assert category.match_name(b"video.example.com") is None
    assert category.match_category(b"video.example.com") is not None
    _, shared = read(GOOD.replace('"vendor"', '"shared"'))
    entry = shared.match_name(b"video.example.com")
    assert entry is not None
    assert entry.weak


def test_a_category_includes_what_vendors_have() -> None:
    builder = IndexBuilder()
    category = 'kind = "category"\nname = "Videos"\nincludes = ["example/video"]\n'
    assert read_vendor_file(category, "videos", SUFFIXES, builder).complaints == []
    read_vendor_file(GOOD, "example", SUFFIXES, builder)
    index = Index.load(builder.build())
    owners = index.owners_of_name(b"www.video.example.com")
    assert owners.names == ("example/video", "category:videos")
    # A customer of the vendor's network is none of the category's behind a CNAME either.
    assert index.owners_of_name(b"x.github.io").behind == ()
    # What is of no service is not included, and neither is a cloud.
    assert index.owners_of_address(bytes((71, 18, 1, 1))).names == ("example",)
    assert index.coverage["category:videos"].names == 3


def test_only_a_category_includes() -> None:
    assert complaints('includes = ["other"]\n' + GOOD)[0].endswith("includes is a key of a category: includes")
    assert complaints('includes = "other"\n' + GOOD)[0].endswith("includes must be an array of strings: includes")


def test_complaints_name_the_line() -> None:
    text = GOOD.replace('"video.example.com"', '"video.example.com", "co.uk", "a..b", "10.0.0.0/8"')
    assert complaints(text) == [
        "line 10: a public suffix, under which anybody can register names: co.uk",
        "line 10: an empty label: a..b",
        "line 10: a character that names cannot contain: '/': 10.0.0.0/8",
    ]
    sheet, index = read(text)
    assert (sheet.entries, sheet.ignored) == (6, 3)
    assert index.match_name(b"video.example.com") is not None


def test_a_private_suffix_is_kept_with_a_complaint() -> None:
    sheet, index = read(GOOD.replace("hosting = true", ""))
    assert [(c.line, c.ignored) for c in sheet.complaints] == [(23, False)]
    assert index.match_name(b"me.github.io") is not None


def test_unknown_keys_name_the_nearest() -> None:
    text = GOOD.replace('exact = ["cdn', 'exakt = ["cdn').replace('kind = "vendor"', 'kind = "vendor"\nflavour = 1')
    assert complaints(text) == [
        "line 3: an unknown key: flavour",
        "line 12: an unknown key, perhaps exact: exakt",
    ]


def test_wrong_types_and_values() -> None:
    assert complaints('kind = "brand"') == [
        "line 1: kind must be vendor, category or shared: brand",
    ]
    assert complaints("kind = 3") == ["line 1: kind must be a string: kind"]
    assert complaints("entries = 3") == ["line 1: entries must be tables: [[entries]]: entries"]
    assert complaints('[[entries]]\nsource="x"\nsuffix="tiktok.com"\nexact=[1]\nasn=["ASx", "0", "4294967296"]') == [
        "line 3: suffix must be an array of strings: suffix",
        "exact must be an array of strings: 1",
        "line 5: not an AS number: ASx",
        "line 5: not an AS number: 0",
        "line 5: not an AS number: 4294967296",
    ]


def test_services_must_be_named_and_sources_given() -> None:
    assert complaints('[services]\n"Big Name" = "x"\n[[entries]]\nservice = "film"\nsuffix = ["example.com"]') == [
        "line 2: a service is written in lower-case letters, digits and single hyphens: Big Name",
        "line 4: a service that is not in [services]: film",
        "line 4: entries without a source: film",
    ]


def test_aliases_and_parts_of_the_vendor_and_of_its_services() -> None:
    sheet, index = read(
        'name = "Example"\naliases = ["例", "Exa Mple"]\nparts = ["Example Maps"]\n[services]\n'
        'mail = "Mail"\nvideo = { name = "Example Video", aliases = ["视频"], parts = ["Clips"] }\n'
    )
    assert sheet.complaints == []
    aliases = (
        Alias("例"), Alias("Exa Mple"), Alias("Example Maps", part=True), Alias("视频", "video"),
        Alias("Clips", "video", True),
    )  # fmt: skip
    services = (("mail", "Mail"), ("video", "Example Video"))
    assert index.vendors() == [Vendor("example", "Example", "vendor", services, aliases)]


def test_what_is_no_alias_is_a_complaint() -> None:
    assert complaints('aliases = "x"\nparts = [1, "' + "x" * 61 + '"]') == [
        "line 1: aliases must be an array of strings: aliases",
        "parts must be an array of strings: 1",
        f"line 2: an alias is a word or name of at most 60 characters: {'x' * 61}",
    ]
    assert complaints('[services]\nvideo = 3\nfilm = { nam = "F", aliases = ["Film"] }') == [
        "line 2: a service must be its name, or a table with its name and aliases: video",
        "line 3: an unknown key, perhaps name: nam",
    ]
    assert complaints("services = []") == ["line 1: services must be a table: [services]: services"]


def test_what_is_no_toml_is_one_complaint() -> None:
    sheet, index = read('kind = "vendor"\nname = ')
    assert [str(complaint) for complaint in sheet.complaints] == ["line 2: not TOML: Invalid value"]
    assert index.ignored_counts == {"example": 1}


SERVICES = '[services]\nmail = "Mail"\nvideo = "Video"\n'
OWN = (
    SERVICES
    + """
[[entries]]
source = "s"
suffix = ["example.com"]
prefix = ["71.18.0.0/17"]
asn = ["AS64500"]
[[entries]]
service = "mail"
also = ["video"]
source = "s"
suffix = ["metrics.example.com"]
prefix = ["71.18.128.0/24"]
[[entries]]
source = "s"
shared = "its cloud"
prefix = ["71.19.0.0/16"]
"""
)


def test_entries_may_count_for_further_services_and_own_prefixes_for_one() -> None:
    sheet, index = read('own_prefixes_service = "video"\n' + OWN)
    assert sheet.complaints == []
    assert {entry.value: entry.owner for entry in index.entries()} == {
        "example.com": "example", "71.18.0.0/17": "example/+video", "AS64500": "example/+video",
        "metrics.example.com": "example/mail+video", "71.18.128.0/24": "example/mail+video", "71.19.0.0/16": "example",
    }  # fmt: skip
    assert index.coverage["example/video"].prefixes == 2
    assert index.coverage["example/mail"].prefixes == 1
    assert {entry.service for entry in index.entries() if entry.kind == "prefix"} == {"mail", "unknown"}


def test_without_the_key_own_prefixes_are_of_no_service() -> None:
    _, index = read(OWN)
    assert {entry.owner for entry in index.entries() if entry.value == "71.18.0.0/17"} == {"example"}


def test_wrong_further_services_are_a_complaint_each_and_the_entries_stay() -> None:
    group = '[[entries]]\nservice = "mail"\nsource = "s"\nsuffix = ["example.com"]\nalso = '
    assert complaints(SERVICES + group + '"video"') == ["line 8: also must be an array of strings: also"]
    assert complaints(SERVICES + group + "[1]") == ["line 8: also must be an array of strings: also"]
    wrong = SERVICES + group + '["mail", "film", "video", "video"]'
    assert complaints(wrong) == [
        "line 2: also must name other services of [services]: mail",
        "line 8: also must name other services of [services]: film",
    ]
    assert [entry.owner for entry in read(wrong)[1].entries()] == ["example/mail+video"]
    assert complaints('kind = "category"\n' + SERVICES + group + '["video"]') == [
        "line 4: also is a key of vendors, not of a category: video"
    ]


def test_a_wrong_service_of_own_prefixes_is_a_complaint_and_leaves_them_to_the_vendor() -> None:
    for value, complaint in (
        ('"film"', "line 1: own_prefixes_service must be one of [services]: film"),
        ('""', "line 1: own_prefixes_service must be one of [services]: own_prefixes_service"),
        ("1", "line 1: own_prefixes_service must be a string: own_prefixes_service"),
    ):
        text = f"own_prefixes_service = {value}\n{OWN}"
        assert complaints(text) == [complaint]
        assert {entry.owner for entry in read(text)[1].entries() if entry.value == "71.18.0.0/17"} == {"example"}
    assert complaints('own_prefixes_service = "video"\nkind = "category"\n' + SERVICES) == [
        "line 1: own_prefixes_service is a key of vendors, not of a category: video"
    ]
    assert complaints('own_prefixes_service = "video"\n' + SERVICES) == [
        "line 1: own_prefixes_service without a prefix of the vendor's own: video"
    ]
