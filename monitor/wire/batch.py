"""Runs whole batches of frames through the decoder, so that no loop over frames runs outside of the compiled core."""

import math
from typing import Final, final

from monitor.model import Frame, Observation
from monitor.wire.decoder import Decoder

EXPIRE_SECONDS: Final = 1.0


@final
class BatchDecoder:
    """A decoder that expires waiting state by the frames' own clock, independent of how batches are split."""

    __slots__ = ("_due", "decoder")

    def __init__(self, decoder: Decoder) -> None:
        self.decoder = decoder
        self._due = 0.0

    def decode(self, frames: list[Frame], out: list[Observation]) -> None:
        """Appends the observations of the frames. Follows a clock that jumps, backwards too."""
        decoder = self.decoder
        due = self._due
        for frame in frames:
            if frame.time >= due or frame.time < due - EXPIRE_SECONDS:
                decoder.expire(frame.time)
                decoder.drain(out)
                due = frame.time + EXPIRE_SECONDS
            decoder.decode(frame, out)
        self._due = due

    def finish(self, out: list[Observation]) -> None:
        """Appends the packets that still wait for other fragments. Call it after the last frame."""
        self.decoder.expire(math.inf)
        self.decoder.drain(out)
