"""Selects TCP segments that can belong to a ClientHello or a request, before an object is created for them.

The kernel's filter keeps no state and delivers every segment towards a server. The start of a flow is known from its
SYN, or from a segment that begins a handshake or a request; segments within the first `WINDOW` bytes from there are
accepted, in any order, and the rest is an upload. Flows with large uploads are reported as elephants, so that the
kernel's filter drops them.

Flow marks are the filter's: ports (32 bits, source first) XOR the low words of both addresses.
"""

from typing import Final, final

from monitor.wire.integers import four

ETHERNET: Final = 1  # LINKTYPE_ETHERNET
IP_TYPES: Final = (b"\x08\x00", b"\x86\xdd")
# Bytes from the beginning of a flow: a request whose Host comes late (`dialogue.HEAD_MAX`), or a hello of 16 KiB.
WINDOW: Final = 65_536 + 2_048
FLOWS_MAX: Final = 16_384
ELEPHANTS_MAX: Final = 64
ELEPHANT_FRAMES: Final = 32  # rejected frames of a flow between two calls of `elephants`
COUNTS_MAX: Final = 65_536
# The first octets of a request: its method (RFC 9110 section 9, RFC 4918), or an empty line (RFC 9112 section 2.2).
STARTS: Final = (
    b"GET ", b"POST", b"HEAD", b"PUT ", b"OPTI", b"DELE", b"PATC", b"CONN", b"TRAC", b"PROP", b"MKCO", b"COPY",
    b"MOVE", b"LOCK", b"UNLO", b"REPO", b"SEAR", b"NOTI", b"SUBS", b"UNSU", b"\r\nGE", b"\r\nPO",
)  # fmt: skip
STARTS_SET: Final = frozenset(STARTS)
HALF_OF_SEQUENCES: Final = 0x8000_0000
SYN: Final = 0x02
ACK: Final = 0x10


@final
class SegmentFilter:
    """Stores the starts of flows in bounded memory; the oldest is dropped first."""

    __slots__ = ("_again", "_begin", "_refused", "_unwanted", "unwanted")

    def __init__(self) -> None:
        self._begin: dict[bytes, int] = {}
        # The previous start, if there were two: a SYN with another number may be forged.
        self._again: dict[bytes, int] = {}
        self._unwanted: dict[int, int] = {}
        self._refused: dict[int, None] = {}
        self.unwanted = 0

    def begins(self, data: bytes, link: int) -> None:
        """Stores the start of a flow from a frame of another socket, while the flow's later segments arrive on this
        one.

        A frame with a VLAN tag in it needs no entry, because all such frames are accepted.
        """
        if link != ETHERNET:
            self.wants(data, 0)
        elif data[12:14] in IP_TYPES:
            self.wants(data, 14)

    def wants(self, data: bytes, network: int) -> bool:
        """Whether the frame with the network header at `network` needs an object. Never raises."""
        size = len(data)
        if network + 40 > size:
            return True
        if data[network] >> 4 == 4:
            if data[network + 9] != 6:
                return True
            transport = network + ((data[network] & 15) << 2)
            addresses = network + 12
            width = 4
        else:
            if data[network + 6] != 6:
                return True
            transport = network + 40
            addresses = network + 8
            width = 16
        if transport + 20 > size:
            return True
        sequence = four(data, transport + 4)
        key = data[addresses : addresses + 2 * width] + data[transport : transport + 4]
        flags = data[transport + 13]
        if flags & (SYN | ACK) == SYN | ACK:
            return True
        if flags & SYN:
            self._begins(key, (sequence + 1) & 0xFFFFFFFF)
            if self._refused:
                self._refused.pop(_mark(data, addresses, width, transport), None)
            return True
        if _is_start(data, transport + (data[transport + 12] >> 4 << 2)):
            begin = self._begin.get(key, -1)
            if begin < 0 or WINDOW <= (sequence - begin) & 0xFFFFFFFF < HALF_OF_SEQUENCES:
                # A later request may go on in the segments behind this one.
                self._begins(key, sequence)
            return True
        begin = self._begin.get(key, -1)
        if begin >= 0 and (sequence - begin) & 0xFFFFFFFF < WINDOW:
            return True
        if self._again:
            begin = self._again.get(key, -1)
            if begin >= 0 and (sequence - begin) & 0xFFFFFFFF < WINDOW:
                return True
        self.unwanted += 1
        self._count(_mark(data, addresses, width, transport))
        return False

    def _begins(self, key: bytes, sequence: int) -> None:
        before = self._begin.get(key, -1)
        if before < 0 and len(self._begin) >= FLOWS_MAX:
            oldest = next(iter(self._begin))
            del self._begin[oldest]
            self._again.pop(oldest, None)
        if before >= 0 and before != sequence:
            self._again[key] = before
        self._begin[key] = sequence

    def _count(self, mark: int) -> None:
        count = self._unwanted.get(mark, 0)
        if count == 0 and len(self._unwanted) >= COUNTS_MAX:
            self._unwanted.clear()
        self._unwanted[mark] = count + 1

    def elephants(self) -> list[int] | None:
        """Returns the marks to drop from now on, at most `ELEPHANTS_MAX`, or None if nothing changed since the last
        call.

        New marks replace the oldest ones, and a SYN of the same flow removes its mark.
        """
        heavy = [mark for mark, count in self._unwanted.items() if count >= ELEPHANT_FRAMES]
        self._unwanted.clear()
        if not heavy:
            return None
        for mark in heavy:
            self._refused[mark] = None
        while len(self._refused) > ELEPHANTS_MAX:
            del self._refused[next(iter(self._refused))]
        return list(self._refused)


def _mark(data: bytes, addresses: int, width: int, transport: int) -> int:
    low = addresses + width - 4
    return four(data, transport) ^ four(data, low) ^ four(data, low + width)


def _is_start(data: bytes, at: int) -> bool:
    """Whether the payload starts with a TLS handshake record or an HTTP request."""
    if at + 4 > len(data):
        return False
    first = data[at]
    if first == 0x16:
        return data[at + 1] == 3
    if (first < 0x43 or first > 0x55) and first != 0x0D:  # C to U
        return False
    return data[at : at + 4] in STARTS_SET
