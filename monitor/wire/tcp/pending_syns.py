"""Stores SYNs without data yet, and selects the one that started a connection if several came on the same ports.

A forged SYN before the first data must not replace the connection's own (RFC 5961 section 4.2: the server answers it
with a challenge ACK). The SYN that the other end has acknowledged is the connection's; if no answer was seen, it is the
SYN that the data follows most closely.
"""

from typing import Final, final

from monitor.wire.tcp.handshake import HALF_OF_SEQUENCES, SEQUENCE_MASK, Syn

# Maximum of SYNs with different numbers on the same ports.
SYNS_MAX: Final = 4


@final
class PendingSyns:
    """At most `limit` keys, each with up to `SYNS_MAX` SYNs, the newest first; the oldest key is dropped first."""

    __slots__ = ("_plain", "_syns", "evictions", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._syns: dict[bytes, Syn] = {}
        # The newest SYN on any VLAN by flow key: a mirror may have each direction on a VLAN of its own.
        self._plain: dict[bytes, Syn] = {}
        self.evictions = 0

    def __len__(self) -> int:
        return len(self._syns)

    def __contains__(self, key: bytes) -> bool:
        return key in self._syns

    def add(self, key: bytes, syn: Syn) -> bool:
        """Stores the SYN. Returns false if a SYN with the same sequence number is already stored."""
        known = self._syns.get(key)
        if known is None:
            while len(self._syns) >= self.limit:
                self.evictions += 1
                del self._syns[next(iter(self._syns))]
            self._syns[key] = syn
            return True
        if has_number(known, syn.first):
            return False
        syn.older = known
        depth = 1
        one: Syn | None = syn
        while one is not None:
            depth += 1
            if depth > SYNS_MAX:
                one.older = None
            one = one.older
        self._syns[key] = syn
        return True

    def add_on_vlan(self, key: bytes, syn: Syn, back: bytes, acknowledgment: int) -> None:
        """Stores a SYN on a VLAN also by its flow key, because the packets that it answers may be on another VLAN."""
        one = self._plain.get(back) if syn.answers else None
        while one is not None:
            one.agreed = one.agreed or one.first == acknowledgment
            one = one.older
        while len(self._plain) >= self.limit and key not in self._plain:
            del self._plain[next(iter(self._plain))]
        self._plain[key] = syn

    def on_any_vlan(self, key: bytes) -> Syn | None:
        """Returns the last SYN with this flow key on any VLAN."""
        return self._plain.get(key)

    def newest(self, key: bytes) -> Syn | None:
        """Returns the last SYN."""
        return self._syns.get(key)

    def choose(self, key: bytes, sequence: int, most: int) -> Syn | None:
        """Returns the SYN of the connection to which data with this sequence number belongs, at most `most` bytes after
        it.
        """
        syn = self._syns.get(key)
        if syn is None or syn.older is None:
            return syn
        chosen = syn
        nearest = most + 1
        one: Syn | None = syn
        while one is not None:
            if one.agreed:
                return one
            distance = (sequence - one.first) & SEQUENCE_MASK
            if distance < nearest:
                chosen, nearest = one, distance
            one = one.older
        return chosen

    def agree(self, key: bytes, acknowledgment: int, back: bytes) -> Syn | None:
        """Marks the SYN that the other end acknowledged as that of the connection. `back` is the other end's key.

        Returns this SYN; None if it is unknown. Drops the data of the SYN if it was not acknowledged too.
        """
        one = self._syns.get(key)
        while one is not None:
            taken = (acknowledgment - one.first) & SEQUENCE_MASK
            if taken == 0 or (taken < HALF_OF_SEQUENCES and taken == len(one.data)):
                one.agreed = True
                one.back = back
                if taken == 0:
                    # RFC 7413 section 4.2.2: the data of the SYN was not accepted.
                    one.data = b""
                    one.packet = None
                if one.older is not None or self._syns[key] is not one:
                    one.older = None
                    self._syns[key] = one
                return one
            one = one.older
        return None

    def expire(self, oldest: float) -> None:
        """Drops the SYNs from before the time `oldest` on whose ports no data has followed."""
        while self._syns:
            key = next(iter(self._syns))
            if self._syns[key].time >= oldest:
                return
            del self._syns[key]

    def remove(self, key: bytes) -> None:
        if key in self._syns:
            del self._syns[key]


def has_number(syn: Syn, first: int) -> bool:
    """Whether the SYN, or an older one of its ports, has this number."""
    one: Syn | None = syn
    while one is not None:
        if one.first == first:
            return True
        one = one.older
    return False
