"""Reads the parts of an answer that attribution needs: addresses, the next name of a CNAME chain, service binding
hints.

Nothing is parsed before it is requested; bytes that do not fit their type give `b""` or nothing.
"""

from typing import Final

from monitor.model import DnsMessage, DnsRecord
from monitor.wire.dns.ech_config import public_names
from monitor.wire.dns.names import read_name, skip_name
from monitor.wire.dns.svcb import ECH, IPV4HINT, IPV6HINT, SvcParams

TYPE_A: Final = 1
TYPE_CNAME: Final = 5
TYPE_MX: Final = 15
TYPE_AAAA: Final = 28
TYPE_SRV: Final = 33
TYPE_DNAME: Final = 39
TYPE_SVCB: Final = 64
TYPE_HTTPS: Final = 65
CLASS_IN: Final = 1


def record_address(message: DnsMessage, record: DnsRecord) -> bytes:
    """Returns the packed address of an A or AAAA record, `b""` for every other record."""
    size = record.end - record.start
    if record.klass != CLASS_IN:
        return b""
    if (record.type == TYPE_A and size == 4) or (record.type == TYPE_AAAA and size == 16):
        return message.data[record.start : record.end]
    return b""


def record_name(message: DnsMessage, record: DnsRecord) -> bytes:
    """Returns the name at the start of the rdata: the target of a CNAME, NS, PTR or DNAME; `b""` if it
    cannot be read.
    """
    return read_name(message.data, record.start, message.start, record.end)


def record_target(message: DnsMessage, record: DnsRecord) -> bytes:
    """Returns the target host of an SRV, MX, SVCB or HTTPS record, `b""` if it cannot be read."""
    if record.type in (TYPE_SVCB, TYPE_HTTPS):
        return svcb_target(message, record)
    at = record.start + (6 if record.type == TYPE_SRV else 2)
    return read_name(message.data, at, message.start, record.end) if at < record.end else b""


def svcb_target(message: DnsMessage, record: DnsRecord) -> bytes:
    """Returns the TargetName of an SVCB or HTTPS record, `b""` if it cannot be read.

    In service mode, the root represents the owner (RFC 9460 section 2.5.2); the owner is returned then.
    """
    name = read_name(message.data, record.start + 2, message.start, record.end)
    return record.name if name == b"." and not svcb_is_alias(message, record) else name


def svcb_is_alias(message: DnsMessage, record: DnsRecord) -> bool:
    """Whether the record is in alias mode: SvcPriority 0 (RFC 9460 section 2.4.1)."""
    data = message.data
    return record.end - record.start >= 2 and data[record.start] == 0 and data[record.start + 1] == 0


def svcb_hints(message: DnsMessage, record: DnsRecord) -> list[bytes]:
    """Returns the packed addresses of `ipv4hint` and `ipv6hint` (RFC 9460 section 7.3)."""
    hints: list[bytes] = []
    params = svcb_params(message, record)
    while params.advance():
        size = 4 if params.key == IPV4HINT else 16 if params.key == IPV6HINT else 0
        if size and (params.end - params.start) % size == 0:
            for at in range(params.start, params.end, size):
                hints.append(message.data[at : at + size])
    return hints


def svcb_has_ech(message: DnsMessage, record: DnsRecord) -> bool:
    """Whether the record offers Encrypted ClientHello."""
    params = svcb_params(message, record)
    while params.advance():
        if params.key == ECH:
            return True
    return False


def svcb_public_names(message: DnsMessage, record: DnsRecord) -> list[bytes]:
    """Returns the outer names that the record offers for Encrypted ClientHello."""
    params = svcb_params(message, record)
    while params.advance():
        if params.key == ECH:
            return public_names(message.data, params.start, params.end)
    return []


def svcb_params(message: DnsMessage, record: DnsRecord) -> SvcParams:
    """Returns the parameters of an SVCB or HTTPS record; none for any other record and in alias mode."""
    at = record.end
    if record.type in (TYPE_SVCB, TYPE_HTTPS) and not svcb_is_alias(message, record):
        behind = skip_name(message.data, record.start + 2, record.end)
        at = behind if behind >= 0 else record.end
    return SvcParams(message.data, at, record.end)
