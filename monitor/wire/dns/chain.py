"""Finds the names to which an answer leads from the queried name."""

from typing import Final

from monitor.errors import ErrorCounts
from monitor.model import DNS, Packet
from monitor.wire.dns.addresses import TYPE_CNAME, TYPE_DNAME, TYPE_HTTPS, TYPE_SVCB, record_name, svcb_target
from monitor.wire.dns.message import parse_message

# Answers are parsed without a packet here.
_NOWHERE: Final = Packet(0.0, 0, 0, b"", bytes(13), 0, 0)
NAMES_MAX: Final = 64


def chain_names(data: bytes, errors: ErrorCounts) -> list[bytes]:
    """Returns the distinct owners and targets in the answer section, in order, without the question's name.

    Targets are those of CNAME, DNAME, SVCB and HTTPS records (RFC 9460 section 2.4.2); hosts in other records, such as
    mail exchanges, do not count. Unreadable records give no target and are counted.
    """
    names: list[bytes] = []
    if data[6] == 0 and data[7] == 0:
        return names
    message = parse_message(_NOWHERE, data, 0, len(data), DNS, False, errors)
    if message is None:
        return names
    asked = message.name
    for record in message.answers:
        if record.name != asked and record.name not in names:
            names.append(record.name)
        target = asked
        if record.type in (TYPE_CNAME, TYPE_DNAME):
            target = record_name(message, record)
        elif record.type in (TYPE_SVCB, TYPE_HTTPS):
            target = svcb_target(message, record)
        if target and target != asked and target not in names:
            names.append(target)
        if len(names) >= NAMES_MAX:
            break
    return names
