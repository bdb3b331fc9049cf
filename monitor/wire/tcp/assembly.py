"""Bytes that arrive in pieces, out of order and more than once, handed on in order and once.

TCP segments and the CRYPTO frames of QUIC (RFC 9000 section 19.6) are the same problem: offset and bytes. What is
in order never comes here; `Assembly` only keeps what arrived too early.
"""

from typing import Final, final

from mypy_extensions import mypyc_attr

# What a kept piece costs beyond its bytes, so that a flood of tiny pieces meets the same limit.
PIECE_OVERHEAD: Final = 64


@mypyc_attr(acyclic=True)
@final
class Assembly:
    """`position` is the offset of the next byte in order; `held` is what the kept pieces cost, in bytes.

    Where pieces overlap with different content, the one that starts earlier counts; bytes that were handed on
    are never taken back.
    """

    __slots__ = ("held", "offsets", "pieces", "position")

    def __init__(self) -> None:
        self.position = 0
        self.held = 0
        self.offsets: list[int] = []
        self.pieces: list[bytes] = []

    def hold(self, offset: int, piece: bytes) -> None:
        """Keep a piece for later, in the order of the offsets."""
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
        """The next piece in order without what was handed on already, `b""` where a hole or nothing follows."""
        while self.offsets and self.offsets[0] <= self.position:
            behind = self.position - self.offsets.pop(0)
            piece = self.pieces.pop(0)
            self.held -= len(piece) + PIECE_OVERHEAD
            if behind < len(piece):
                self.position += len(piece) - behind
                return piece[behind:]
        return b""

    def skip_hole(self) -> None:
        """Go on behind the hole: the first kept piece is next."""
        if self.offsets and self.offsets[0] > self.position:
            self.position = self.offsets[0]
