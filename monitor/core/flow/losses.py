"""When the capture lost frames: what began then may have been named by one of them."""

from typing import Final, final

LOSSES_MAX: Final = 64
NEAR_SECONDS: Final = 5.0  # how late a flow may say its name, or be read of from conntrack while much waits


@final
class Losses:
    """Spans of time, oldest first; of more than `LOSSES_MAX` the oldest is forgotten."""

    __slots__ = ("spans",)

    def __init__(self) -> None:
        self.spans: list[tuple[float, float]] = []

    def note(self, since: float, until: float) -> None:
        """Frames were lost at some time after `since`, at `until` at the latest; spans come in order."""
        spans = self.spans
        if spans and since - spans[-1][1] < NEAR_SECONDS:
            since = min(since, spans.pop()[0])
        spans.append((since, until))
        if len(spans) > LOSSES_MAX:
            del spans[0]

    def touch(self, start: float) -> bool:
        """Whether the hello of a flow that began at `start` may have been lost."""
        for since, until in reversed(self.spans):
            if start > until + NEAR_SECONDS:
                return False
            if start + NEAR_SECONDS > since:
                return True
        return False

    def step(self, seconds: float) -> None:
        """The clock was set."""
        self.spans = [(since + seconds, until + seconds) for since, until in self.spans]
