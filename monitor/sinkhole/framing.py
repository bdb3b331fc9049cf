"""Messages in a TCP stream: two bytes of length before each (RFC 1035 section 4.2.2)."""

from typing import Final, final

LENGTH: Final = 2


@final
class Framer:
    """Bytes in, cut anywhere; whole messages out, none longer than `size_max`."""

    def __init__(self, size_max: int) -> None:
        self._size_max = size_max
        self._held = bytearray()

    def feed(self, data: bytes) -> None:
        self._held += data

    def take(self) -> bytes | None:
        """The next whole message, None where there is none yet."""
        held = self._held
        if len(held) < LENGTH:
            return None
        end = LENGTH + (held[0] << 8 | held[1])
        if len(held) < end:
            return None
        message = bytes(held[LENGTH:end])
        del held[:end]
        return message

    @property
    def is_oversized(self) -> bool:
        """Whether the next message is longer than anybody needs."""
        return len(self._held) >= LENGTH and (self._held[0] << 8 | self._held[1]) > self._size_max


def framed(data: bytes) -> bytes:
    return bytes((len(data) >> 8, len(data) & 255)) + data
