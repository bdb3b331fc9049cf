"""Rdata in presentation format, held against the zone files that dnspython reads and against dnspython's own text."""

import dns.name
import dns.rdata
import pytest
from dns_messages import PACKET, parsed, response
from hypothesis import given
from hypothesis import strategies as st

from monitor.model import DNS, DnsMessage, DnsRecord
from monitor.wire.dns.rdata import rdata_text


def opaque(type: int, rdata: bytes) -> str:
    """The text of rdata that nothing precedes but a name to point to."""
    data = b"\7example\3com\0" + rdata
    message = DnsMessage(PACKET, data, 0, len(data), DNS, False)
    return rdata_text(message, DnsRecord(b"x", type, 1, 0, len(data) - len(rdata), len(data)))


def from_zone(type: str, text: str) -> str:
    """The text of what dnspython makes of a zone file's."""
    rdata = dns.rdata.from_text("IN", type, text, dns.name.root, relativize=False)
    return opaque(rdata.rdtype, rdata.to_wire())


KEY = "AwEAAaz/tAm8yTn4Mfeh5eyI96WSVexTBAvkMgJzkKTOiW1vkIbzxeF3"


@pytest.mark.parametrize(
    ("type", "text"),
    [
        ("A", "192.0.2.1"),
        ("AAAA", "2001:db8::1"),
        ("AAAA", "::"),
        ("AAAA", "::1"),
        ("AAAA", "1::"),
        ("AAAA", "1:0:0:2::3"),
        ("AAAA", "2001:db8:0:1:1:1:1:1"),
        ("AAAA", "::ffff:192.0.2.1"),
        ("NS", "ns.example.com"),
        ("CNAME", "e1.cdn.example.net"),
        ("DNAME", "example.net"),
        ("PTR", "."),
        ("SOA", "ns.example hostmaster.example 2024010101 7200 3600 1209600 300"),
        ("WKS", "192.0.2.1 6 21 25 80"),
        ("HINFO", '"PC" "Linux \\"6\\""'),
        ("MX", "10 mail.example.com"),
        ("MX", "0 ."),
        ("TXT", '"v=spf1 -all"'),
        ("TXT", '"one" "two; \\\\ \\" \\007\\200" ""'),
        ("RP", "a.example b.example"),
        ("AFSDB", "1 afs.example"),
        ("X25", '"311061700956"'),
        ("ISDN", '"150862028003217" "004"'),
        ("RT", "10 relay.example"),
        ("PX", "10 a.example b.example"),
        ("SRV", "0 5 443 host.example.com"),
        ("NAPTR", '100 50 "s" "http+I2L+I2C+I2R" "" _http._tcp.gatech.edu'),
        ("KX", "1 kx.example"),
        ("CERT", f"1 0 5 {KEY}"),
        ("APL", "1:192.168.32.0/21 !1:192.168.38.0/28 2:2001:db8::/32"),
        ("DS", "60485 5 1 2bb183af5f22588179a53b0a98631fad1a292118"),
        ("SSHFP", "2 1 123456789abcdef67890123456789abcdef67890"),
        ("RRSIG", f"A 5 3 86400 20300322173103 20240229173103 2642 example.com {KEY}"),
        ("NSEC", "host.example.com A MX RRSIG NSEC TYPE1234"),
        ("NSEC", "host.example.com A CAA"),
        ("DNSKEY", f"256 3 8 {KEY}"),
        ("DHCID", KEY),
        ("NSEC3", "1 1 12 aabbccdd 2t7b4g4vsa5smi47k61mv5bv1a22bojr MX DNSKEY NS SOA NSEC3PARAM RRSIG"),
        ("NSEC3", "1 0 0 - 2t7b4g4vsa5smi47k61mv5bv1a22bojr"),
        ("NSEC3PARAM", "1 0 0 -"),
        ("NSEC3PARAM", "1 0 12 aabbccdd"),
        ("TLSA", "3 1 1 d2abde240d7cd3ee6b4b28c54df034b97983a1d16e8a410e4561cb106618e971"),
        ("SMIMEA", "3 0 0 d2abde24"),
        ("CDS", "60485 5 1 2bb183af5f22588179a53b0a98631fad1a292118"),
        ("CDNSKEY", f"257 3 8 {KEY}"),
        ("OPENPGPKEY", KEY),
        ("CSYNC", "66 3 A NS AAAA"),
        ("ZONEMD", f"2018031500 1 1 {'ab' * 48}"),
        ("SPF", '"v=spf1 -all"'),
        ("NID", "10 0014:4fff:ff20:ee64"),
        ("L32", "10 10.1.2.0"),
        ("L64", "10 2001:0db8:1140:1000"),
        ("LP", "10 l64.example.com"),
        ("EUI48", "00-00-5e-00-53-2a"),
        ("EUI64", "00-00-5e-ef-10-00-00-2a"),
        ("URI", '10 1 "ftp://ftp.example/public"'),
        ("CAA", '0 issue "letsencrypt.org"'),
        ("AVC", '"app-name:WOLFGANG|app-class:OAM"'),
        ("TYPE65280", "\\# 3 0a0b0c"),
        ("TYPE65280", "\\# 0"),
    ],
)
def test_what_a_zone_file_says_comes_back(type: str, text: str) -> None:
    """The same text, with the types of a bitmap in the order of the wire."""
    words = from_zone(type, text).split(" ")
    assert words == text.split(" ") or sorted(words) == sorted(text.split(" "))


def test_types_of_a_bitmap_are_in_order() -> None:
    assert from_zone("NSEC", "a.example MX A CAA NS") == "a.example A NS MX CAA"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "19700101000000"),
        (951782400, "20000229000000"),
        (4102444799, "20991231235959"),
        (2**32 - 1, "21060207062815"),
    ],
)
def test_times_of_signatures(seconds: int, text: str) -> None:
    rdata = bytes.fromhex("0001 05 03 00000001") + seconds.to_bytes(4, "big") * 2 + b"\0\1\0key!"
    assert opaque(46, rdata) == f"A 5 3 1 {text} {text} 1 . a2V5IQ=="


def test_names_are_written_as_everywhere() -> None:
    assert opaque(15, b"\0\x0a\4MaIl\xc0\x00") == "10 mail.example.com"
    assert opaque(14, b"\1a\0\1B\xc0\x08") == "a b.com"
    assert opaque(12, b"\x08apple tv\5_raop\xc0\x08") == "apple\\032tv._raop.com"


def test_compressed_names_of_a_whole_message() -> None:
    answer = response("example.com", "SOA", ("example.com.", 60, "SOA", "NS.example.com. root.example.com. 1 2 3 4 5"))
    message = parsed(answer.to_wire())
    assert rdata_text(message, message.answers[0]) == "ns.example.com root.example.com 1 2 3 4 5"


@pytest.mark.parametrize(
    ("type", "rdata"),
    [
        (1, b"\1\2\3"),
        (1, b"\1\2\3\4\5"),
        (28, bytes(15)),
        (5, b""),
        (5, b"\xc0\xff"),
        (5, b"\1a\0\0"),
        (6, b"\0\0" + bytes(19)),
        (15, b"\0"),
        (16, b""),
        (16, b"\5abc"),
        (33, b"\0\0\0\0\0\0"),
        (47, b"\0\0\0"),
        (47, b"\0\1\1\x80\0\1\x80"),
        (47, b"\0\0\x21" + bytes(33)),
        (42, b"\0\3\x18\1\1"),
        (42, b"\0\1\x18\5" + bytes(5)),
        (11, b"\1\2\3\4"),
        (65, b"\0\1\0\0\4\0\2\1"),
        (257, b"\0\5ab"),
        (10, b"anything"),
        (250, b"\0" * 20),
    ],
)
def test_what_does_not_fit_its_type_is_written_as_unknown(type: int, rdata: bytes) -> None:
    expected = f"\\# {len(rdata)} {rdata.hex()}" if rdata else "\\# 0"
    assert opaque(type, rdata) == expected


@given(st.one_of(st.integers(0, 300), st.sampled_from([32768, 32769, 65535])), st.binary(max_size=100))
def test_any_bytes_have_a_text(type: int, rdata: bytes) -> None:
    text = opaque(type, rdata)
    assert text.isascii()
    assert text.isprintable()


@given(st.lists(st.binary(max_size=255), min_size=1, max_size=4))
def test_strings_mean_the_same_to_dnspython(strings: list[bytes]) -> None:
    text = opaque(16, b"".join(bytes((len(string),)) + string for string in strings))
    back = dns.rdata.from_text("IN", "TXT", text)
    assert list(back.strings) == strings


@given(st.binary(min_size=16, max_size=16), st.integers(0, 15), st.integers(0, 16))
def test_ipv6_addresses_mean_the_same_to_dnspython(address: bytes, start: int, end: int) -> None:
    """Runs of zeros anywhere: the shortest text of RFC 5952, which dnspython writes too."""
    zeroed = address[:start] + bytes(max(end - start, 0)) + address[max(start, end) :]
    rdata = dns.rdata.from_wire("IN", "AAAA", zeroed, 0, 16)
    text = opaque(28, zeroed)
    assert dns.rdata.from_text("IN", "AAAA", text) == rdata
    assert text == rdata.to_text() or zeroed.startswith(bytes(12))
