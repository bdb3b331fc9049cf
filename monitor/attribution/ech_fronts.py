"""The outer names of Encrypted ClientHello that belong to a provider's front, not to the intended server.

Browsers send the extension filled with noise (GREASE) beside the true name to every server (RFC 9849 section 6.2): in a
month at an operational network in 2025, 59 % of QUIC connections had it, nearly all of them GREASE. Real ECH uses the
`public_name` of a configuration that the client received in an HTTPS record.
"""

from typing import Final, final

from monitor.attribution.generations import Generations

# Public names of providers whose answers may not be captured (the client uses DoH): Cloudflare's, and those of
# the public test servers of tls-ech.dev and defo.ie.
FRONTS: Final = frozenset((b"cloudflare-ech.com", b"public.tls-ech.dev", b"cover.defo.ie"))


@final
class EchFronts:
    """Known fronts, and at most `limit` public names from answers."""

    __slots__ = ("_names",)

    def __init__(self, limit: int) -> None:
        self._names: Generations[bytes] = Generations(limit)

    def __len__(self) -> int:
        return len(self._names)

    @property
    def evictions(self) -> int:
        return self._names.evictions

    def resize(self, limit: int) -> None:
        """Changes the limit. Excess names are dropped when further names are learned."""
        self._names.limit = limit

    def learn(self, name: bytes) -> None:
        """Stores the public name of an answer that offers ECH."""
        if name not in FRONTS:
            self._names.put(name, name)

    def knows(self, name: bytes) -> bool:
        """Whether a ClientHello with this name and the extension hides its true name."""
        return name in FRONTS or self._names.get(name) is not None
