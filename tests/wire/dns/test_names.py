"""Names off the wire: presentation, compression, and everything that is no name."""

import dns.name
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.wire.dns.names import MALFORMED, ROOT, SEEN_MAX, TOO_SHORT, read_name, skip_name


def wire(*labels: bytes) -> bytes:
    return b"".join(bytes((len(label),)) + label for label in labels) + b"\0"


def read(data: bytes, at: int = 0, base: int = 0) -> bytes:
    return read_name(data, at, base, len(data))


@pytest.mark.parametrize(
    ("labels", "text"),
    [
        ((), b"."),
        ((b"www", b"example", b"com"), b"www.example.com"),
        ((b"WwW", b"EXAMPLE", b"com"), b"www.example.com"),
        ((b"_sip", b"_udp", b"x-1"), b"_sip._udp.x-1"),
        ((b"a.b", b"c"), b"a\\046b.c"),
        ((b"a\\b",), b"a\\092b"),
        ((b"apple tv", b"local"), b"apple\\032tv.local"),
        ((b"c$'s;\"@()",), b"c$'s;\"@()"),
        ((b"\0\x1f\x7f\x80\xff",), b"\\000\\031\\127\\128\\255"),
        ((b"M\xc3\x9cNCHEN",), b"m\\195\\156nchen"),
        ((b"x" * 63, b"y"), b"x" * 63 + b".y"),
    ],
)
def test_presentation(labels: tuple[bytes, ...], text: bytes) -> None:
    data = wire(*labels)
    assert read(data) == text
    assert skip_name(data, 0, len(data)) == len(data)


def test_pointers_lead_to_what_was_said_before() -> None:
    data = wire(b"example", b"com") + b"\3www\xc0\x00" + b"\1A\xc0\x0d" + b"\xc0\x0d" + b"\xc0\x08"
    assert read(data, 13) == b"www.example.com"
    assert read(data, 19) == b"a.www.example.com"
    assert read(data, 23) == b"www.example.com"
    assert read(data, 25) == b"com"
    assert skip_name(data, 13, len(data)) == 19
    assert skip_name(data, 23, len(data)) == 25


def test_pointers_forward_are_followed_as_resolvers_do() -> None:
    assert read(b"\1a\xc0\x04" + wire(b"Example")) == b"a.example"


def test_pointers_count_from_the_start_of_the_message() -> None:
    data = b"frame header" + wire(b"example", b"com") + b"\xc0\x00"
    assert read(data, 25, base=12) == b"example.com"


@pytest.mark.parametrize(
    ("data", "at"),
    [
        (b"\xc0\x00", 0),  # to itself
        (b"\xc0\x02\xc0\x00", 2),  # two that point to each other
        (b"\1a\xc0\x00", 0),  # to its own label
        (b"\1a\xc0\x00", 2),  # back to labels that lead here again
        (b"\xc0\x04\1a\xc0\x00", 0),  # forward and back
        (b"\xc0", 0),
        (b"", 0),
        (b"\3ww", 0),
        (b"\3www", 0),
        (b"\x41a\0", 0),  # RFC 6891 section 5: the extended label types came to nothing
        (b"\x80a\0", 0),
    ],
)
def test_no_name(data: bytes, at: int) -> None:
    assert read(data, at) == b""


def test_a_name_has_255_octets_at_most() -> None:
    longest = [b"x" * 63, b"y" * 63, b"z" * 63, b"w" * 61]
    assert len(wire(*longest)) == 255
    assert len(read(wire(*longest))) == 253
    assert read(wire(*longest[:3], b"w" * 62)) == b""
    by_pointer = wire(*longest[1:]) + b"\x3f" + b"x" * 63 + b"\xc0\x00"
    assert len(read(by_pointer, 192 - 1)) == 253
    too_long = wire(*longest) + b"\0\1x\xc0\x00"
    assert read(too_long, 256) == b""


def test_a_chain_of_pointers_ends() -> None:
    chain = b"\1a\0\0" + b"".join(bytes((0xC0 | at >> 8, at & 255)) for at in [0, *range(4, 4 + 2 * 8000, 2)])
    assert read(chain, 4 + 2 * 100) == b"a"
    assert read(chain, len(chain) - 2) == b""


def test_skipping_says_what_is_wrong() -> None:
    assert skip_name(b"\3ww", 0, 3) == TOO_SHORT
    assert skip_name(b"\3www\xc0", 0, 5) == TOO_SHORT
    assert skip_name(b"\3www\x40", 0, 5) == MALFORMED


def test_nothing_behind_the_limit_is_read() -> None:
    data = wire(b"www", b"example", b"com")
    assert read_name(data, 0, 0, len(data) - 1) == b""
    assert skip_name(data, 0, len(data) - 1) == TOO_SHORT


def test_more_names_than_are_kept_come_out_right() -> None:
    for number in range(SEEN_MAX + 10):
        assert read(wire(b"N%d" % number, b"example")) == b"n%d.example" % number


@given(st.lists(st.binary(min_size=1, max_size=20), max_size=10))
def test_presentation_means_the_same_to_dnspython(labels: list[bytes]) -> None:
    """dnspython reads our text back as the very labels, but for their case."""
    text = read(wire(*labels))
    back = dns.name.from_text(text.decode("ascii"))
    assert back == dns.name.Name([*labels, b""])
    assert text == text.lower()
    assert all(0x21 <= byte < 0x7F for byte in text)


@given(st.binary(max_size=600), st.integers(0, 600), st.integers(0, 600))
def test_any_bytes(data: bytes, at: int, limit: int) -> None:
    limit = min(limit, len(data))
    text = read_name(data, at, 0, limit)
    behind = skip_name(data, at, limit)
    assert text == b"" or 0 < behind <= limit
    assert text == ROOT or not text.endswith(b".")
