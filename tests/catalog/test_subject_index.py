"""Words of administrators come to what was meant, to candidates that hold it, or to nothing: to no wrong vendor."""

from pathlib import Path

import pytest

from monitor.catalog.builder import IndexBuilder
from monitor.catalog.entry import Alias, Owner, Vendor
from monitor.catalog.index import Index
from monitor.catalog.subject_index import NAME, PART, SLUG, WORD, Resolution, SubjectIndex
from monitor.catalog.words import fold
from monitor.lists.cache import load_cached

TABLE = Path(__file__).parent / "words.tsv"
ROWS = [line.split("\t") for line in TABLE.read_text().splitlines() if line and not line.startswith("#")]


@pytest.fixture(scope="module")
def shipped() -> SubjectIndex:
    return SubjectIndex(load_cached().index)


def test_the_table_is_large_enough() -> None:
    assert len({fold(word) for word, _ in ROWS}) >= 100
    assert len(ROWS) == len({word for word, _ in ROWS})


@pytest.mark.parametrize(("word", "meant"), ROWS, ids=[word for word, _ in ROWS])
def test_words_that_administrators_type(word: str, meant: str, shipped: SubjectIndex) -> None:
    found = shipped.resolve(word)
    if meant == "-":
        assert (found.subject, found.candidates) == ("", ())
        assert found.fault().startswith(f"no list knows '{word}', it is not in the catalogue")
    elif meant.startswith("? "):
        assert found.subject == ""
        assert meant.removeprefix("? ") in found.candidates
        assert f"'{meant.removeprefix('? ')}'" in found.fault()
    else:
        assert found.subject == meant, found


def test_every_shipped_name_and_alias_is_taken_for_its_own(shipped: SubjectIndex) -> None:
    """Two apps of one name would make both unusable by it."""
    for vendor in load_cached().index.vendors():
        mark = "category:" if vendor.kind == "category" else ""
        texts = [vendor.slug, vendor.name, *[alias.text for alias in vendor.aliases]]
        for text in texts:
            found = shipped.resolve(text)
            assert found.subject.partition("/")[0] == mark + vendor.slug, (text, found)


def make(*vendors: Vendor, names: tuple[tuple[str, Owner], ...] = ()) -> SubjectIndex:
    builder = IndexBuilder()
    for vendor in vendors:
        builder.add_vendor(vendor)
    for name, owner in names:
        builder.add_name(name.encode(), False, builder.number_of(owner))
    return SubjectIndex(Index.load(builder.build()))


BYTEDANCE = Vendor(
    "bytedance",
    "ByteDance",
    "vendor",
    (("tiktok", "TikTok"), ("ads", "Advertising"), ("bytedance", "ByteDance")),
    (Alias("字节跳动"), Alias("Musical.ly", "tiktok"), Alias("Lemon8", part=True)),
)
X = Vendor("x-twitter", "X (Twitter)", "vendor", (("twitter", "Twitter"),))
VPN = Vendor("vpn", "VPNs", "category", (("tor", "Tor"),), (Alias("Proxy"), Alias("NordVPN", "tor")))


def test_how_a_word_was_found_and_what_people_read_of_it() -> None:
    index = make(BYTEDANCE, X, VPN, names=(("tiktok.com", Owner("bytedance", "tiktok")),))
    assert index.resolve("bytedance/tiktok") == Resolution("bytedance/tiktok", "bytedance/tiktok", SLUG)
    assert index.resolve("bytedance/tiktok").taken() == ""
    assert index.resolve(" Tik Tok ") == Resolution("Tik Tok", "bytedance/tiktok", WORD)
    assert index.resolve("Tik Tok").taken() == "Tik Tok is bytedance/tiktok"
    assert index.resolve("a.tiktok.com").how == NAME
    assert index.resolve("lemon 8") == Resolution("lemon 8", "bytedance", PART)
    assert index.resolve("lemon 8").taken() == "lemon 8 is a part of bytedance, which is taken as a whole"
    assert index.resolve("Tor").taken() == "Tor is a part of category:vpn, which is taken as a whole"
    assert index.resolve("proxy").subject == "category:vpn"
    assert index.resolve("nordvpn") == Resolution("nordvpn", "category:vpn", PART)


def test_a_vendor_goes_before_its_own_service_and_for_its_only_one() -> None:
    index = make(
        BYTEDANCE,
        X,
        names=(("t.co", Owner("x-twitter", "twitter")), ("bytedance.com", Owner("bytedance", "bytedance"))),
    )
    assert index.resolve("Bytedance").subject == "bytedance"
    assert index.resolve("bytedance.com").subject == "bytedance/bytedance"
    assert index.resolve("twitter").subject == "x-twitter"
    assert index.resolve("t.co").subject == "x-twitter"
    assert index.resolve("x-twitter/twitter").subject == "x-twitter/twitter"


def test_what_several_are_called_is_not_taken() -> None:
    index = make(BYTEDANCE, Vendor("other", "Other", "vendor", (("tiktok", "TikTok"),)), Vendor("third", "3", "vendor"))
    found = index.resolve("TikTok")
    assert found == Resolution("TikTok", candidates=("bytedance/tiktok", "other"), ambiguous=True)
    assert found.fault() == "'TikTok' may mean 'bytedance/tiktok' or 'other': write one of them"
    assert index.resolve("ads").fault() == "'ads' may mean 'bytedance/ads': write that"
    assert index.resolve("bytedance/Ads").subject == "bytedance/ads"


def test_a_vendor_of_a_users_list_is_taken_by_its_slug_and_its_namesake_is_told() -> None:
    """Configurations that name such a vendor go on meaning it."""
    index = make(Vendor("tiktok", "tiktok", "vendor"), BYTEDANCE)
    found = index.resolve("tiktok")
    assert (found.subject, found.others) == ("tiktok", ("bytedance/tiktok",))
    assert found.taken() == "tiktok is also a name of bytedance/tiktok, which is not meant here"
    assert index.resolve("TikTok").candidates == ("tiktok", "bytedance/tiktok")


def test_a_name_of_a_vendor_and_a_category_is_not_taken() -> None:
    owners = (("dns.example", Owner("bytedance", "ads")), ("dns.example", Owner("vpn", "tor", "", False, True)))
    found = make(BYTEDANCE, VPN, names=owners).resolve("dns.example")
    assert (found.subject, found.candidates) == ("", ("bytedance/ads", "category:vpn"))


def test_a_service_of_a_vendor_that_is_misspelt_gives_both_kinds_of_hints() -> None:
    index = make(BYTEDANCE, X)
    assert index.resolve("bytedance/tiktik").candidates == ("bytedance/tiktok",)
    assert index.resolve("bytedance/maps").candidates == ("bytedance",)
    assert index.resolve("bytedanse/tiktok").candidates[0] == "bytedance/tiktok"
    assert index.resolve("instagram/threads").candidates == ()


@pytest.mark.parametrize(
    "text", ["", "  ", "/", ":", "category:", "://", "[", "a" * 5000, "x\x00y", "\u202e", "..", "-"]
)
def test_nonsense_is_unknown(text: str) -> None:
    found = make(BYTEDANCE, X, VPN).resolve(text)
    assert (found.subject, found.candidates) == ("", ())
    assert len(found.fault()) < 500


def test_names_of_shipped_files_go_before_the_slugs_that_user_lists_have() -> None:
    """A user's list that adds to a shipped vendor comes first and knows nothing but slugs."""
    index = make(Vendor("bytedance", "bytedance", "vendor", (("tiktok", "tiktok"),)), BYTEDANCE)
    assert index.name_of("bytedance") == "ByteDance"
    assert index.name_of("bytedance/tiktok") == "TikTok"
    assert index.subjects() == ["bytedance", "bytedance/tiktok", "bytedance/ads", "bytedance/bytedance"]
