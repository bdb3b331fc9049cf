"""Decides whether bytes on a port other than DNS's are DNS, and whether bytes on a port of DNS are.

The check on other ports is strict: a resolver there is worth reporting, but other protocols must never give a message.
It demands the properties of every ordinary query and its answer (RFC 1035 section 4.1), which random bytes hardly ever
have.

On a port of DNS every message is read, malformed ones too: the check there only rejects what cannot be a message.
"""

from typing import Final

from monitor.wire.dns.codes import is_assigned_type
from monitor.wire.dns.message import FLAG_TRUNCATED, HEADER, OPCODE_MASK, RECORD
from monitor.wire.dns.names import LABEL_MAX, MALFORMED, skip_name
from monitor.wire.integers import two

# The method of a `Tunnel` for payloads on a port of DNS that are neither DNS nor a known protocol.
UNREAD: Final = ""

_RESPONSE: Final = 0x8000
# RFC 1035 section 4.1.1, RFC 2535 section 6.1: one of the three reserved bits is still reserved.
_RESERVED: Final = 0x0040
_RCODE_MAX: Final = 11
_OPCODE_MAX: Final = 6 << 11
_QUESTIONS_MAX: Final = 16
_RECORDS_MAX: Final = 1024
# A question has a name of at least one octet, a record has one before its ten octets of header.
_QUESTION_MIN: Final = 5
_RECORD_MIN: Final = 1 + RECORD
# An SOA in a request for changes (RFC 1995 section 3); OPT, TSIG, SIG(0) and one more after a request.
_REQUEST_AUTHORITIES_MAX: Final = 1
_REQUEST_ADDITIONALS_MAX: Final = 4
# IN, CH, HS, NONE, ANY.
_CLASSES: Final = (1, 3, 4, 254, 255)


def has_dns_header(data: bytes, start: int) -> bool:
    """Whether the 12 bytes at `start` can be the header of a message on DNS's own port: a permissive check.

    A request has no rcode, and one with the standard opcode no answers.
    """
    flags = two(data, start + 2)
    opcode = flags & OPCODE_MASK
    if opcode > _OPCODE_MAX or flags & 15 > _RCODE_MAX or flags & _RESERVED or two(data, start + 4) > _QUESTIONS_MAX:
        return False
    return bool(flags & _RESPONSE) or (flags & 15 == 0 and (opcode > 0 or two(data, start + 6) == 0))


def may_be_dns(data: bytes, start: int, end: int, size: int, multicast: bool) -> bool:
    """Whether `data[start:end]`, at least 12 bytes and `size` on the wire, can be a message on a port of DNS.

    The message must have room for the records that the header counts, unless it is truncated. A request has a question
    (or a cookie, RFC 7873 section 5.4); it has no rcode and no answers, except over multicast (RFC 6762 sections 7.1
    and 8.2): known answers and the records that a host claims. Any other request must fit to its last byte.
    """
    flags = two(data, start + 2)
    opcode = flags & OPCODE_MASK
    questions = two(data, start + 4)
    answers = two(data, start + 6)
    authorities = two(data, start + 8)
    additionals = two(data, start + 10)
    records = answers + authorities + additionals
    if opcode > _OPCODE_MAX:
        return False
    if flags & FLAG_TRUNCATED:
        if questions > _QUESTIONS_MAX or records > _RECORDS_MAX:
            return False
    elif HEADER + questions * _QUESTION_MIN + records * _RECORD_MIN > size:
        return False
    if flags & _RESPONSE:
        # An error may come without the question that it answers; so do answers over multicast.
        return questions > 0 or size == HEADER or end - start < size or _fits(data, start, end, 0, records)
    if questions == 0 and records == 0:
        return size == HEADER and flags > 0
    if opcode > 0 or multicast:
        return True
    usual = flags & 15 == 0 and answers == 0 and authorities <= _REQUEST_AUTHORITIES_MAX
    return (usual and additionals <= _REQUEST_ADDITIONALS_MAX) or _fits(data, start, end, questions, records)


def _fits(data: bytes, start: int, end: int, questions: int, records: int) -> bool:
    """Whether the questions and records that the header counts end at the end of the message."""
    at = start + HEADER
    for _ in range(questions):
        at = skip_name(data, at, end)
        if at < 0 or at + _QUESTION_MIN - 1 > end:
            return False
        at += _QUESTION_MIN - 1
    for _ in range(records):
        at = skip_name(data, at, end)
        if at < 0 or at + RECORD > end:
            return False
        at += RECORD + two(data, at + 8)
    return at == end


def looks_like_dns(data: bytes, start: int, end: int) -> bool:
    """Whether `data[start:end]` is a standard query or an answer to one: one question, and valid content after it.

    Records may be missing at the end, because captures truncate packets.
    """
    if end - start < HEADER + 5:
        return False
    flags = two(data, start + 2)
    if flags & (OPCODE_MASK | _RESERVED) or flags & 15 > _RCODE_MAX or two(data, start + 4) != 1:
        return False
    at = _skip_plain_question(data, start + HEADER, end)
    if at < 0:
        return False
    records = two(data, start + 6) + two(data, start + 8)
    additionals = two(data, start + 10)
    if not flags & _RESPONSE:
        # A query has no answers, and only records about the message itself (OPT, TSIG, SIG(0)).
        return records == 0 and flags & 15 == 0 and additionals <= 2
    return records + additionals <= _RECORDS_MAX and _may_have_records(data, at, end, records + additionals)


def _skip_plain_question(data: bytes, at: int, end: int) -> int:
    """Returns the offset after a question whose name has no pointer and no control bytes, -1 if there is none."""
    behind = skip_name(data, at, end)
    if behind < 0 or behind + 4 > end or data[behind - 1] != 0:
        return -1
    while data[at]:
        if data[at] > LABEL_MAX or not _is_plain(data, at + 1, at + 1 + data[at]):
            return -1
        at += data[at] + 1
    if not is_assigned_type(two(data, behind)) or two(data, behind + 2) not in _CLASSES:
        return -1
    return behind + 4


def _is_plain(data: bytes, at: int, end: int) -> bool:
    while at < end:
        if not 0x20 < data[at] < 0x7F:
            return False
        at += 1
    return True


def _may_have_records(data: bytes, at: int, end: int, count: int) -> bool:
    while count > 0:
        at = skip_name(data, at, end)
        if at < 0 or at + RECORD > end:
            return at != MALFORMED
        at += RECORD + two(data, at + 8)
        if at > end:
            return True
        count -= 1
    return True
