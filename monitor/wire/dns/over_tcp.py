"""Reads DNS over TCP: each message follows two bytes of length (RFC 1035 section 4.2.2, RFC 7766 section 8).

There is one `DnsStream` per direction. Bytes arrive in order, cut anywhere; a message is reported with the packet that
completed it, any number per segment. A message inside one segment is read in place, only a split one is copied.
"""

from typing import Final, final

from mypy_extensions import mypyc_attr

from monitor.errors import ErrorCounts
from monitor.model import DNS, Observation, Packet
from monitor.wire.dns.heuristic import has_dns_header
from monitor.wire.dns.message import HEADER, parse_message
from monitor.wire.integers import two

LENGTH: Final = 2
# Bytes needed to check a message before it is complete: its length and its header.
HEAD: Final = LENGTH + HEADER


@mypyc_attr(acyclic=True)
@final
class DnsStream:
    """One direction of DNS over TCP.

    It holds at most one message, 65,537 bytes; `held` is the number of bytes now, for the caller's budget. The first
    bytes after the start or a `reset()` must look like a message, because a stream may be joined in its middle; later
    messages are trusted to follow each other.
    """

    __slots__ = ("_held", "_sure", "errors", "service")

    def __init__(self, errors: ErrorCounts, service: int = DNS) -> None:
        self.errors = errors
        self.service = service
        self._held = bytearray()
        self._sure = False

    @property
    def held(self) -> int:
        return len(self._held)

    def reset(self) -> None:
        """Drops a partial message after lost bytes; the next bytes must start a message."""
        self._held.clear()
        self._sure = False

    def feed(self, packet: Packet, data: bytes, start: int, end: int, out: list[Observation]) -> bool:
        """Appends the messages that `data[start:end]` completes. Returns false if this is not a stream of DNS messages.

        After false, call `reset()` before the next `feed`.
        """
        if self._held:
            self._held += data[start:end]
            if self._sure and not self._is_whole():
                return True
            data = bytes(self._held)
            self._held.clear()
            start = 0
            end = len(data)
        while end - start >= LENGTH:
            size = two(data, start)
            if size < HEADER or not self._is_sure(data, start, end):
                self.errors.add("dns", "malformed")
                return False
            behind = start + LENGTH + size
            if behind > end:
                break
            message = parse_message(packet, data, start + LENGTH, behind, self.service, True, self.errors)
            if message is not None:
                out.append(message)
                self._sure = True
            elif not self._sure:
                return False
            start = behind
        self._held += data[start:end]
        return True

    def _is_whole(self) -> bool:
        held = self._held
        return len(held) >= LENGTH and len(held) - LENGTH >= (held[0] << 8 | held[1])

    def _is_sure(self, data: bytes, start: int, end: int) -> bool:
        return self._sure or end - start < HEAD or has_dns_header(data, start + LENGTH)
