"""The shipped lists: nothing in them is wrong, everything in them matches, and nothing that was refused is back."""

import csv
import ipaddress
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import corpus
import pytest
from publicsuffixlist import PublicSuffixList

from monitor.catalog.entry import Entry
from monitor.lists.loader import Loaded, load_catalogue
from monitor.lists.shipped import find_folder, shipped_files

FILES = shipped_files()
CATEGORIES = {
    "ai-assistants", "ai-cn-other", "dating", "encrypted-dns", "file-sharing", "gambling", "games", "messaging",
    "private-relay", "remote-access", "shopping", "smart-tv", "social", "trackers", "video", "vpn-proxy",
}  # fmt: skip
# The slugs of the facts that are categories here, under shorter names.
RENAMED = {"doh-resolvers": "encrypted-dns", "icloud-private-relay": "private-relay"}


@cache
def catalogue() -> Loaded:
    return load_catalogue()


@cache
def table(path: Path) -> dict[str, object]:
    return tomllib.loads(path.read_text())


def rows() -> Iterator[tuple[str, dict[str, object], str, str]]:
    """File, group, key and value of every shipped entry."""
    for path in FILES:
        for group in table(path)["entries"]:  # type: ignore[attr-defined]
            for key in ("suffix", "exact", "prefix", "asn"):
                for value in group.get(key, []):
                    yield path.stem, group, key, value


def name_match(name: str) -> Entry | None:
    return catalogue().index.match_name(name.encode())


def test_no_shipped_list_has_a_complaint() -> None:
    wrong = [f"{status.name}: {complaint}" for status in catalogue().statuses for complaint in status.complaints]
    assert wrong == []
    assert sum(status.ignored for status in catalogue().statuses) == 0
    assert sum(status.entries for status in catalogue().statuses) > 35_000


def test_categories_and_shared_infrastructure_are_what_they_should_be() -> None:
    kinds = {vendor.slug: vendor.kind for vendor in catalogue().index.vendors()}
    assert {slug for slug, kind in kinds.items() if kind == "category"} == CATEGORIES
    assert {slug for slug, kind in kinds.items() if kind == "shared"} == {"shared-infrastructure"}
    assert len(kinds) == 197


def test_every_entry_matches_itself() -> None:
    index = catalogue().index
    for entry in index.entries():
        found: Entry | None
        if entry.kind in ("suffix", "exact"):
            name = entry.value.encode()
            owners = [(one.kind, one.value, one.vendor) for one in index.owners_of_name(name).entries]
            assert (entry.kind, entry.value, entry.vendor) in owners
        elif entry.kind == "asn":
            found = (index.match_asn_category if entry.category else index.match_asn)(int(entry.value[2:]))
            assert found is not None
            assert found.vendor == entry.vendor
        else:
            network = ipaddress.ip_network(entry.value)
            address = network.network_address.packed
            found = index.match_address_category(address) if entry.category else index.match_address(address)
            assert found is not None
            # Another list's own prefix may lie at the same address, or one of the same kind inside this one.
            assert (found.weak, -ipaddress.ip_network(found.value).prefixlen) <= (entry.weak, -network.prefixlen)


def test_nothing_is_listed_twice() -> None:
    seen: dict[tuple[str, str], str] = {}
    for slug, _, key, value in rows():
        known = (slug if slug in CATEGORIES else "", value)
        assert known not in seen, f"{value} ({key}) is in {seen[known]} and in {slug}"
        seen[known] = slug


def test_no_entry_is_a_public_suffix() -> None:
    icann = PublicSuffixList(only_icann=True)
    full = PublicSuffixList()
    for slug, group, key, value in rows():
        if key in ("suffix", "exact"):
            brand = group.get("brand") is True
            assert icann.publicsuffix(value) != value or (brand and "." not in value), f"{value} of {slug}"
            meant = key == "exact" or group.get("hosting") is True or brand
            assert full.publicsuffix(value) != value or meant, f"{value} of {slug}"


def test_every_group_has_a_source_that_the_readme_explains() -> None:
    readme = (find_folder() / "README.md").read_text()
    sources = {source.split(" 20")[0] for _, group, _, _ in rows() for source in str(group["source"]).split(", ")}
    explained = set(re.findall(r"`([^`]+)`", readme.partition("## Sources")[2]))
    assert {source for source in sources if source not in explained and not source.startswith("RFC")} == {
        "the CNAME of mask.icloud.com"
    }


@pytest.mark.parametrize(
    ("name", "vendor", "service"),
    [
        ("www.tiktok.com", "bytedance", "tiktok"),
        ("p16-sign-va.tiktokcdn.com", "bytedance", "tiktok"),
        ("www.capcut.com", "bytedance", "capcut"),
        ("www.larksuite.com", "bytedance", "lark"),
        ("www.douyin.com", "bytedance", "douyin"),
        ("tiktokcdn.liveplay.myqcloud.com", "bytedance", "tiktok"),
        ("x.myqcloud.com", "tencent", "qcloud"),
        ("www.youtube.com", "google", "youtube"),
        ("ocsp.pki.goog", "google", "google"),
        ("www.instagram.com", "meta", "instagram"),
        ("web.whatsapp.com", "meta", "whatsapp"),
        ("github.com", "microsoft", "github"),
        ("www.temu.com", "pdd-temu", "temu"),
        ("us.shein.com", "shein", "shein"),
        ("vk.com", "vk", "vk"),
        ("chatgpt.com", "openai", "openai"),
        ("roblox.cn", "roblox", "roblox"),
        # A name of a category is its vendor's as well.
        ("qwen.ai", "alibaba", "qwen"),
        ("chat.tongyi.com", "alibaba", "qwen"),
        ("kling-ai.com", "kuaishou", "kling"),
        ("www.codebuddy.cn", "tencent", "codebuddy"),
        ("yiyan.baidu.com", "baidu", "ernie"),
        ("dig.bdurl.net", "bytedance", "bytedance"),
        ("lf.bdurl.net", "bytedance", "bytedance"),
        # A top-level domain of a brand.
        ("gemini.google", "google", "gemini"),
        ("notebooklm.google", "google", "notebooklm"),
        ("ep1.adtrafficquality.google", "google", "unknown"),
        ("appletvapp.apple", "apple", "unknown"),
        ("static.microsoft", "microsoft", "unknown"),
        ("ads.yandex", "yandex", "unknown"),
    ],
)
def test_well_known_names(name: str, vendor: str, service: str) -> None:
    entry = name_match(name)
    assert entry is not None
    assert (entry.vendor, entry.service) == (vendor, service)


@pytest.mark.parametrize(
    "name", ["nottiktok.com", "tiktok.com.evil.example", "xtiktokcdn.com", "example.com", "tiktok", "localhost"]
)
def test_names_that_only_look_like_it(name: str) -> None:
    assert name_match(name) is None


@pytest.mark.parametrize(
    ("name", "category"),
    [
        ("dns.google", "encrypted-dns"),
        ("cloudflare-dns.com", "encrypted-dns"),
        ("abc123.dns.nextdns.io", "encrypted-dns"),
        ("use-application-dns.net", "encrypted-dns"),
        ("_dns.resolver.arpa", "encrypted-dns"),
        ("mask.icloud.com", "private-relay"),
        ("mask-h2.icloud.com", "private-relay"),
        ("nordvpn.com", "vpn-proxy"),
    ],
)
def test_well_known_categories(name: str, category: str) -> None:
    entry = catalogue().index.match_category(name.encode())
    assert entry is not None
    assert entry.vendor == category


@pytest.mark.parametrize("name", ["resolver.arpa", "www.google.com", "www.icloud.com"])
def test_what_is_asked_without_encrypted_dns_is_no_category(name: str) -> None:
    assert catalogue().index.match_category(name.encode()) is None


@pytest.mark.parametrize(
    ("address", "vendor", "weak"),
    [
        ("71.18.1.1", "bytedance", False),
        ("2605:340::1", "bytedance", False),
        ("71.18.254.1", "bytedance", True),
        ("31.13.24.1", "meta", False),
        ("104.16.1.1", "shared-infrastructure", True),
        ("52.94.0.1", "amazon", True),
        ("149.154.167.99", "telegram", False),
    ],
)
def test_well_known_addresses(address: str, vendor: str, weak: bool) -> None:
    entry = catalogue().index.match_address(ipaddress.ip_address(address).packed)
    assert entry is not None
    assert (entry.vendor, entry.weak) == (vendor, weak)


@pytest.mark.parametrize("address", ["1.1.1.1", "8.8.8.8", "9.9.9.9", "2620:fe::fe", "94.140.14.14"])
def test_well_known_resolvers(address: str) -> None:
    entry = catalogue().index.match_address_category(ipaddress.ip_address(address).packed)
    assert entry is not None
    assert (entry.vendor, entry.weak) == ("encrypted-dns", False)


def facts(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as lines:
        return [row for row in csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE) if not row[0].startswith("#")]


@pytest.mark.corpus
def test_every_vendor_of_the_facts_has_a_file() -> None:
    slugs = {path.stem for path in (corpus.CATALOGUE / "vendors").glob("*.tsv")}
    assert {RENAMED.get(slug, slug) for slug in slugs} <= {path.stem for path in FILES}


@pytest.mark.corpus
def test_every_entry_of_the_ban_lists_that_has_names_has_an_owner() -> None:
    index = catalogue().index
    for authority, entry, names in facts(corpus.CATALOGUE / "banlists.tsv"):
        for name in names.split():
            owners = index.owners_of_name(name.encode())
            wanted = "category:vpn-proxy" if entry in VPNS else "" if entry in ADULT else "a vendor"
            if wanted == "a vendor":
                assert owners.entry is not None, (authority, entry, name)
            elif wanted:
                assert wanted in owners.names, (authority, entry, name)


# What a ban list of schools names and no vendor file has: `vpn-proxy` has the one, a subscription the other.
VPNS = {
    "Proxies: CroxyProxy", "NordVPN", "Proton VPN", "Psiphon", "Tor", "Hola", "Windscribe", "UltraSurf",
}  # fmt: skip
ADULT = {"OnlyFans", "Pornhub"}


@pytest.mark.parametrize("slug", sorted(CATEGORIES))
def test_what_a_category_includes_is_there(slug: str) -> None:
    index = catalogue().index
    for subject in table(find_folder() / "vendors" / f"{slug}.toml").get("includes", []):  # type: ignore[attr-defined]
        names = [name for name in index.names_of(subject) if b"." in name]
        assert names, f"{slug} includes {subject}, which has no name"
        assert all(f"category:{slug}" in index.owners_of_name(name).names for name in names), subject


@pytest.mark.parametrize(
    ("name", "category"),
    [
        ("www.tiktok.com", "social"), ("www.youtube.com", "video"), ("web.whatsapp.com", "messaging"),
        ("www.roblox.com", "games"), ("poki.com", "games"), ("chatgpt.com", "ai-assistants"),
        ("gemini.google.com", "ai-assistants"), ("tinder.com", "dating"), ("www.bet365.com", "gambling"),
        ("www.temu.com", "shopping"), ("www.amazon.com", "shopping"), ("anydesk.com", "remote-access"),
        ("mega.nz", "file-sharing"), ("samsungacr.com", "smart-tv"), ("www.google-analytics.com", "trackers"),
    ],
)  # fmt: skip
def test_categories_that_schools_and_companies_ban(name: str, category: str) -> None:
    assert f"category:{category}" in catalogue().index.owners_of_name(name.encode()).names


@pytest.mark.parametrize(
    "name", ["www.google.com", "mail.google.com", "github.com", "s3.amazonaws.com", "www.icloud.com"]
)
def test_a_category_has_no_more_of_a_vendor_than_it_names(name: str) -> None:
    categories = set(catalogue().index.owners_of_name(name.encode()).categories)
    assert not categories & {"social", "video", "games", "ai-assistants", "shopping", "file-sharing", "trackers"}


@pytest.mark.corpus
def test_nothing_that_the_facts_dropped_is_listed() -> None:
    listed = {(slug, value) for slug, _, _, value in rows()}
    listed_asns = {value for _, _, key, value in rows() if key == "asn"} - {"AS139190"}
    for vendor, value, *_ in facts(corpus.CATALOGUE / "dropped.tsv"):
        assert (RENAMED.get(vendor, vendor), value) not in listed
        if value.startswith("AS"):
            assert not listed_asns & set(value.split("/"))


@pytest.mark.corpus
def test_conflicts_are_kept_where_the_facts_keep_them() -> None:
    for domain, _, kept, _ in facts(corpus.CATALOGUE / "conflicts.tsv"):
        entry = name_match(domain)
        if entry is not None:
            assert entry.vendor == kept, domain


@pytest.mark.corpus
def test_facts_that_rest_on_unusable_sources_alone_are_not_listed() -> None:
    unusable = ("agh", "hagezi", "dibdot", "adguard-kb", "dnscrypt-resolvers", "itdoginfo", "blackmatrix7")
    listed = {(slug, value) for slug, _, _, value in rows()} - {("private-relay", "mask.apple-dns.net")}
    for path in sorted((corpus.CATALOGUE / "vendors").glob("*.tsv")):
        for kind, value, _, evidence, *_ in (row for row in facts(path) if len(row) > 3):
            if kind == "domain" and all(source.startswith(unusable) for source in evidence.split("|")):
                assert (RENAMED.get(path.stem, path.stem), value) not in listed
