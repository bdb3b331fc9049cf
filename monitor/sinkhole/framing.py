"""DNS messages in a TCP stream: each has a length prefix of two bytes (RFC 1035 section 4.2.2)."""

from typing import Final, final

LENGTH: Final = 2


@final
class Framer:
    """Reassembles messages of at most `size_max` bytes from segments of any size."""

    def __init__(self, size_max: int) -> None:
        self._size_max = size_max
        self._held = bytearray()

    def feed(self, data: bytes) -> None:
        self._held += data

    def take(self) -> bytes | None:
        """Returns the next complete message, None if there is none yet."""
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
        """Whether the next message is longer than `size_max`."""
        return len(self._held) >= LENGTH and (self._held[0] << 8 | self._held[1]) > self._size_max


def framed(data: bytes) -> bytes:
    return bytes((len(data) >> 8, len(data) & 255)) + data
