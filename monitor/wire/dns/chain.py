"""Where an answer leads: the names behind the one that was asked for."""

from typing import Final

from monitor.errors import ErrorCounts
from monitor.model import DNS, Packet
from monitor.wire.dns.addresses import TYPE_CNAME, TYPE_DNAME, TYPE_HTTPS, TYPE_SVCB, record_name, svcb_target
from monitor.wire.dns.message import parse_message

# An answer has no packet here.
_NOWHERE: Final = Packet(0.0, 0, 0, b"", bytes(13), 0, 0)
NAMES_MAX: Final = 64


def chain_names(data: bytes, errors: ErrorCounts) -> list[bytes]:
    """The owners and targets of the answer section that are not the question's name, in order, each once.

    Targets are those of CNAME, DNAME, SVCB and HTTPS records (RFC 9460 section 2.4.2); what another record
    mentions, such as a mail exchange, is a matter of its own. What cannot be read leads nowhere and is counted.
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
