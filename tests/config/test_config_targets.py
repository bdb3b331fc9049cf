"""Words in a configuration become the subjects that they mean; what they do not mean for certain stays harmless."""

import pytest

from monitor.catalog.builder import IndexBuilder
from monitor.catalog.domain import parse_name
from monitor.catalog.entry import Alias, Owner, Vendor
from monitor.catalog.index import Index
from monitor.catalog.subject_index import SubjectIndex
from monitor.config.faults import ConfigErrors
from monitor.config.parse import parse
from monitor.config.policy import configured_standing
from monitor.config.question import as_name
from monitor.config.subjects import name, target
from monitor.config.targets import as_written, list_hints, named_subjects, single_labels, stand_in, with_subjects
from monitor.policy.ban import Ban
from monitor.policy.overrides import ban_id

CONFIG = """
[[ban]]
vendors = ["TikTok", "bytedance/tiktok", "www.capcut.com", "抖音"]
[[ban]]
vendors = ["Category:VPN", "tictoc", "Kein Wort", "微信!"]
[[exception]]
device = "10.0.0.1"
vendor = "https://capcut.com/x"
"""


@pytest.fixture(scope="module")
def index() -> Index:
    builder = IndexBuilder()
    services = (("tiktok", "TikTok"), ("douyin", "Douyin"), ("capcut", "CapCut"))
    builder.add_vendor(Vendor("bytedance", "ByteDance", "vendor", services, (Alias("抖音", "douyin"),)))
    builder.add_vendor(Vendor("vpn-proxy", "VPNs", "category", (), (Alias("VPN"),)))
    builder.add_name(b"capcut.com", False, builder.number_of(Owner("bytedance", "capcut")))
    return Index.load(builder.build())


def words_of(ban: Ban) -> list[str]:
    return list(map(str, ban.subjects))


@pytest.mark.parametrize("word", ["category:", "tiktok/", "/", "a/b/c", "Category:VPN", "TikTok", "category:vpn-proxy"])
def test_a_word_stays_as_it_is_written_until_it_is_looked_up(word: str) -> None:
    assert str(as_written(word)) == word


def test_words_become_the_subjects_that_they_mean_once_each(index: Index) -> None:
    config = with_subjects(parse(CONFIG, "c.toml"), index)
    assert words_of(config.bans[0]) == ["bytedance/tiktok", "bytedance/capcut", "bytedance/douyin"]
    assert config.exceptions[0].vendor == "bytedance/capcut"
    standing = configured_standing(parse(CONFIG, "c.toml"), index)
    assert standing.bans[0].subjects == config.bans[0].subjects
    assert standing.bans[0].id == "bytedance.tiktok-all"
    assert standing.exemptions[0].vendor == "bytedance/capcut"


def test_what_is_not_certain_stays_in_the_ban_under_a_harmless_name(index: Index) -> None:
    """Lists may bring it later; until then the name of the kernel's objects is made of it."""
    words = words_of(with_subjects(parse(CONFIG, "c.toml"), index).bans[1])
    assert words[:3] == ["category:vpn-proxy", "tictoc", "kein-wort"]
    for word in words:
        assert target(word) == word
        assert ban_id((word,), ("",)).isascii()


def test_what_is_unknown_is_known_with_its_place_and_its_hints(index: Index) -> None:
    config, subjects = parse(CONFIG, "c.toml"), SubjectIndex(index)
    faults = [(one.path, one.meaning.fault()) for one in named_subjects(config, subjects) if not one.meaning.subject]
    missing = "it is not in the catalogue, which `gatewatch catalog` lists"
    assert faults == [
        (("ban", 1, "vendors"), "no list knows 'tictoc', the nearest is 'bytedance/tiktok'"),
        (("ban", 1, "vendors"), f"no list knows 'Kein Wort', {missing}"),
        (("ban", 1, "vendors"), f"no list knows '微信!', {missing}"),
    ]


def test_different_words_have_different_stand_ins() -> None:
    words = ["微信", "微博", "Kein Wort", "category:Kein Wort", "a/b/c", "bytedance/x y", "é", "e"]
    assert len({stand_in(word) for word in words}) == len(words)


@pytest.mark.parametrize("word", ["", " ", "…", "a\tb", "x" * 301])
def test_what_is_no_word_is_a_mistake_with_its_line(word: str) -> None:
    with pytest.raises(ConfigErrors, match=r"c\.toml:2: ban 1\.vendors: expected the name of a vendor"):
        parse(f'[[ban]]\nvendors = ["{word}", "tiktok"]\n'.replace("\t", "\\t"), "c.toml")


def test_a_list_whose_vendor_is_called_like_a_shipped_one_is_hinted_at(index: Index) -> None:
    def hints(text: str) -> list[tuple[object, str]]:
        return list(list_hints(parse(f"[[list]]\nurl = 'a.txt'\n{text}", "c.toml"), SubjectIndex(index)))

    meant = 'which no other ban covers: write vendor = "bytedance/tiktok" if that is meant'
    assert hints("name = 'mine'\nvendor = 'tiktok'") == [
        (("list", 0, "vendor"), f"makes a new vendor 'tiktok', {meant}")
    ]
    assert hints("name = 'tiktok-2'\nvendor = 'tik-tok'")[0][1] == f"makes a new vendor 'tik-tok', {meant}"
    assert hints("name = 'tiktok'") == [(("list", 0, "name"), f"makes a new vendor 'tiktok', {meant}")]
    for fine in ("bytedance", "bytedance/tiktok", "bytedance/newapp", "category:vpn-proxy", "ads", "trackers", "byte"):
        assert hints(f"name = 'mine'\nvendor = '{fine}'") == [], fine
    assert "bytedance" in hints("name = 'mine'\nvendor = 'bytedanse'")[0][1]
    assert "bytedance/tiktok" in hints("name = 'mine'\nvendor = 'bytedance/tiktik'")[0][1]


def test_a_name_of_one_label_frees_nothing_of_a_vendor(index: Index) -> None:
    text = """
[[ban]]
vendors = ["bytedance"]
allow = ["tiktok", "www.tiktok.com"]
[[exception]]
device = "10.0.0.5"
name = "tiktok"
[[exception]]
device = "10.0.0.5"
name = "lan"
"""
    found = list(single_labels(parse(text, "c.toml"), SubjectIndex(index)))
    assert [path for path, _ in found] == [("ban", 0, "allow"), ("exception", 0, "name"), ("exception", 1, "name")]
    assert found[1][1].endswith('write vendor = "bytedance/tiktok" if that is meant, or the whole name')
    assert found[2][1].endswith("no vendor: write the whole name")


def test_names_in_other_scripts_are_what_lists_and_questions_have() -> None:
    for text in ("Bücher.example", "straße.example", "ΣΊΣΥΦΟΣ.example", "例え.テスト"):
        assert name(text).encode() == parse_name(text)[0] == as_name(text)
