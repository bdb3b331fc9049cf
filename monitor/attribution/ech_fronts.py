"""Which outer names of Encrypted ClientHello are those of a front, and not of the server that is meant.

Browsers send the extension filled with noise (GREASE) beside the true name to every server (RFC 9849 section 6.2): a
month at an operational network in 2025 had it in 59 % of QUIC connections, nearly all of them GREASE. Real ECH names
the `public_name` of a configuration that the client got by an HTTPS answer.
"""

from typing import Final, final

from monitor.attribution.generations import Generations

# Public names of providers whose answers may not be seen here (the client asks over DoH): Cloudflare's, and those of
# the public test servers of tls-ech.dev and defo.ie.
FRONTS: Final = frozenset((b"cloudflare-ech.com", b"public.tls-ech.dev", b"cover.defo.ie"))


@final
class EchFronts:
    """Known fronts, and at most `limit` public names of answers."""

    __slots__ = ("_names",)

    def __init__(self, limit: int) -> None:
        self._names: Generations[bytes] = Generations(limit)

    def __len__(self) -> int:
        return len(self._names)

    @property
    def evictions(self) -> int:
        return self._names.evictions

    def resize(self, limit: int) -> None:
        """Takes another limit; names above it leave when the next ones come."""
        self._names.limit = limit

    def learn(self, name: bytes) -> None:
        """An answer offers ECH with this public name."""
        if name not in FRONTS:
            self._names.put(name, name)

    def knows(self, name: bytes) -> bool:
        """Whether a hello with this name and the extension hides its true name."""
        return name in FRONTS or self._names.get(name) is not None
