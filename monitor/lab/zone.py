"""The names of the lab's internet: the resolver's records and the names in the servers' certificates.

Addresses inside vendors' own prefixes are real; the others are documentation addresses (RFC 5737, RFC 3849) and those
of a shared CDN.
"""

from typing import Final

from dnslib import QTYPE, RCODE, RR, SOA, TXT, DNSHeader, DNSRecord

TTL_S: Final = 60
LONGEST_CHAIN: Final = 8

ZONE: Final = """
$TTL 60
www.tiktok.com.             IN A     71.18.1.10
www.tiktok.com.             IN AAAA  2605:340::10
www.tiktok.com.             IN HTTPS 1 . alpn=h3,h2 ipv4hint=71.18.1.10 ipv6hint=2605:340::10
m.tiktok.com.               IN A     71.18.3.30
m.tiktok.com.               IN AAAA  2605:340::30
v16-webapp.tiktok.com.      IN CNAME v16-webapp.tiktok.com.edgekey.net.
v16-webapp.tiktok.com.edgekey.net. IN CNAME e35058.api.akamaiedge.net.
e35058.api.akamaiedge.net.  IN A     23.192.228.80
e35058.api.akamaiedge.net.  IN AAAA  2600:1400:d::17c6:e450
www.capcut.com.             IN A     203.0.113.30
www.capcut.com.             IN AAAA  2001:db8:cd::30
newsroom.tiktok.com.        IN A     203.0.113.31
newsroom.tiktok.com.        IN AAAA  2001:db8:cd::31
nottiktok.com.              IN A     203.0.113.40
nottiktok.com.              IN AAAA  2001:db8:cd::40
www.youtube.com.            IN CNAME youtube-ui.l.google.com.
youtube-ui.l.google.com.    IN A     142.250.74.78
youtube-ui.l.google.com.    IN AAAA  2a00:1450:4001:82f::200e
www.instagram.com.          IN A     157.240.0.174
www.instagram.com.          IN AAAA  2a03:2880:f200:e5:face:b00c:0:4420
web.telegram.org.           IN A     149.154.167.99
web.telegram.org.           IN AAAA  2001:67c:4e8:f004::9
www.netflix.com.            IN A     45.57.8.1
www.netflix.com.            IN AAAA  2001:db8:cd::57
chat.deepseek.com.          IN A     203.0.113.50
chat.deepseek.com.          IN AAAA  2001:db8:cd::50
www.example.org.            IN A     203.0.113.80
www.example.org.            IN AAAA  2001:db8:cd::80
shop.example.net.           IN CNAME www.example.net.edgekey.net.
www.example.net.edgekey.net. IN CNAME e35058.api.akamaiedge.net.
"""

# Servers at these addresses request segments of 256 bytes, so that a ClientHello needs several.
SMALL_SEGMENT_ADDRESSES: Final = ("71.18.3.30", "2605:340::30", "203.0.113.30", "2001:db8:cd::30")
SMALL_SEGMENT_BYTES: Final = 256

# Vendors' addresses without a name.
NAMELESS_V4: Final = "71.18.2.20"
NAMELESS_V6: Final = "2605:340::20"

# A name whose answer does not fit into a datagram.
LARGE_NAME: Final = "large.tiktok.com."


class Zone:
    """Records by name; `extra` contains additional records in master file form."""

    def __init__(self, extra: str = "") -> None:
        self._records: dict[str, list[RR]] = {}
        for record in RR.fromZone(ZONE + extra):
            self._records.setdefault(key(record.rname), []).append(record)
        large = [RR(LARGE_NAME, QTYPE.TXT, ttl=TTL_S, rdata=TXT(f"{number:03d}" + "x" * 200)) for number in range(15)]
        self._records[key(LARGE_NAME)] = large

    def names(self) -> list[str]:
        """Returns all host names, for the certificates."""
        return sorted(name.rstrip(".") for name in self._records)

    def answer(self, query: DNSRecord) -> DNSRecord:
        """Returns the complete answer to a query, following CNAME chains (RFC 1034 section 4.3.2)."""
        header = DNSHeader(id=query.header.id, qr=1, aa=0, ra=1, rd=query.header.rd)
        reply = DNSRecord(header, q=query.q)
        name, wanted = query.q.qname, query.q.qtype
        for _ in range(LONGEST_CHAIN):
            records = self._records.get(key(name))
            if records is None:
                reply.header.rcode = RCODE.NXDOMAIN
                break
            alias = next((record for record in records if record.rtype == QTYPE.CNAME), None)
            if alias is None or wanted == QTYPE.CNAME:
                reply.add_answer(*[record for record in records if wanted in (record.rtype, QTYPE.ANY)])
                break
            reply.add_answer(alias)
            name = alias.rdata.label
        if not any(record.rtype == wanted for record in reply.rr):
            reply.add_auth(authority(name))
        return reply


def authority(name: object) -> RR:
    """Returns the SOA record that allows a negative answer to be cached (RFC 2308 section 3)."""
    parent = str(name).rstrip(".").split(".")[-2:]
    soa = SOA("ns.lab.", "hostmaster.lab.", (1, 3600, 600, 86400, TTL_S))
    return RR(".".join(parent) + ".", QTYPE.SOA, ttl=TTL_S, rdata=soa)


def key(name: object) -> str:
    return str(name).lower()
