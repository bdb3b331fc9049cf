"""Plays capture files through the pipeline: frames, observations, effects, events."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from monitor.capture.file import CaptureFile
from monitor.capture.timeline import Timeline
from monitor.catalog.index import Index
from monitor.config.sections import Config
from monitor.config.settings import core_settings
from monitor.core.books.rows import Row
from monitor.core.effects import Effect, VerdictEvent
from monitor.core.gateway import Gateway
from monitor.core.settings import PACKETS, Lookup
from monitor.errors import ErrorCounts
from monitor.events.eve import eve_line, eve_type
from monitor.events.writer import EventWriter
from monitor.model import Event, Observation, Samples
from monitor.wire.batch import BatchDecoder
from monitor.wire.decoder import Decoder


@dataclass(frozen=True)
class Rules:
    """Configuration, lists and event writer for all files; `writer` is None if no events are written."""

    config: Config
    index: Index
    lookup: Lookup | None
    writer: EventWriter | None


class Playback:
    """Files as one timeline: names and flows of one file are known in the later ones.

    Iterate over `batches()` for progress, then call `finish()`, also after an interruption.
    """

    def __init__(self, paths: Sequence[str], rules: Rules, errors: ErrorCounts) -> None:
        self.capture = Timeline([CaptureFile(path, errors) for path in paths])
        self._paths = tuple(paths)
        self.frames = 0
        self.now = 0.0
        self._rules = rules
        self._decoder = BatchDecoder(Decoder(rules.config.limits, errors, count_packets=True))
        self._gateway: Gateway | None = None

    def batches(self) -> Iterator[int]:
        """Processes one batch after the other; yields the number of frames so far."""
        seen: list[Observation] = []
        for frames in self.capture.batches():
            if self._gateway is None:
                self._gateway = self._open(frames[0].time)
            self._decoder.decode(frames, seen)
            self.now = max(self.now, frames[-1].time)
            self._write(self._gateway.feed(seen, self.now))
            seen.clear()
            self.frames += len(frames)
            yield self.frames

    def finish(self) -> tuple[list[Row], Samples]:
        """Ends all flows; returns the rows of traffic and the metric samples."""
        if self._gateway is None:
            return [], {}
        seen: list[Observation] = []
        self._decoder.finish(seen)
        self._write(self._gateway.feed(seen, self.now))
        self._write(self._gateway.close(self.now))
        return self._gateway.rows(), self._gateway.snapshot()

    def _open(self, now: float) -> Gateway:
        rules = self._rules
        events = frozenset(rules.config.events.types if rules.writer is not None else ())
        interfaces = tuple(self.capture.interfaces)
        settings = core_settings(rules.config, PACKETS, interfaces, events=events, lookup=rules.lookup)
        return Gateway(settings, rules.index, now)

    def _write(self, effects: list[Effect]) -> None:
        writer = self._rules.writer
        if writer is not None:
            for effect in effects:
                if isinstance(effect, Event | VerdictEvent):
                    writer.write(eve_type(effect), eve_line(effect, self._paths))
