"""The straight line for live traffic, and the loop that turns it whenever something waits."""

import time
from asyncio import AbstractEventLoop
from collections import deque
from collections.abc import Callable
from typing import Final, final

from monitor.capture.live import LiveCapture
from monitor.core.effects import Effect, VerdictEvent
from monitor.core.gateway import Gateway
from monitor.daemon.clock import STEP_SECONDS, Clock
from monitor.daemon.kernel import KernelSide
from monitor.events.eve import eve_line, eve_type
from monitor.events.writer import EventWriter
from monitor.log import log
from monitor.model import Event, Observation
from monitor.wire.batch import BatchDecoder

UNSETTLED_SECONDS: Final = 5.0
TICK_SECONDS_MIN: Final = 0.05
TICK_SECONDS_MAX: Final = 1.0
TURN_SECONDS_MAX: Final = 0.01
FRAMES_MIN: Final = 16
FRAMES_MAX: Final = 512
EVENTS_A_LOOK: Final = 64  # between two looks at the clock
EVENTS_WAITING_MAX: Final = 400_000
EVENTS_PER_FRAME: Final = 4  # they cost less, and one that is lost loses bytes


@final
class Pace:
    """How much a turn may take of each source, so that under a flood the loop still comes round to everybody else.

    A page of metrics is made in some forty steps between which a turn may fall: ten milliseconds each are bearable.
    """

    def __init__(self) -> None:
        self.frames = FRAMES_MAX

    def note(self, seconds: float) -> None:
        """How long the last turn took."""
        if seconds > TURN_SECONDS_MAX:
            self.frames = max(FRAMES_MIN, self.frames // 2)
        elif seconds < TURN_SECONDS_MAX / 3:
            self.frames = min(FRAMES_MAX, self.frames * 2)


@final
class Pipeline:
    """Everything between the wire and the numbers. Metrics read `gateway.snapshot()` when Prometheus asks.

    `perform` does what the effects ask for, before anything is written; `clock_set` is told by how much the clock
    was set.
    """

    def __init__(
        self,
        capture: LiveCapture,
        kernel: KernelSide,
        decoder: BatchDecoder,
        gateway: Gateway,
        perform: Callable[[list[Effect]], None],
        clock_set: Callable[[float], None],
    ) -> None:
        self.capture = capture
        self.kernel = kernel
        self.decoder = decoder
        self.gateway = gateway
        self.writer: EventWriter | None = None
        self._perform = perform
        self._waiting: deque[Event | VerdictEvent] = deque()
        self.pace = Pace()
        self.clock = Clock()
        self._clock_set = clock_set
        self._unsettled = 0.0
        self._lost = 0
        self._losing = False
        self._looked = 0.0

    def turn(self) -> None:
        """The straight line, once: a bounded part of what waits."""
        seen: list[Observation] = []
        frames = self.capture.read(self.pace.frames)
        now = self.now()
        if now < self._unsettled:
            for frame in frames:
                if abs(frame.time - now) > STEP_SECONDS:
                    frame.time = now
        self._look_for_losses(now)
        self.decoder.decode(frames, seen)
        self.kernel.read(now, self.pace.frames * EVENTS_PER_FRAME, seen)
        effects = self.gateway.feed(seen, now)
        self._perform(effects)
        self.write(effects)

    def now(self) -> float:
        """The time; where the clock was set, everything follows it. Frames that wait may have stamps of before."""
        now, moved = self.clock.look()
        if moved:
            log.warning("the clock was set by %+.0f s", moved)
            self.gateway.step(moved)
            self._looked += moved
            self._unsettled = now + UNSETTLED_SECONDS
            self._clock_set(moved)
        return now

    def tick(self) -> None:
        """Time goes on also where nothing is seen."""
        now = self.now()
        self._look_for_losses(now)
        effects = self.gateway.tick(now)
        self._perform(effects)
        self.write(effects)
        if self.writer is not None:
            self.writer.flush()
        self.kernel.dump_when_due()

    def _look_for_losses(self, now: float) -> None:
        """The gateway hears of them before it counts anything. Flows that began meanwhile may still wait to be told."""
        if now < self.gateway.next_wakeup():
            return
        lost = self.capture.dropped()
        self._losing = lost > self._lost or (self._losing and self.kernel.is_behind())
        if self._losing:
            self.gateway.lose(min(self._looked or now, now), now)
        self._lost = lost
        self._looked = now

    def write(self, effects: list[Effect]) -> None:
        """Takes what is to be written; `write_some` writes it. What waits beyond the maximum is lost and counted."""
        if self.writer is None:
            return
        waiting = self._waiting
        waiting.extend(effect for effect in effects if isinstance(effect, Event | VerdictEvent))
        while len(waiting) > EVENTS_WAITING_MAX:
            waiting.popleft()
            self.writer.dropped += 1

    def write_some(self, seconds: float) -> int:
        """Writes for so long at the most, because thousands of flows may end at once; returns how many still wait."""
        waiting, writer = self._waiting, self.writer
        if writer is None:
            waiting.clear()
        deadline = time.monotonic() + seconds
        while waiting and writer is not None and time.monotonic() < deadline:
            for _ in range(min(EVENTS_A_LOOK, len(waiting))):
                event = waiting.popleft()
                writer.write(eve_type(event), eve_line(event))
        return len(waiting)


@final
class LoopDriver:
    """Calls `turn` when a descriptor is readable, once for all of them, and `tick` when the gateway wants to wake."""

    def __init__(self, loop: AbstractEventLoop, line: Pipeline) -> None:
        self._loop = loop
        self._line = line
        self._watched: set[int] = set()
        self._waits = False
        self._writes = False
        self._stopped = False

    def start(self) -> None:
        self.watch()
        self._tick()

    def watch(self) -> None:
        """Follows the descriptors that are open now."""
        wanted = {*self._line.capture.filenos(), *self._line.kernel.filenos()}
        for fileno in self._watched - wanted:
            self._loop.remove_reader(fileno)
        for fileno in wanted - self._watched:
            self._loop.add_reader(fileno, self._wake)
        self._watched = wanted

    def forget(self) -> None:
        """Lets go of every descriptor, before some of them are closed: their numbers may come again for others."""
        for fileno in self._watched:
            self._loop.remove_reader(fileno)
        self._watched = set()

    def stop(self) -> None:
        self._stopped = True
        self.forget()

    def _wake(self) -> None:
        if not self._waits:
            self._waits = True
            self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        self._waits = False
        if self._stopped:
            return
        began = self._loop.time()
        self._line.turn()
        self._line.pace.note(self._loop.time() - began)
        self._write()

    def _tick(self) -> None:
        if self._stopped:
            return
        wait = self._line.gateway.next_wakeup() - time.time()
        self._loop.call_later(min(max(wait, TICK_SECONDS_MIN), TICK_SECONDS_MAX), self._tick)
        self._line.tick()
        self._write()

    def _write(self) -> None:
        """A slice of the events that wait; the next one once everybody else had a turn."""
        if not self._stopped and not self._writes and self._line.write_some(TURN_SECONDS_MAX):
            self._writes = True
            self._loop.call_soon(self._go_on_writing)

    def _go_on_writing(self) -> None:
        self._writes = False
        self._write()
