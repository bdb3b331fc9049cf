"""JA4 fingerprints, against those that FoxIO publishes and against the rules for odd input."""

import client_hellos as build
import pytest

from monitor.wire.tls.client_hello import read_hello
from monitor.wire.tls.ja4 import fingerprint

# Chrome, as in FoxIO's description of the method.
CIPHERS = (
    0x4A4A, 0x1301, 0x1302, 0x1303, 0xC02B, 0xC02F, 0xC02C, 0xC030, 0xCCA9, 0xCCA8, 0xC013, 0xC014, 0x009C, 0x009D,
    0x002F, 0x0035,
)  # fmt: skip
EXTENSIONS = (0x001B, 0x0033, 0x4469, 0x0017, 0x0005, 0x0023, 0x000A, 0x0012, 0x000B, 0xFF01, 0x002D, 0x0015)
SCHEMES = (0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601)


def ja4(
    *extensions: tuple[int, bytes], ciphers: tuple[int, ...] = (0x1301,), quic: bool = False, legacy: int = 0x0303
) -> str:
    hello = read_hello(build.client_hello(*extensions, ciphers=ciphers, legacy=legacy))
    assert hello is not None
    return fingerprint(hello, quic)


@pytest.mark.parametrize(("quic", "transport"), [(False, "t"), (True, "q")])
def test_chrome_is_chrome(quic: bool, transport: str) -> None:
    found = ja4(
        (0x1A1A, b""),
        *((kind, b"") for kind in EXTENSIONS),
        build.server_name(b"example.com"),
        build.alpn(b"h2", b"http/1.1"),
        build.supported_versions(0x3A3A, 0x0304, 0x0303),
        build.signature_algorithms(*SCHEMES),
        (0x2A2A, b"\0"),
        ciphers=CIPHERS,
        quic=quic,
    )
    assert found == f"{transport}13d1516h2_8daaf6152771_e5627efa2ab1"


def test_nothing_to_hash_is_zeros() -> None:
    assert ja4() == "t12i010000_0f2cb44170f4_000000000000"
    assert ja4(build.server_name(b"a"), build.alpn(b"h2")) == "t12d0102h2_0f2cb44170f4_000000000000"
    assert ja4(ciphers=(0x0A0A,)) == "t12i000000_000000000000_000000000000"


@pytest.mark.parametrize(
    ("versions", "legacy", "shown"),
    [
        ((0x0304,), 0x0303, "13"),
        ((0x0A0A, 0x0302), 0x0303, "11"),
        ((0x7F1C, 0x0303), 0x0303, "00"),
        ((0x0304, 0xFB1A), 0x0303, "00"),
        ((), 0x0301, "10"),
        ((), 0x0300, "s3"),
    ],
)
def test_the_version_is_the_largest_number(versions: tuple[int, ...], legacy: int, shown: str) -> None:
    extensions = [build.supported_versions(*versions)] if versions else []
    assert ja4(*extensions, legacy=legacy)[1:3] == shown


@pytest.mark.parametrize(
    ("protocol", "shown"),
    [
        (b"http/1.1", "h1"),
        (b"h", "hh"),
        (b"\xab", "ab"),
        (b"\xab\xcd", "ad"),
        (b"\x30\xab", "3b"),
        (b"\x30\x31\xab\xcd", "3d"),
        (b"\x30\xab\xcd\x31", "01"),
    ],
)
def test_the_protocol_shows_its_ends(protocol: bytes, shown: str) -> None:
    assert ja4(build.alpn(protocol))[8:10] == shown


def test_equal_numbers_in_other_lists_have_other_hashes() -> None:
    """Extensions with signature algorithms, and the same numbers as ciphers or as extensions alone."""
    signed = ja4((0x0403, b""), build.signature_algorithms(0x0804), ciphers=(0x000D, 0x0403, 0x0804)).split("_")
    alone = ja4((0x0403, b""), (0x0804, b""), (0x000D, b"\0\0"), ciphers=(0x1301,)).split("_")
    assert len({signed[1], signed[2], alone[1]}) == 3
    assert signed[2] not in alone
    assert ja4((0x0403, b""), build.signature_algorithms(0x0804)).split("_")[2] == signed[2]


def test_counts_stop_at_99() -> None:
    many = tuple(number for number in range(1, 150))
    assert ja4(*((number + 100, b"") for number in many), ciphers=many)[:8] == "t12i9999"
