"""Which outer names of Encrypted ClientHello are those of a front, and not of the server that is meant.

Browsers send the extension filled with noise (GREASE) beside the true name to every server (RFC 9849 section 6.2): a
month at an operational network in 2025 had it in 59 % of QUIC connections, nearly all of them GREASE. Real ECH names
the `public_name` of a configuration that the client got by an HTTPS answer.
"""

from typing import Final, final

# Public names of providers whose answers may not be seen here (the client asks over DoH): Cloudflare's, and those of
# the public test servers of tls-ech.dev and defo.ie.
FRONTS: Final = frozenset((b"cloudflare-ech.com", b"public.tls-ech.dev", b"cover.defo.ie"))


@final
class EchFronts:
    """Known fronts, and at most `limit` public names of answers, in two generations."""

    __slots__ = ("_limit", "_old", "_young", "evictions")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._young: dict[bytes, None] = {}
        self._old: dict[bytes, None] = {}
        self.evictions = 0

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def resize(self, limit: int) -> None:
        """Takes another limit; names above it leave when the next ones come."""
        self._limit = limit

    def learn(self, name: bytes) -> None:
        """An answer offers ECH with this public name."""
        if name in self._young or name in FRONTS:
            return
        if len(self._young) * 2 >= self._limit:
            self.evictions += len(self._old)
            self._old = self._young
            self._young = {}
        self._young[name] = None

    def knows(self, name: bytes) -> bool:
        """Whether a hello with this name and the extension hides its true name."""
        return name in FRONTS or name in self._young or name in self._old
