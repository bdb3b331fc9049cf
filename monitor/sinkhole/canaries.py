"""Canary names, which clients query only to learn whether the network requires plain DNS, and their answers.

On NXDOMAIN for use-application-dns.net, Firefox does not enable DNS over HTTPS by default. Private Relay reports
itself as unavailable if its two names do not exist; a null address or silence would only make the device wait. A
resolver without an encrypted counterpart answers everything below resolver.arpa with NODATA (RFC 9462 section 6.1);
a forwarded query would return another resolver's counterpart.
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
    """Returns NO_NAME or NO_DATA for a canary, 0 for every other name."""
    found = _CANARIES.get(name, 0)
    return NO_DATA if not found and name.endswith(b".resolver.arpa") else found
