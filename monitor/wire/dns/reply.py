"""Builds the sinkhole's own answers: the query's bytes and a prepared template.

The question is copied with the client's letter case (draft-vixie-dnsext-dns0x20), so a template has only the records
after it, with owners that point to the question.
"""

from typing import Final, final

from mypy_extensions import mypyc_attr

from monitor.wire.dns.message import HEADER
from monitor.wire.dns.query import BADVERS, Query

# RFC 8914 section 4: Blocked, No Reachable Authority, Network Error.
EDE_OPTION: Final = 15
EDE_BLOCKED: Final = 15
EDE_UNREACHABLE: Final = 22
EDE_NETWORK: Final = 23
EDE_TEXT_MAX: Final = 96

# OPT owned by the root with a payload size that every client can receive (DNS flag day 2020).
_OPT_HEAD: Final = b"\x00\x00\x29\x04\xd0"


@mypyc_attr(acyclic=True)
@final
class Template:
    """The content after the question: `answers` and then `authorities` records, and the RCODE of the header."""

    __slots__ = ("answers", "authorities", "rcode", "records")

    def __init__(self, rcode: int, answers: int, authorities: int, records: bytes) -> None:
        self.rcode = rcode
        self.answers = answers
        self.authorities = authorities
        self.records = records


def make_answer(query: Query, template: Template, options: bytes) -> bytes:
    """Returns the answer; `options` are EDNS options, included only for a client that uses EDNS (RFC 6891 section
    6.1.1).
    """
    data = query.data
    rcode = template.rcode
    opt = b""
    if query.edns:
        extended = rcode >> 4
        ttl = bytes((extended, 0, 0x80 if query.dnssec else 0, 0, len(options) >> 8, len(options) & 255))
        opt = _OPT_HEAD + ttl + options
    head = bytes((
        data[0], data[1],
        0x80 | (data[2] & 0x79),  # QR; opcode and RD of the query
        0x80 | (data[3] & 0x10) | (rcode & 15),  # RA; CD of the query (RFC 4035 section 3.2.2)
        0, 1 if query.behind > HEADER else 0, 0, template.answers, 0, template.authorities, 0, 1 if query.edns else 0,
    ))  # fmt: skip
    return head + data[HEADER : query.behind] + template.records + opt


def make_error(query: Query, rcode: int, options: bytes = b"") -> bytes:
    """Returns an answer with only its RCODE; BADVERS requires EDNS."""
    assert rcode < BADVERS or query.edns
    return make_answer(query, Template(rcode, 0, 0, b""), options)


def error_option(code: int, text: bytes = b"") -> bytes:
    """Returns the Extended DNS Error option (RFC 8914 section 2); `text` is UTF-8 for diagnostics, truncated."""
    if len(text) > EDE_TEXT_MAX:
        text = text[:EDE_TEXT_MAX].decode("utf-8", "ignore").encode()
    size = 2 + len(text)
    return bytes((0, EDE_OPTION, 0, size, code >> 8, code & 255)) + text


def with_id(data: bytes, source: bytes) -> bytes:
    """Returns the message with the id of another."""
    return source[0:2] + data[2:]
