"""The five kinds of answers to a banned name. dnslib makes each once; the hot path only copies it.

nxdomain    the name does not exist
nodata      the name exists, without a record of that type
null        the address 0.0.0.0 or ::, NODATA for other types
refused     the server refuses to answer
an address  that address, NODATA for other types
"""

from ipaddress import ip_address
from typing import Final, final

from dnslib import AAAA, QTYPE, RR, SOA, A, DNSLabel, DNSRecord

from monitor.errors import ConfigError
from monitor.sinkhole.settings import ANSWERS
from monitor.wire.dns.addresses import TYPE_A, TYPE_AAAA
from monitor.wire.dns.message import HEADER
from monitor.wire.dns.query import NOERROR, NXDOMAIN, REFUSED, TYPE_ANY
from monitor.wire.dns.reply import Template

# The SOA of a negative answer sets its TTL (RFC 2308 section 5); its names are reserved never to exist (RFC 6761).
_MNAME: Final = "gatewatch.invalid."
_RNAME: Final = "nobody.localhost."
# The shortest question; the template is what follows it in the packed answer.
_OWNER: Final = "x."
_QUESTION_BYTES: Final = len(DNSLabel(_OWNER).label[0]) + 2 + 4


@final
class Templates:
    """The templates of one configured answer. Raises ConfigError if `answer` is neither of `ANSWERS` nor an address."""

    def __init__(self, answer: str, ttl: int) -> None:
        soa = RR(_OWNER, QTYPE.SOA, rdata=SOA(_MNAME, _RNAME, (1, 3600, 600, 86400, ttl)), ttl=ttl)
        self.no_name = _template(NXDOMAIN, [], [soa])
        self.no_data = _template(NOERROR, [], [soa])
        self._by_type: dict[int, Template] = {}
        self._other = self.no_data
        if answer == "nxdomain":
            self._other = self.no_name
        elif answer == "refused":
            self._other = _template(REFUSED, [], [])
        elif answer == "null":
            self._give(["0.0.0.0", "::"], ttl)
        elif answer != "nodata":
            self._give([answer], ttl)

    def banned(self, type: int) -> Template:
        """Returns the answer to a query of that type for a banned name."""
        return self._by_type.get(type, self._other)

    def _give(self, texts: list[str], ttl: int) -> None:
        """Answers A and AAAA with the addresses, and ANY with all of them (RFC 8482 section 4.1)."""
        records: list[RR] = []
        for text in texts:
            try:
                address = ip_address(text)
            except ValueError as error:
                raise ConfigError(
                    f"[sinkhole] answer: {text!r} is neither {', '.join(ANSWERS)} nor an address"
                ) from error
            kind, rdata = (TYPE_A, A(text)) if address.version == 4 else (TYPE_AAAA, AAAA(text))
            record = RR(_OWNER, kind, rdata=rdata, ttl=ttl)
            self._by_type[kind] = _template(NOERROR, [record], [])
            records.append(record)
        self._by_type[TYPE_ANY] = _template(NOERROR, records, [])


def _template(rcode: int, answers: list[RR], authorities: list[RR]) -> Template:
    record = DNSRecord.question(_OWNER)
    record.add_answer(*answers)
    record.add_auth(*authorities)
    packed = bytes(record.pack())
    return Template(rcode, len(answers), len(authorities), packed[HEADER + _QUESTION_BYTES :])
