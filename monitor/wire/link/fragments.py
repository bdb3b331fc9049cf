"""Reassembles IP fragments (RFC 791 section 3.2, RFC 8200 section 4.5), within limits of datagrams, bytes and time.

A datagram is identified by its addresses, protocol and identification. Fragments may arrive in any order. Overlaps are
handled as in Linux, the system of the gateway and of many receivers: a piece inside existing data is ignored as a copy,
whatever its content; any other overlap drops the datagram (RFC 5722, RFC 8200), and later fragments with its
identification start another one.

The ports of a completed or dropped datagram are kept for `fragment_seconds`, because a later copy of a fragment (mirror
ports make such copies) belongs to the same flow.
"""

from bisect import bisect_left
from typing import Final, final

from monitor.errors import ErrorCounts
from monitor.limits import Limits
from monitor.model import Observation, Packet
from monitor.wire.link.cursor import Cursor

DATAGRAM_MAX: Final = 65_535
PIECES_MAX: Final = 512
# The cost of a piece in addition to its bytes, so that many small ones count too.
PIECE_OVERHEAD: Final = 128
DATAGRAM_OVERHEAD: Final = 512
NO_PORTS: Final = b"\0\0\0\0"


@final
class Datagram:
    """The pieces of one datagram so far, in order of `offsets`; `total` is -1 until the last one arrived.

    `top` is the highest end of all pieces.
    """

    __slots__ = (
        "deadline", "have", "offsets", "pieces", "ports", "protocol", "runs", "size", "top", "total", "waiting",
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
        self.runs: list[tuple[int, int]] = []
        self.top = 0
        self.waiting: list[Packet] = []

    def add(self, offset: int, piece: bytes, more: bool, version: int) -> str:
        """Adds a piece; returns the fault of the datagram, `""` if there is none.

        Linux cuts a piece of IPv4 that is not the last one to a multiple of 8; for IPv6 it answers with an error and
        drops it.
        """
        if more and len(piece) & 7:
            if version == 6:
                return ""
            piece = piece[: len(piece) & ~7]
        end = offset + len(piece)
        if end > DATAGRAM_MAX or len(self.pieces) >= PIECES_MAX:
            return "too_long"
        if not piece:
            return "malformed"
        if not more:
            if end < self.top or (self.total >= 0 and self.total != end):
                return "overlap"
            self.total = end
        elif 0 <= self.total < end:
            return "overlap"
        return self._insert(offset, piece, end)

    def _insert(self, offset: int, piece: bytes, end: int) -> str:
        """Inserts as Linux does (`inet_frag_queue_insert`): `runs` are pieces that arrived consecutively at the end."""
        if end > self.top:
            if offset < self.top:
                return "overlap"
            if offset == self.top and self.runs:
                self.runs[-1] = (self.runs[-1][0], end)
            else:
                self.runs.append((offset, end))
            self.top = end
        else:
            at = bisect_left(self.runs, (end, 0))
            low, high = self.runs[at - 1] if at > 0 else (0, 0)
            if offset < high:
                return "" if low <= offset and end <= high else "overlap"
            self.runs.insert(at, (offset, end))
        at = bisect_left(self.offsets, offset)
        self.offsets.insert(at, offset)
        self.pieces.insert(at, piece)
        self.have += len(piece)
        self.size += len(piece) + PIECE_OVERHEAD
        return ""

    def empty(self) -> None:
        """Drops everything but the ports."""
        self.offsets = []
        self.pieces = []
        self.runs = []


@final
class Fragments:
    """All incomplete datagrams, the oldest first.

    Only the first fragment of a datagram contains the ports. The packets of other fragments wait for it; they are moved
    to `ready` once the ports are known, or when the datagram is dropped.
    """

    __slots__ = (
        "_datagrams", "_ended", "_errors", "_limits", "bytes", "evicted", "ready",
    )  # fmt: skip

    def __init__(self, limits: Limits, errors: ErrorCounts) -> None:
        self._errors = errors
        self._datagrams: dict[bytes, Datagram] = {}
        # Datagrams without pieces, in the order in which they ended.
        self._ended: dict[bytes, Datagram] = {}
        self._limits = limits
        self.bytes = 0
        self.evicted = 0
        self.ready: list[Observation] = []

    def __len__(self) -> int:
        return len(self._datagrams)

    def resize(self, limits: Limits) -> None:
        """Changes the limits. Excess datagrams are dropped when the next fragment arrives."""
        self._limits = limits

    def ports_of(self, cursor: Cursor) -> bytes:
        """Returns the ports of the datagram whose later fragment is at the cursor, zeros if its first was not seen."""
        key = self._key(cursor)
        datagram = self._datagrams.get(key)
        if datagram is None or not datagram.ports:
            datagram = self._ended.get(key)
        return datagram.ports if datagram is not None and datagram.ports else NO_PORTS

    def add(self, cursor: Cursor, ports: bytes, now: float) -> bool:
        """Adds the fragment at the cursor; returns true if it completed the datagram: the cursor then points into the
        datagram.

        `ports` are the first bytes of the first fragment.
        """
        self.expire(now)
        key = self._key(cursor)
        version = 4 if len(cursor.addresses) == 8 else 6
        datagram = self._datagrams.get(key)
        if datagram is not None and datagram.deadline <= now:
            self._forget(key)
            datagram = None
        if datagram is None:
            # Linux waits longer for those of IPv6 (RFC 8200 section 4.5: a minute).
            datagram = Datagram(
                now + (self._limits.fragment_seconds if version == 4 else 2 * self._limits.fragment_seconds)
            )
            self._datagrams[key] = datagram
            self.bytes += datagram.size
        if cursor.fragment_offset == 0:
            datagram.protocol = cursor.protocol
            datagram.ports = ports
            self._release(datagram)
        before = datagram.size
        # The options of a cut header end behind the frame; the compiled slice of a negative length raises SystemError.
        piece = cursor.data[cursor.start : max(cursor.start, cursor.end)]
        cut = cursor.wire_end > cursor.end
        trouble = "too_short" if cut else datagram.add(cursor.fragment_offset, piece, cursor.more, version)
        self.bytes += datagram.size - before
        if trouble:
            self._errors.add("fragment", trouble)
            self._end(key, datagram, now)
            self._shrink()
            return False
        if datagram.have == datagram.total:
            self._stand_in(cursor, datagram)
            self._end(key, datagram, now)
            return True
        self._shrink()
        return False

    def _end(self, key: bytes, datagram: Datagram, now: float) -> None:
        """Drops the pieces of a datagram that is complete or invalid. Keeps its ports; if they are not known yet,
        its packets still wait for them.
        """
        awaited = Datagram(datagram.deadline)
        if not datagram.ports:
            awaited.waiting, datagram.waiting = datagram.waiting, []
        self._forget(key)
        datagram.empty()
        if not datagram.ports:
            self._datagrams[key] = awaited
            self.bytes += awaited.size
            return
        datagram.deadline = now + self._limits.fragment_seconds
        self._ended.pop(key, None)
        self._ended[key] = datagram
        while len(self._ended) > self._limits.fragments:
            del self._ended[next(iter(self._ended))]

    def wait(self, cursor: Cursor, packet: Packet) -> None:
        """Stores the packet of a later fragment, to report it once its ports are known."""
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
        """Drops the datagrams that never became complete."""
        while self._datagrams:
            key = next(iter(self._datagrams))
            if self._datagrams[key].deadline > now:
                break
            # Copies of some fragments of a complete datagram do not count as incomplete.
            if self._datagrams[key].pieces and key not in self._ended:
                self._errors.add("fragment", "incomplete")
            self._forget(key)
        while self._ended:
            key = next(iter(self._ended))
            if self._ended[key].deadline > now:
                break
            del self._ended[key]

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
        while len(self._datagrams) > self._limits.fragments or self.bytes > self._limits.fragments_bytes:
            self._forget(next(iter(self._datagrams)))
            self.evicted += 1

    def _forget(self, key: bytes) -> None:
        datagram = self._datagrams.pop(key)
        self.bytes -= datagram.size
        if datagram.waiting:
            self._release(datagram)
