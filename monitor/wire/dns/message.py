"""Parses DNS, mDNS and LLMNR messages (RFC 1035 section 4, RFC 6762 section 18, RFC 4795 section 2.1).

It makes one pass from the header to the last record. A message whose first question can be read is an observation; a
fault after it is counted, and the answers before the fault are kept. A message whose first question cannot be read is
only counted, because its subject is unknown. Rdata stays bytes (`rdata.py`, `addresses.py`).
"""

from typing import Final

from monitor.errors import ErrorCounts
from monitor.model import MDNS, DnsMessage, DnsRecord, Packet
from monitor.wire.dns.names import MALFORMED, TOO_SHORT, read_name, skip_name
from monitor.wire.integers import four, two

HEADER: Final = 12
RECORD: Final = 10
ADDITIONALS_MAX: Final = 64

FLAG_TRUNCATED: Final = 0x0200
OPCODE_MASK: Final = 0x7800
OPCODE_QUERY: Final = 0x0000
OPCODE_UPDATE: Final = 0x2800

TYPE_OPT: Final = 41
# A pointer to the byte after the header, the first question's name.
POINTER_TO_QUESTION: Final = 0xC00C
# RFC 6762 sections 5.4 and 10.2: the top bit of the class means QU in a question and cache-flush in a record.
MDNS_CLASS_MASK: Final = 0x7FFF


def parse_message(
    packet: Packet, data: bytes, start: int, end: int, service: int, tcp: bool, errors: ErrorCounts
) -> DnsMessage | None:
    """Returns the message in `data[start:end]` (without TCP's length), None without a readable header and question.

    `service` is DNS, MDNS or LLMNR. Never raises.
    """
    if end - start < HEADER:
        errors.add("dns", "too_short")
        return None
    message = DnsMessage(packet, data, start, end, service, tcp)
    message.id = two(data, start)
    message.flags = two(data, start + 2)
    message.rcode = message.flags & 15
    message.questions = two(data, start + 4)
    at = start + HEADER
    if message.questions:
        at = _read_question(message, at)
        if at < 0:
            _complain(errors, at)
            return None
    at = _read_sections(message, at)
    # RFC 2181 section 9: a truncated message may end anywhere, and its receiver must ignore the rest.
    if at < 0 and not message.flags & FLAG_TRUNCATED:
        _complain(errors, at)
    if at < 0 and not message.questions and packet.payload <= end - start:
        return None
    return message


def additional_records(message: DnsMessage) -> list[DnsRecord]:
    """Returns the readable records of the additional section. They are not stored, because few callers need them."""
    data = message.data
    start = message.start
    at = _skip_questions(message, start + HEADER, message.questions)
    before = two(data, start + 6) + two(data, start + 8)
    at = _skip_records(message, at, before) if at >= 0 else at
    records: list[DnsRecord] = []
    for _ in range(min(two(data, start + 10), ADDITIONALS_MAX)):
        behind = _skip_records(message, at, 1) if at >= 0 else at
        if behind < 0:
            break
        name = read_name(data, at, start, message.end)
        head = skip_name(data, at, message.end)
        klass = two(data, head + 2) & (MDNS_CLASS_MASK if message.service == MDNS else 0xFFFF)
        records.append(DnsRecord(name, two(data, head), klass, four(data, head + 4), head + RECORD, behind))
        at = behind
    return records


def _complain(errors: ErrorCounts, trouble: int) -> None:
    errors.add("dns", "too_short" if trouble == TOO_SHORT else "malformed")


def _read_question(message: DnsMessage, at: int) -> int:
    """Reads name, type and class of the first question; returns the offset after it or the fault."""
    data = message.data
    behind = skip_name(data, at, message.end)
    if behind < 0:
        return behind
    if behind + 4 > message.end:
        return TOO_SHORT
    message.name = read_name(data, at, message.start, message.end)
    if not message.name:
        return MALFORMED
    message.type = two(data, behind)
    message.klass = two(data, behind + 2)
    if message.service == MDNS:
        message.klass &= MDNS_CLASS_MASK
    return behind + 4


def _read_sections(message: DnsMessage, at: int) -> int:
    """Reads the content after the first question; returns the offset after the last record or the fault."""
    data = message.data
    start = message.start
    at = _skip_questions(message, at, message.questions - 1)
    if at < 0:
        return at
    answers = two(data, start + 6)
    authorities = two(data, start + 8)
    additionals = two(data, start + 10)
    # RFC 2136 section 2: an update carries prerequisites where others carry answers.
    if message.flags & OPCODE_MASK == OPCODE_UPDATE:
        authorities += answers
    elif answers:
        at = _read_answers(message, at, answers)
        if at < 0:
            return at
    if authorities:
        at = _skip_records(message, at, authorities)
        if at < 0:
            return at
    return _read_additionals(message, at, additionals) if additionals else at


def _skip_questions(message: DnsMessage, at: int, count: int) -> int:
    while count > 0:
        at = skip_name(message.data, at, message.end)
        if at < 0:
            return at
        at += 4
        if at > message.end:
            return TOO_SHORT
        count -= 1
    return at


def _read_answers(message: DnsMessage, at: int, count: int) -> int:
    """Appends the records of the answer section; returns the offset after them or the fault.

    Owners are nearly always a pointer to the question or the pointer of the previous record: such a name is reused, not
    read again.
    """
    data = message.data
    end = message.end
    mask = MDNS_CLASS_MASK if message.service == MDNS else 0xFFFF
    pointer = POINTER_TO_QUESTION if message.questions else 0
    name = message.name
    while count > 0:
        behind = skip_name(data, at, end)
        if behind < 0:
            return behind
        rdata = behind + RECORD
        if rdata > end:
            return TOO_SHORT
        here = two(data, at)
        if here != pointer or pointer == 0:
            name = read_name(data, at, message.start, end)
            if not name:
                return MALFORMED
            pointer = here if here >= 0xC000 else 0
        at = rdata + two(data, behind + 8)
        if at > end:
            return TOO_SHORT
        ttl = four(data, behind + 4)
        klass = two(data, behind + 2) & mask
        message.answers.append(DnsRecord(name, two(data, behind), klass, ttl, rdata, at))
        count -= 1
    return at


def _skip_records(message: DnsMessage, at: int, count: int) -> int:
    data = message.data
    while count > 0:
        at = skip_name(data, at, message.end)
        if at < 0:
            return at
        if at + RECORD > message.end:
            return TOO_SHORT
        at += RECORD + two(data, at + 8)
        if at > message.end:
            return TOO_SHORT
        count -= 1
    return at


def _read_additionals(message: DnsMessage, at: int, count: int) -> int:
    """Skips the additional section and reads EDNS from it (RFC 6891 section 6.1: an OPT record owned by the root)."""
    data = message.data
    while count > 0:
        behind = _skip_records(message, at, 1)
        if behind < 0:
            return behind
        if data[at] == 0 and two(data, at + 1) == TYPE_OPT and not message.edns:
            message.edns = True
            message.rcode |= data[at + 5] << 4
        at = behind
        count -= 1
    return at
