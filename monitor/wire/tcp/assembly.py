"""Puts bytes that arrive in pieces, out of order and repeatedly, into order, each byte once.

TCP segments and the CRYPTO frames of QUIC (RFC 9000 section 19.6) are the same problem: offset and bytes. Bytes in
order bypass this module; `Assembly` only keeps pieces that arrived too early.
"""

from typing import Final, final

from mypy_extensions import mypyc_attr

# The cost of a kept piece in addition to its bytes, so that a flood of tiny pieces reaches the same limit.
PIECE_OVERHEAD: Final = 64


@mypyc_attr(acyclic=True)
@final
class Assembly:
    """`position` is the offset of the next byte in order; `held` is the cost of the kept pieces, in bytes.

    If pieces overlap with different content, the one that starts earlier counts; returned bytes never change.
    """

    __slots__ = ("held", "offsets", "pieces", "position")

    def __init__(self) -> None:
        self.position = 0
        self.held = 0
        self.offsets: list[int] = []
        self.pieces: list[bytes] = []

    def hold(self, offset: int, piece: bytes) -> None:
        """Keeps a piece for later, in the order of the offsets."""
        low = 0
        at = len(self.offsets)
        while low < at:
            middle = (low + at) // 2
            if self.offsets[middle] > offset:
                at = middle
            else:
                low = middle + 1
        if at > 0 and self.offsets[at - 1] == offset and len(self.pieces[at - 1]) >= len(piece):
            return
        self.offsets.insert(at, offset)
        self.pieces.insert(at, piece)
        self.held += len(piece) + PIECE_OVERHEAD

    def take(self) -> bytes:
        """Returns the next piece in order without the bytes already returned, `b""` before a hole or at the end."""
        while self.offsets and self.offsets[0] <= self.position:
            behind = self.position - self.offsets.pop(0)
            piece = self.pieces.pop(0)
            self.held -= len(piece) + PIECE_OVERHEAD
            if behind < len(piece):
                self.position += len(piece) - behind
                return piece[behind:]
        return b""

    def skip_hole(self) -> None:
        """Continues after the hole, with the first kept piece."""
        if self.offsets and self.offsets[0] > self.position:
            self.position = self.offsets[0]
