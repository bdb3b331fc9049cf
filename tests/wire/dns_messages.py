"""DNS messages that dnspython builds, and what gatewatch makes of their bytes."""

import dns.message
import dns.rrset

from monitor.errors import ErrorCounts
from monitor.model import DNS, DnsMessage, Packet
from monitor.wire.dns.message import parse_message

PACKET = Packet(0.0, 1, 0, b"", bytes(13), 0, 0)


def parse(data: bytes, service: int = DNS, errors: ErrorCounts | None = None) -> DnsMessage | None:
    """The message in exactly these bytes, placed with foreign bytes around it as in a frame."""
    around = b"\xc0\x0c" * 7
    counts = ErrorCounts() if errors is None else errors
    return parse_message(PACKET, around + data + around, 14, 14 + len(data), service, False, counts)


def parsed(data: bytes, service: int = DNS) -> DnsMessage:
    """The message, which must be there and without a complaint."""
    errors = ErrorCounts()
    message = parse(data, service, errors)
    assert message is not None
    assert errors.counts == {}
    return message


def response(name: str, type: str, *records: tuple[str, int, str, str]) -> dns.message.Message:
    """An answer to `name` `type`; each record is owner, TTL, type and rdata in presentation format."""
    answer = dns.message.make_response(dns.message.make_query(name, type))
    for owner, ttl, kind, rdata in records:
        answer.answer.append(dns.rrset.from_text(owner, ttl, "IN", kind, rdata))
    return answer
