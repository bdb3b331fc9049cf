"""DNS over TCP: messages behind two bytes of length each (RFC 1035 section 4.2.2, RFC 7766 section 8).

One `DnsStream` a direction. Bytes come in order, cut anywhere; messages go out with the packet that completed them,
any number in one segment. A message that lies in one segment is read where it lies, only a cut one is copied.
"""

from typing import Final, final

from mypy_extensions import mypyc_attr

from monitor.errors import ErrorCounts
from monitor.model import DNS, Observation, Packet
from monitor.wire.dns.heuristic import has_dns_header
from monitor.wire.dns.message import HEADER, parse_message
from monitor.wire.integers import two

LENGTH: Final = 2
# What a message needs to be judged before it is there: its length and its header.
HEAD: Final = LENGTH + HEADER


@mypyc_attr(acyclic=True)
@final
class DnsStream:
    """See the module.

    It holds at most one message, 65,537 bytes; `held` says how many bytes that are now, for the caller's budget.
    The first bytes after the start or a `reset()` must look like a message, as a stream may be joined in its
    middle; later ones are trusted to follow each other.
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
        """Forgets the message that was begun: bytes are missing, the next are taken for the start of one."""
        self._held.clear()
        self._sure = False

    def feed(self, packet: Packet, data: bytes, start: int, end: int, out: list[Observation]) -> bool:
        """Appends the messages that `data[start:end]` completes; False as soon as this is no stream of DNS messages.

        After False nothing more should be fed before a `reset()`.
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
