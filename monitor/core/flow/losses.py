"""Periods in which the capture lost frames: a lost frame may have carried the name of a flow that started then."""

from typing import Final, final

LOSSES_MAX: Final = 64
NEAR_SECONDS: Final = 5.0  # how late a flow may send its name, or be read from conntrack under load


@final
class Losses:
    """The spans of time in which frames were lost, oldest first. Keeps the newest `LOSSES_MAX`."""

    __slots__ = ("spans",)

    def __init__(self) -> None:
        self.spans: list[tuple[float, float]] = []

    def note(self, since: float, until: float) -> None:
        """Records that frames were lost between `since` and `until`. The caller records spans in the order of time."""
        spans = self.spans
        if spans and since - spans[-1][1] < NEAR_SECONDS:
            since = min(since, spans.pop()[0])
        spans.append((since, until))
        if len(spans) > LOSSES_MAX:
            del spans[0]

    def touch(self, start: float) -> bool:
        """Whether the ClientHello of a flow that started at `start` may have been lost."""
        for since, until in reversed(self.spans):
            if start > until + NEAR_SECONDS:
                return False
            if start + NEAR_SECONDS > since:
                return True
        return False

    def step(self, seconds: float) -> None:
        """Shifts the spans after a clock step."""
        self.spans = [(since + seconds, until + seconds) for since, until in self.spans]
