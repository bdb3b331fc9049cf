"""IP fragments put together again (RFC 791 section 3.2, RFC 8200 section 4.5), bounded in datagrams, bytes and time.

A datagram is known by its addresses, protocol and identification. Fragments may come in any order; an exact copy
of one is ignored. Anything else that overlaps spoils the datagram, for IPv4 too: which copy the receiver believes is
not known here, and a name must not depend on it (RFC 5722, RFC 8200). A spoilt datagram stays as an empty entry
until it is too old, so that its later fragments do not start a new one.
"""

from bisect import bisect_left
from typing import Final, final

from monitor.errors import ErrorCounts
from monitor.limits import Limits
from monitor.model import Observation, Packet
from monitor.wire.link.cursor import Cursor

DATAGRAM_MAX: Final = 65_535
PIECES_MAX: Final = 512
# What a piece costs beside its bytes, so that many small ones count too.
PIECE_OVERHEAD: Final = 128
DATAGRAM_OVERHEAD: Final = 512
NO_PORTS: Final = b"\0\0\0\0"


@final
class Datagram:
    """The pieces of one datagram so far, in order of `offsets`; `total` is -1 until the last one is there."""

    __slots__ = (
        "deadline", "have", "offsets", "pieces", "ports", "protocol", "size", "spoilt", "total", "waiting",
    )  # fmt: skip

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.offsets: list[int] = []
        self.pieces: list[bytes] = []
        self.have = 0
        self.total = -1
        self.size = DATAGRAM_OVERHEAD
        self.protocol = 0
        self.ports = b""
        self.spoilt = False
        self.waiting: list[Packet] = []

    def add(self, offset: int, piece: bytes, more: bool) -> str:
        """Take a piece in; what is wrong with it, `""` if nothing."""
        end = offset + len(piece)
        if end > DATAGRAM_MAX or len(self.pieces) >= PIECES_MAX:
            return "too_long"
        if more and (len(piece) & 7 or not piece):
            return "malformed"
        if not more:
            if self.total >= 0 and self.total != end:
                return "overlap"
            if self.offsets and self.offsets[-1] + len(self.pieces[-1]) > end:
                return "overlap"
            self.total = end
        elif 0 <= self.total < end:
            return "overlap"
        return self._insert(offset, piece)

    def _insert(self, offset: int, piece: bytes) -> str:
        at = bisect_left(self.offsets, offset)
        if at < len(self.offsets) and self.offsets[at] == offset and self.pieces[at] == piece:
            return ""
        if at > 0 and self.offsets[at - 1] + len(self.pieces[at - 1]) > offset:
            return "overlap"
        if at < len(self.offsets) and self.offsets[at] < offset + len(piece):
            return "overlap"
        self.offsets.insert(at, offset)
        self.pieces.insert(at, piece)
        self.have += len(piece)
        self.size += len(piece) + PIECE_OVERHEAD
        return ""

    def spoil(self) -> None:
        self.offsets = []
        self.pieces = []
        self.size = DATAGRAM_OVERHEAD
        self.spoilt = True


@final
class Fragments:
    """All datagrams that are not whole yet, the oldest first.

    Later fragments wait for the ports of the first one: those in `ready` have them, or will not get them.
    """

    __slots__ = ("_bytes_max", "_datagrams", "_datagrams_max", "_errors", "_seconds", "bytes", "evicted", "ready")

    def __init__(self, limits: Limits, errors: ErrorCounts) -> None:
        self._errors = errors
        self._datagrams: dict[bytes, Datagram] = {}
        self._datagrams_max = limits.fragments
        self._bytes_max = limits.fragments_bytes
        self._seconds = limits.fragment_seconds
        self.bytes = 0
        self.evicted = 0
        self.ready: list[Observation] = []

    def __len__(self) -> int:
        return len(self._datagrams)

    def ports_of(self, cursor: Cursor) -> bytes:
        """The ports of the datagram whose later fragment is at the cursor, zeros where its first was not seen."""
        datagram = self._datagrams.get(self._key(cursor))
        return datagram.ports if datagram is not None and datagram.ports else NO_PORTS

    def add(self, cursor: Cursor, ports: bytes, now: float) -> bool:
        """Take in the fragment at the cursor; true if that made the datagram whole: the cursor then stands in it.

        `ports` are those that the first fragment begins with.
        """
        self.expire(now)
        key = self._key(cursor)
        datagram = self._datagrams.get(key)
        if datagram is None:
            datagram = Datagram(now + self._seconds)
            self._datagrams[key] = datagram
            self.bytes += datagram.size
        if cursor.fragment_offset == 0:
            datagram.protocol = cursor.protocol
            datagram.ports = ports
            self._release(datagram)
        before = datagram.size
        cut = cursor.wire_end > cursor.end
        if datagram.spoilt and not cut:
            return False
        piece = cursor.data[cursor.start : cursor.end]
        trouble = "too_short" if cut else datagram.add(cursor.fragment_offset, piece, cursor.more)
        if trouble:
            self._errors.add("fragment", trouble)
            datagram.spoil()
            self._release(datagram)
        self.bytes += datagram.size - before
        if datagram.have == datagram.total and not trouble:
            self._forget(key)
            self._stand_in(cursor, datagram)
            return True
        self._shrink()
        return False

    def wait(self, cursor: Cursor, packet: Packet) -> None:
        """The packet of a later fragment, reported once its ports are known."""
        datagram = self._datagrams.get(self._key(cursor))
        if datagram is None or len(datagram.waiting) >= PIECES_MAX:
            self.ready.append(packet)
        else:
            datagram.waiting.append(packet)

    def _release(self, datagram: Datagram) -> None:
        for packet in datagram.waiting:
            if datagram.ports:
                key = packet.key
                packet.key = key[: len(key) - 5] + datagram.ports + bytes((datagram.protocol,))
            self.ready.append(packet)
        datagram.waiting = []

    def expire(self, now: float) -> None:
        """Forget the datagrams that never became whole."""
        while self._datagrams:
            key = next(iter(self._datagrams))
            if self._datagrams[key].deadline > now:
                break
            if not self._datagrams[key].spoilt:
                self._errors.add("fragment", "incomplete")
            self._forget(key)

    def _key(self, cursor: Cursor) -> bytes:
        # For IPv6 the protocol may differ between fragments and does not count (RFC 8200 section 4.5).
        if len(cursor.addresses) == 8:
            return cursor.addresses + cursor.identification + bytes((cursor.protocol,))
        return cursor.addresses + cursor.identification

    def _stand_in(self, cursor: Cursor, datagram: Datagram) -> None:
        cursor.data = b"".join(datagram.pieces)
        cursor.start = 0
        cursor.end = len(cursor.data)
        cursor.wire_end = cursor.end
        cursor.protocol = datagram.protocol
        cursor.fragmented = False

    def _shrink(self) -> None:
        while len(self._datagrams) > self._datagrams_max or self.bytes > self._bytes_max:
            self._forget(next(iter(self._datagrams)))
            self.evicted += 1

    def _forget(self, key: bytes) -> None:
        datagram = self._datagrams.pop(key)
        self.bytes -= datagram.size
        if datagram.waiting:
            self._release(datagram)
