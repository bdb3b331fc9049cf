"""Parses DNS queries for the sinkhole: strictly, because other parsers will read a forwarded query.

A query has one question, its name without pointers (no earlier name exists to point to), and records up to its last
byte or padding after them. A fault is returned as the RCODE for the answer.
"""

from typing import Final, final

from mypy_extensions import mypyc_attr

from monitor.wire.dns.message import HEADER, RECORD, TYPE_OPT
from monitor.wire.dns.names import LABEL_MAX, WIRE_MAX, read_name, skip_name

NOERROR: Final = 0
FORMERR: Final = 1
SERVFAIL: Final = 2
NXDOMAIN: Final = 3
NOTIMP: Final = 4
REFUSED: Final = 5
BADVERS: Final = 16

QUERY: Final = 0
NOTIFY: Final = 4
UPDATE: Final = 5

TYPE_IXFR: Final = 251
TYPE_AXFR: Final = 252
TYPE_ANY: Final = 255

FLAG_RESPONSE: Final = 0x80


@mypyc_attr(acyclic=True)
@final
class Query:
    """One query: `data` are all its bytes, the question ends at `behind` (12 if it cannot be read).

    `trouble` is the RCODE to answer with, 0 for a valid query. `edns` is true if there is an OPT record (RFC 6891),
    `dnssec` if its DO bit is set (RFC 3225), `version` is its EDNS version.
    """

    __slots__ = ("behind", "data", "dnssec", "edns", "klass", "name", "opcode", "trouble", "type", "version")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.opcode = data[2] >> 3 & 15
        self.behind = HEADER
        self.name = b""
        self.type = 0
        self.klass = 0
        self.trouble = NOERROR
        self.edns = False
        self.dnssec = False
        self.version = 0


def read_query(data: bytes) -> Query | None:
    """Returns the query in `data`, None if it must not be answered: no header, or a response."""
    if len(data) < HEADER or data[2] & FLAG_RESPONSE:
        return None
    query = Query(data)
    if query.opcode not in (QUERY, NOTIFY, UPDATE):
        query.trouble = NOTIMP
    elif data[4] or data[5] != 1 or not _read_question(query) or not _read_records(query):
        query.trouble = FORMERR
    return query


def _read_question(query: Query) -> bool:
    data = query.data
    size = len(data)
    at = HEADER
    while at < size and 0 < data[at] <= LABEL_MAX:
        at += data[at] + 1
    if at + 5 > size or data[at] or at - HEADER >= WIRE_MAX:
        return False
    query.name = read_name(data, HEADER, 0, size)
    query.type = data[at + 1] << 8 | data[at + 2]
    query.klass = data[at + 3] << 8 | data[at + 4]
    query.behind = at + 5
    return True


def _read_records(query: Query) -> bool:
    """Reads every record after the question, and EDNS from them; returns false if they are invalid."""
    data = query.data
    before = (data[6] << 8 | data[7]) + (data[8] << 8 | data[9])
    count = before + (data[10] << 8 | data[11])
    at = query.behind
    for number in range(count):
        start = at
        at = skip_name(data, at, len(data))
        if at < 0 or at + RECORD > len(data):
            return False
        if data[at] == 0 and data[at + 1] == TYPE_OPT:
            # RFC 6891 section 6.1.1: one, in the additional section, owned by the root.
            if query.edns or number < before or data[start]:
                return False
            query.edns = True
            query.version = data[at + 5]
            query.dnssec = data[at + 6] & 0x80 != 0
        at += RECORD + (data[at + 8] << 8 | data[at + 9])
        if at > len(data):
            return False
    return True


def is_answer(query: Query, data: bytes) -> bool:
    """Whether `data` can be the answer to the sent query, apart from the id.

    The question must be repeated, with letters of either case (some servers fold them). It may be missing if the server
    did not understand it, in the later messages of a transfer (RFC 5936 section 2.2.1) and in answers to updates (RFC
    2136 section 3.8).
    """
    if len(data) < HEADER or not data[2] & FLAG_RESPONSE or data[2] >> 3 & 15 != query.opcode:
        return False
    if data[4] == 0 and data[5] == 0:
        return data[3] & 15 != NOERROR or query.opcode != QUERY or query.type in (TYPE_AXFR, TYPE_IXFR)
    if data[4] or data[5] != 1 or len(data) < query.behind:
        return False
    asked = query.data[HEADER : query.behind]
    given = data[HEADER : query.behind]
    return asked == given or (asked[-4:] == given[-4:] and asked.lower() == given.lower())
