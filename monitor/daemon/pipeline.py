"""The pipeline for live traffic, and the driver that runs it whenever input is ready."""

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
EVENTS_A_LOOK: Final = 64  # events written between two reads of the clock
EVENTS_WAITING_MAX: Final = 400_000
EVENTS_PER_FRAME: Final = 4  # kernel events per frame: an event costs less than a frame, and a lost event loses bytes


@final
class Pace:
    """How many frames one turn may read, so that other work on the loop still runs during a flood.

    Building a page of metrics takes about forty steps, and a turn may run between any two: ten milliseconds per turn
    are acceptable.
    """

    def __init__(self) -> None:
        self.frames = FRAMES_MAX

    def note(self, seconds: float) -> None:
        """Adapts the limit to the duration of the last turn."""
        if seconds > TURN_SECONDS_MAX:
            self.frames = max(FRAMES_MIN, self.frames // 2)
        elif seconds < TURN_SECONDS_MAX / 3:
            self.frames = min(FRAMES_MAX, self.frames * 2)


@final
class Pipeline:
    """All stages from capture to the core's counters. Metrics read `gateway.snapshot()` on a scrape.

    `perform` executes the effects before any event is written. `clock_set` receives the clock step in seconds.
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
        """Runs the pipeline once, on a bounded amount of pending input."""
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
        """Returns the time. After a clock step it notifies all parts; pending frames may still have old timestamps."""
        now, moved = self.clock.look()
        if moved:
            log.warning("the clock was set by %+.0f s", moved)
            self.gateway.step(moved)
            self._looked += moved
            self._unsettled = now + UNSETTLED_SECONDS
            self._clock_set(moved)
        return now

    def tick(self) -> None:
        """Advances time, also while there is no traffic."""
        now = self.now()
        self._look_for_losses(now)
        effects = self.gateway.tick(now)
        self._perform(effects)
        self.write(effects)
        if self.writer is not None:
            self.writer.flush()
        self.kernel.dump_when_due()

    def _look_for_losses(self, now: float) -> None:
        """Reports packet losses to the gateway before it counts anything. Conntrack's reports of flows that began
        meanwhile may still be unread.
        """
        if now < self.gateway.next_wakeup():
            return
        lost = self.capture.dropped()
        self._losing = lost > self._lost or (self._losing and self.kernel.is_behind())
        if self._losing:
            self.gateway.lose(min(self._looked or now, now), now)
        self._lost = lost
        self._looked = now

    def write(self, effects: list[Effect]) -> None:
        """Queues events for `write_some`. Events beyond the maximum are dropped, oldest first, and counted."""
        if self.writer is None:
            return
        waiting = self._waiting
        waiting.extend(effect for effect in effects if isinstance(effect, Event | VerdictEvent))
        while len(waiting) > EVENTS_WAITING_MAX:
            waiting.popleft()
            self.writer.dropped += 1

    def write_some(self, seconds: float) -> int:
        """Writes queued events for at most `seconds`: thousands of flows may end at once. Returns how many remain."""
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
    """Calls `turn` once when descriptors are readable, and `tick` at the gateway's next wakeup."""

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
        """Watches the descriptors that are open now."""
        wanted = {*self._line.capture.filenos(), *self._line.kernel.filenos()}
        for fileno in self._watched - wanted:
            self._loop.remove_reader(fileno)
        for fileno in wanted - self._watched:
            self._loop.add_reader(fileno, self._wake)
        self._watched = wanted

    def forget(self) -> None:
        """Stops watching all descriptors. Call it before closing any: their numbers may be reused."""
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
        """Writes a slice of the queued events, and schedules the next slice behind other work on the loop."""
        if not self._stopped and not self._writes and self._line.write_some(TURN_SECONDS_MAX):
            self._writes = True
            self._loop.call_soon(self._go_on_writing)

    def _go_on_writing(self) -> None:
        self._writes = False
        self._write()
