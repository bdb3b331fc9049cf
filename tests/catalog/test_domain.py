"""Names as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.catalog.domain import parse_name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("tiktok.com", b"tiktok.com"),
        ("WWW.TikTok.COM.", b"www.tiktok.com"),
        ("_dns.resolver.arpa", b"_dns.resolver.arpa"),
        ("r3---sn-4g5e6nez.googlevideo.com", b"r3---sn-4g5e6nez.googlevideo.com"),
        ("-leading.example.com", b"-leading.example.com"),
        ("bücher.example", b"xn--bcher-kva.example"),
        ("BÜCHER.example", b"xn--bcher-kva.example"),
        ("straße.de", b"xn--strae-oqa.de"),
        ("抖音.中国", b"xn--pruv10j.xn--fiqs8s"),
        ("例え。テスト", b"xn--r8jz45g.xn--zckzah"),
        ("ｔｉｋｔｏｋ．com", b"tiktok.com"),
        ("xn--bcher-kva.example", b"xn--bcher-kva.example"),
        ("4.example", b"4.example"),
        ("a" * 63 + ".example", b"a" * 63 + b".example"),
    ],
)
def test_names(text: str, name: bytes) -> None:
    assert parse_name(text) == (name, "")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "an empty name"),
        (".", "an empty name"),
        ("a..b", "an empty label"),
        (".a.b", "an empty label"),
        ("a.b..", "an empty label"),
        ("cg\u2011dialup.net", "a character that names cannot contain: U+2010"),
        ("tik\u200btok.com", "a character that names cannot contain: U+200B"),
        ("tiktok.com\u20ac", "a character that names cannot contain: U+20AC"),
        ("tik tok.com", "a character that names cannot contain: ' '"),
        ("*.tiktok.com", "a character that names cannot contain: '*'"),
        ("tiktok.com/path", "a character that names cannot contain: '/'"),
        ("192.0.2.1", "an address or a number, not a name"),
        ("a" * 64 + ".example", "a label of more than 63 bytes"),
        (("a" * 49 + ".") * 5 + "example", "a name of more than 253 bytes"),
        ("ü" * 300 + ".example", "a name of more than 253 bytes"),
    ],
)
def test_what_is_no_name(text: str, fault: str) -> None:
    assert parse_name(text) == (b"", fault)


@given(st.text(max_size=300))
def test_any_text_gives_a_name_or_a_fault(text: str) -> None:
    name, fault = parse_name(text)
    assert bool(name) != bool(fault)
    assert parse_name(name.decode()) == (name, "") if name else True
