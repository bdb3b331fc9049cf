"""How words that people type are compared."""

import pytest

from monitor.catalog.likeness import alike
from monitor.catalog.words import brand_of, fold, host_of, is_host, sound, tokens


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Tik-Tok", "tiktok"),
        (" tik_tok! ", "tiktok"),
        ("ＴｉｋＴｏｋ", "tiktok"),
        ("ВКонтакте", "вконтакте"),
        ("哔哩哔哩", "哔哩哔哩"),
        ("ﾗｲﾝ", "ライン"),
        ("Straße", "strasse"),
        ("टिकटॉक", "टिकटॉक"),
        ("WhatsApp\ufe0f", "whatsapp"),
        ("…", ""),
    ],
)
def test_case_blanks_and_punctuation_do_not_count(text: str, folded: str) -> None:
    assert fold(text) == folded
    assert fold(folded) == folded


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("www.tiktok.com", "www.tiktok.com"),
        ("https://www.tiktok.com/@user", "www.tiktok.com"),
        ("HTTPS://user:word@www.tiktok.com:8443/a/b?c=d#e", "www.tiktok.com"),
        ("//www.tiktok.com", "www.tiktok.com"),
        ("tiktok.com:443", "tiktok.com"),
        ("tiktok.com:", "tiktok.com"),
        ("tiktok.com/@user", "tiktok.com"),
        ("tiktok.com?x=https://other.example/", "tiktok.com"),
        ("抖音。com", "抖音.com"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("https://[2001:db8::1]/", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("192.0.2.1:443", "192.0.2.1"),
        (" tiktok ", "tiktok"),
        ("category:vpn-proxy", "category:vpn-proxy"),
        ("", ""),
    ],
)
def test_the_host_of_what_people_paste(text: str, host: str) -> None:
    assert host_of(text) == host


def test_a_host_is_a_url_or_has_several_labels() -> None:
    assert is_host("https://tiktok")
    assert is_host("www.tiktok.com")
    assert not is_host("tiktok")
    assert not is_host("tiktok.")
    assert not is_host("bytedance/tiktok")


def test_the_label_that_was_registered() -> None:
    hosts = ["www.tiktok.com", "tiktok.co.uk", "a.b.tiktok.de", "tiktok", "com.tiktok.com"]
    assert [brand_of(host) for host in hosts] == ["tiktok", "tiktok", "tiktok", "", "tiktok"]


def test_tokens_are_the_words_between_blanks_and_punctuation() -> None:
    assert tokens("Facebook-Messenger (Lite)") == ["facebook", "messenger", "lite"]


def test_spellings_of_one_sound_are_equal() -> None:
    assert sound("tictoc") == sound("tiktok")
    assert sound("roblocks") == sound("roblox")
    assert sound("tiktok") != sound("taktak")


def test_likeness_is_narrow() -> None:
    """What has some letters in common is not alike; a typing error, a beginning and an extension are."""
    known = ["tiktok", "lenovo", "spotify", "threads", "line", "kaspersky", "viber", "twitch", "instagram", "抖音"]
    for word in ("lemon8", "shopify", "threema", "vine", "bluesky", "bereal", "switch", "ok", "in", "", "音"):
        assert alike(word, known) == [], word
    assert alike("titkok", known) == ["tiktok"]
    assert alike("insta", known) == ["instagram"]
    assert alike("tiktoklite", known) == ["tiktok"]
    assert alike("nstagram", known) == ["instagram"]
    assert alike("抖音短视频", known) == ["抖音"]
