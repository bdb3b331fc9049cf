"""Names that are asked for only to learn whether the network wants plain DNS, and the answer that says so.

Firefox takes NXDOMAIN for use-application-dns.net as a no to DNS over HTTPS by default. Private Relay reports itself
as unavailable when its two names do not exist; an answer of zeros or silence would only make the device wait. A
resolver that names no encrypted one for itself answers everything below resolver.arpa with no data (RFC 9462
section 6.1): passed on, the answer would name somebody else's.
"""

from typing import Final

NO_NAME: Final = 1
NO_DATA: Final = 2

_CANARIES: Final = {
    b"use-application-dns.net": NO_NAME,
    b"mask.icloud.com": NO_NAME,
    b"mask-h2.icloud.com": NO_NAME,
    b"resolver.arpa": NO_DATA,
}


def canary(name: bytes) -> int:
    """NO_NAME or NO_DATA for a canary, 0 for every other name."""
    found = _CANARIES.get(name, 0)
    return NO_DATA if not found and name.endswith(b".resolver.arpa") else found
