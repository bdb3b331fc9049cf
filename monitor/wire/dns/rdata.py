"""Formats rdata in presentation format: one layout string per type, one interpreter for all of them.

Names are in gatewatch's form: lower case, no trailing dot, `\\DDD` escapes. Rdata that does not fit its layout, and
every type without one, is written in the form of RFC 3597 section 5, which fits any bytes.
"""

from base64 import b32hexencode
from binascii import b2a_base64
from typing import Final, final

from monitor.model import DnsMessage, DnsRecord
from monitor.wire.dns.codes import type_name
from monitor.wire.dns.names import read_name, skip_name
from monitor.wire.dns.presentation import address_text, bitmap_text, generic_text, string_text, time_text
from monitor.wire.dns.svcb import svcb_params_text
from monitor.wire.integers import four, two

# One letter per field, in wire order:
#   1 2 4  unsigned integer of that many bytes         n  name
#   a A    IPv4, IPv6 address                         t  type mnemonic
#   d      time                                       s  character string in quotes
#   c      character string, bare                     x  hex after its length byte, `-` when empty
#   o      base32hex after its length byte
# and for the rest of the rdata:
#   S  character strings     q  one quoted string     h  hex     b  base64     w  type bitmap
#   p  SvcParams             g  address prefixes (APL)    e  hyphenated hex
#   l  groups of two bytes   k  protocol and ports (WKS)
_LAYOUTS: Final[dict[int, str]] = {
    1: "a",  # A, RFC 1035 section 3.4.1
    2: "n",  # NS, section 3.3.11; so CNAME, PTR, MD, MF, MB, MG, MR
    3: "n",
    4: "n",
    5: "n",
    6: "nn44444",  # SOA, section 3.3.13
    7: "n",
    8: "n",
    9: "n",
    11: "ak",  # WKS, section 3.4.2
    12: "n",
    13: "ss",  # HINFO, section 3.3.2
    14: "nn",  # MINFO, section 3.3.7
    15: "2n",  # MX, section 3.3.9
    16: "S",  # TXT, section 3.3.14
    17: "nn",  # RP, RFC 1183
    18: "2n",  # AFSDB
    19: "s",  # X25
    20: "S",  # ISDN
    21: "2n",  # RT
    24: "t114dd2nb",  # SIG, RFC 2535
    25: "211b",  # KEY
    26: "2nn",  # PX, RFC 2163
    27: "sss",  # GPOS, RFC 1712
    28: "A",  # AAAA, RFC 3596
    33: "222n",  # SRV, RFC 2782
    35: "22sssn",  # NAPTR, RFC 3403
    36: "2n",  # KX, RFC 2230
    37: "221b",  # CERT, RFC 4398
    39: "n",  # DNAME, RFC 6672
    42: "g",  # APL, RFC 3123
    43: "211h",  # DS, RFC 4034 section 5
    44: "11h",  # SSHFP, RFC 4255
    46: "t114dd2nb",  # RRSIG, RFC 4034 section 3
    47: "nw",  # NSEC, section 4
    48: "211b",  # DNSKEY, section 2
    49: "b",  # DHCID, RFC 4701
    50: "112xow",  # NSEC3, RFC 5155 section 3
    51: "112x",  # NSEC3PARAM, section 4
    52: "111h",  # TLSA, RFC 6698
    53: "111h",  # SMIMEA, RFC 8162
    56: "S",  # NINFO
    59: "211h",  # CDS, RFC 7344
    60: "211b",  # CDNSKEY
    61: "b",  # OPENPGPKEY, RFC 7929
    62: "42w",  # CSYNC, RFC 7477
    63: "411h",  # ZONEMD, RFC 8976
    64: "2np",  # SVCB, RFC 9460
    65: "2np",  # HTTPS
    99: "S",  # SPF, RFC 7208
    104: "2l",  # NID, RFC 6742
    105: "2a",  # L32
    106: "2l",  # L64
    107: "2n",  # LP
    108: "e",  # EUI48, RFC 7043
    109: "e",  # EUI64
    256: "22q",  # URI, RFC 7553
    257: "1cq",  # CAA, RFC 8659
    258: "S",  # AVC
    261: "S",  # RESINFO, RFC 9606
    32768: "211h",  # TA
    32769: "211h",  # DLV, RFC 4431
}

_SIZES: Final[dict[str, int]] = {"1": 1, "2": 2, "4": 4, "a": 4, "A": 16, "t": 2, "d": 4}


def rdata_text(message: DnsMessage, record: DnsRecord) -> str:
    """Returns the record's rdata in presentation format, by RFC 3597 if its type or bytes do not allow another."""
    layout = _LAYOUTS.get(record.type)
    if layout is not None:
        text = _Fields(message, record).text(layout)
        if text is not None:
            return text
    return generic_text(message.data[record.start : record.end])


@final
class _Fields:
    """Reads one record's rdata from left to right; `at` never exceeds `end`."""

    __slots__ = ("at", "base", "data", "end")

    def __init__(self, message: DnsMessage, record: DnsRecord) -> None:
        self.data = message.data
        self.base = message.start
        self.at = record.start
        self.end = record.end

    def text(self, layout: str) -> str | None:
        """Returns the fields separated by blanks, None if the rdata is not exactly these fields."""
        texts: list[str] = []
        for letter in layout:
            text = self._field(letter)
            if text is None:
                return None
            if text:
                texts.append(text)
        return " ".join(texts) if self.at == self.end else None

    def _field(self, letter: str) -> str | None:
        size = _SIZES.get(letter, 0)
        if size:
            return _fixed_text(letter, self._take(size)) if self.at + size <= self.end else None
        if letter == "n":
            return self._name()
        if letter in "scxo":
            if self.at >= self.end or self.at + 1 + self.data[self.at] > self.end:
                return None
            return _counted_text(letter, self._take(1 + self.data[self.at])[1:])
        return _rest_text(letter, self._take(self.end - self.at))

    def _take(self, size: int) -> bytes:
        self.at += size
        return self.data[self.at - size : self.at]

    def _name(self) -> str | None:
        name = read_name(self.data, self.at, self.base, self.end)
        if not name:
            return None
        self.at = skip_name(self.data, self.at, self.end)
        return name.decode("ascii")


def _fixed_text(letter: str, value: bytes) -> str:
    if letter in "aA":
        return address_text(value)
    if letter == "t":
        return type_name(two(value, 0))
    if letter == "d":
        return time_text(four(value, 0))
    return str(int.from_bytes(value, "big"))


def _counted_text(letter: str, value: bytes) -> str:
    if letter == "s":
        return f'"{string_text(value)}"'
    if letter == "c":
        return string_text(value)
    if letter == "x":
        return value.hex() or "-"
    return b32hexencode(value).decode("ascii").rstrip("=").lower()


def _rest_text(letter: str, value: bytes) -> str | None:
    if letter == "S":
        return _strings_text(value)
    if letter == "q":
        return f'"{string_text(value)}"'
    if letter == "h":
        return value.hex()
    if letter == "b":
        return b2a_base64(value, newline=False).decode("ascii")
    if letter == "w":
        return bitmap_text(value)
    if letter == "e":
        return value.hex("-")
    if letter == "l":
        return value.hex(":", 2)
    if letter == "k":
        return _ports_text(value)
    if letter == "g":
        return _prefixes_text(value)
    texts = svcb_params_text(value, 0, len(value))
    return None if texts is None else " ".join(texts)


def _strings_text(value: bytes) -> str | None:
    """One or more character strings (RFC 1035 section 3.3.14)."""
    texts: list[str] = []
    at = 0
    while at < len(value):
        behind = at + 1 + value[at]
        if behind > len(value):
            return None
        texts.append(f'"{string_text(value[at + 1 : behind])}"')
        at = behind
    return " ".join(texts) if texts else None


def _ports_text(value: bytes) -> str | None:
    """Protocol number, then the ports whose bits are set (RFC 1035 section 3.4.2)."""
    if not value:
        return None
    texts = [str(value[0])]
    for index in range(1, len(value)):
        for bit in range(8):
            if value[index] & 0x80 >> bit:
                texts.append(str((index - 1) * 8 + bit))
    return " ".join(texts)


def _prefixes_text(value: bytes) -> str | None:
    """Items `[!]family:address/prefix` (RFC 3123 section 5)."""
    texts: list[str] = []
    at = 0
    while at < len(value):
        if at + 4 > len(value):
            return None
        family = two(value, at)
        size = 4 if family == 1 else 16 if family == 2 else 0
        length = value[at + 3] & 0x7F
        behind = at + 4 + length
        if size == 0 or length > size or behind > len(value):
            return None
        address = value[at + 4 : behind] + bytes(size - length)
        negation = "!" if value[at + 3] & 0x80 else ""
        texts.append(f"{negation}{family}:{address_text(address)}/{value[at + 2]}")
        at = behind
    return " ".join(texts)
