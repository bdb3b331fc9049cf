"""ClientHello messages: what is in them, what is odd about them, and the records around them."""

import client_hellos as build
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model import ClientHello
from monitor.wire.tls.client_hello import present_name, read_hello
from monitor.wire.tls.records import HELLO, MORE, OTHER, Records, observe_hello

LIMIT = 18_432


def observe(message: bytes) -> ClientHello:
    hello = read_hello(message)
    assert hello is not None
    assert hello.clean
    return observe_hello(build.packet(), hello, 0)


def test_a_hello_tells_name_protocols_version_and_ech() -> None:
    seen = observe(
        build.client_hello(
            (0x8A8A, b""),
            build.server_name(b"WWW.TikTok.com."),
            build.alpn(b"h2", b"http/1.1"),
            build.supported_versions(0x4A4A, 0x0304, 0x0303),
            (0xFE0D, b"\0" + bytes(40)),
        )
    )
    assert (seen.sni, seen.alpn, seen.version, seen.ech_offered, seen.ech, seen.quic) == (
        b"www.tiktok.com", [b"h2", b"http/1.1"], 0x0304, True, False, 0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("offered", "legacy", "highest"),
    [
        ((0x0304, 0x0303), 0x0303, 0x0304),
        ((0x0303, 0x0304), 0x0303, 0x0304),
        ((0xDADA, 0x0303, 0x0302), 0x0303, 0x0303),
        ((0x7F1C, 0x0303), 0x0303, 0x7F1C),
        ((0x7F17, 0x7F1C, 0x0303), 0x0303, 0x7F1C),
        ((0x0304, 0xFB1A), 0x0303, 0x0304),
        ((), 0x0302, 0x0302),
        ((0x2A2A,), 0x0303, 0x0303),
    ],
    ids=str,
)
def test_the_version_is_the_best_offered(offered: tuple[int, ...], legacy: int, highest: int) -> None:
    """RFC 8446 section 4.2.1: GREASE is none, drafts have larger numbers than the version that they became."""
    extensions = [build.supported_versions(*offered)] if offered else []
    assert observe(build.client_hello(*extensions, legacy=legacy)).version == highest


def test_a_hello_may_have_no_extensions_at_all() -> None:
    seen = observe(build.client_hello(legacy=0x0301))
    assert (seen.sni, seen.alpn, seen.version, seen.ech) == (b"", [], 0x0301, False)


@pytest.mark.parametrize(
    ("kind", "content", "offered"),
    [(0xFE0D, b"\0\0\1", True), (0xFE0D, b"\1", False), (0xFE0D, b"", False), (0xFFCE, b"\x13\1", True)],
)
def test_ech_is_the_outer_hello_or_the_draft_before_it(kind: int, content: bytes, offered: bool) -> None:
    assert observe(build.client_hello((kind, content))).ech_offered is offered


@pytest.mark.parametrize(
    ("kind", "name", "real"),
    [(0xFE0D, b"", True), (0xFE0D, b"www.tiktok.com", False), (0xFFCE, b"www.tiktok.com", True)],
)
def test_the_extension_alone_does_not_hide_the_name(kind: int, name: bytes, real: bool) -> None:
    """RFC 9849 section 6.2: clients send it as noise, beside the true name; the drafts before it were never noise."""
    extensions = [(kind, b"\0\0\1"), *([build.server_name(name)] if name else [])]
    assert observe(build.client_hello(*extensions)).ech is real


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        (b"Example.COM", b"example.com"),
        (b"example.com.", b"example.com"),
        (b".", b"."),
        (b"b\xfccher.example", rb"b\252cher.example"),
        (b"a b\\c\0", rb"a\032b\092c\000"),
        (b"", b""),
    ],
)
def test_names_are_lower_case_and_printable(raw: bytes, name: bytes) -> None:
    assert present_name(raw) == name


@pytest.mark.parametrize(
    ("extension", "name"),
    [
        ((0, b""), b""),
        ((0, b"\0\0"), b""),
        ((0, build.vector(2, b"\7" + build.vector(2, b"other") + b"\0" + build.vector(2, b"a.example"))), b"a.example"),
        ((0, build.vector(2, b"\0" + build.vector(2, b"a") + b"\0" + build.vector(2, b"b"))), b"a"),
    ],
)
def test_only_the_first_host_name_of_the_list_counts(extension: tuple[int, bytes], name: bytes) -> None:
    """RFC 6066 section 3."""
    assert observe(build.client_hello(extension)).sni == name


@pytest.mark.parametrize(
    "extension",
    [
        (0, b"\0\x63\0\0\3abc"),
        (0, build.vector(2, b"\0" + build.vector(2, b"x" * 256))),
        (16, b"\0\3\x63h2"),
        (43, b"\3\3\4\3"),
        (13, b"\0\3\4\3\4"),
    ],
)
def test_damage_keeps_what_came_before_it(extension: tuple[int, bytes]) -> None:
    hello = read_hello(build.client_hello((0xFE0D, b"\0"), extension, build.server_name(b"never.example")))
    assert hello is not None
    assert not hello.clean
    assert hello.ech
    assert hello.server_name == b""


@given(st.binary(max_size=300), st.integers(0, 400))
def test_any_bytes_are_a_hello_or_none(data: bytes, at: int) -> None:
    whole = build.hello_for(b"example.com")
    for message in (data, whole[:at], whole[:at] + data + whole[at:], whole[:at] + data):
        read_hello(message)


@given(st.integers(1, 400), st.data())
def test_any_records_and_any_reads_give_the_message(size: int, data: st.DataObject) -> None:
    message = build.hello_for(b"example.com")
    wire = build.records(message, size) + b"\x17\3\3\0\1x"
    reader = Records()
    rest = b""
    while wire:
        step = data.draw(st.integers(1, len(wire)))
        rest, wire = rest + wire[:step], wire[step:]
        found = reader.read(rest)
        rest = rest[reader.consumed :]
        if found != MORE:
            break
    assert found == HELLO
    assert reader.message == message


@pytest.mark.parametrize(
    "wire",
    [
        b"\x16\3\1\0\0" * 33,
        b"\x16\3\1\x40\1\1",
        b"\x16\2\1\0\5\1\0\0\1\0",
        b"\x16\3\1\0\4\2\0\0\0",
        b"\x15\3\1\0\2\1\0",
        b"\x14\3\1\0\1\1",
        b"\x16\3\1\0\4\1\2\xff\xff",
    ],
)
def test_what_is_no_hello_ends_the_search(wire: bytes) -> None:
    assert Records().read(wire) == OTHER


def test_records_without_content_are_stepped_over() -> None:
    """As OpenSSL does, 32 times."""
    message = build.hello_for(b"example.com")
    reader = Records()
    assert reader.read(b"\x16\3\1\0\0" * 32 + build.records(message)) == HELLO
    assert reader.message == message


@pytest.mark.parametrize(
    ("between", "early_data", "found"),
    [
        (b"", False, HELLO),
        (b"\x14\3\3\0\1\1", False, HELLO),
        (b"\x17\3\3\0\3abc\x14\3\3\0\1\1", True, HELLO),
        (b"\x17\3\3\0\3abc", False, OTHER),
        (b"\x15\3\3\0\2\2\x28", True, OTHER),
    ],
)
def test_a_second_hello_may_follow(between: bytes, early_data: bool, found: int) -> None:
    """RFC 8446 section 4.1.4 and appendix D.4."""
    second = build.hello_for(b"second.example")
    reader = Records()
    assert reader.read(build.records(build.hello_for(b"first.example"))) == HELLO
    reader.expect_another(early_data)
    assert reader.read(between + build.records(second)) == found
    assert found != HELLO or reader.message == second
