"""The daemon: its parts, and what they do when policy, machine or clock change."""

import asyncio
import time
from collections.abc import Coroutine, Sequence
from math import inf
from typing import Any, Final

from monitor.capture.live import LiveCapture
from monitor.config.policy import EffectivePolicyCache, build_policy, configured_standing
from monitor.config.sections import Config
from monitor.core.effects import Effect
from monitor.core.gateway import Gateway
from monitor.core.settings import CONNTRACK, PACKETS, Lookup
from monitor.daemon.ban_watch import BanWatch
from monitor.daemon.clock import TimeZone
from monitor.daemon.kernel import KernelSide
from monitor.daemon.loop_stall import Stall
from monitor.daemon.notify import Notifier
from monitor.daemon.overrides import OverrideStore
from monitor.daemon.pipeline import LoopDriver, Pipeline
from monitor.daemon.recorder import Recorder
from monitor.daemon.running import Running, context_of, local_of, settings_of
from monitor.enforcement.controller import Enforcement
from monitor.enforcement.selftest_schedule import SelftestSchedule
from monitor.errors import ErrorCounts
from monitor.kernel.netlink.interfaces import Machine
from monitor.lan.interface_roles import remember_ways_out
from monitor.lists.loader import Loaded
from monitor.log import log
from monitor.policy.overrides import EffectivePolicy
from monitor.wire.batch import BatchDecoder
from monitor.wire.decoder import Decoder

FAULT_SECONDS: Final = 60.0
EXPIRY_SECONDS_MAX: Final = 3600.0  # an upper limit, because the clock may be set meanwhile


class Daemon:
    """All parts of the daemon, and the `running` state. Must be constructed inside the loop.

    `named` are the interfaces given on the command line, `ways_out` those that have ever had a default route. `life.py`
    starts and stops the daemon.
    """

    def __init__(
        self,
        running: Running,
        capture: LiveCapture,
        kernel: KernelSide,
        orders: OverrideStore,
        named: Sequence[str],
        flows: str,
        ways_out: frozenset[str],
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.ended = asyncio.Event()
        self.running = running
        self.named = named
        self.flows = flows
        self.started = time.time()
        self.errors = ErrorCounts()
        self.capture = capture
        self.kernel = kernel
        self.orders = orders
        self.ways_out = ways_out
        self.notifier = Notifier()
        self.stall = Stall(self.loop)
        self._expiry: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._standings = EffectivePolicyCache()
        self._fault_told = 0.0
        self.decoder = BatchDecoder(Decoder(self.config.limits, self.errors, count_packets=flows == PACKETS))
        self.gateway = Gateway(settings_of(running, capture, flows), running.loaded.index, self.started)
        self.line = Pipeline(capture, kernel, self.decoder, self.gateway, self._perform, self._follow_clock)
        self.line.writer = running.writer
        self.turning = LoopDriver(self.loop, self.line)
        self.enforcement = Enforcement(
            self.loop,
            self.gateway,
            self.line.turn,
            self.line.now,
            self.sees,
            self.line.write,
            context_of(running, capture, flows),
        )
        self.zone = TimeZone(self.loop, lambda: self.begin(self.take_policy()))
        self.assurance = SelftestSchedule(self.loop, self.enforcement)
        self.bans = BanWatch(
            self.loop, self.gateway, self.enforcement, self.line.now, lambda: self.running, self.standing
        )
        self.record = Recorder(self.loop, self.gateway, self.config, self.enforcement.samples)
        self.loop.set_exception_handler(self._fault)
        self.look_around()

    @property
    def config(self) -> Config:
        return self.running.config

    @property
    def machine(self) -> Machine:
        return self.running.machine

    @property
    def loaded(self) -> Loaded:
        return self.running.loaded

    @property
    def lookup(self) -> Lookup | None:
        return self.running.lookup

    def standing(self) -> EffectivePolicy:
        """Returns the configured policy with all run-time overrides applied."""
        return self.orders.standing(self.configured(), self.line.now())

    def configured(self) -> EffectivePolicy:
        """Returns the policy of the configuration alone."""
        return self._standings.of(self.config, self.loaded.index)

    async def prepare_policy(self, running: Running) -> None:
        """Does the slow part of `take_policy` in advance, before `running` is swapped in."""
        configured = configured_standing(running.config, running.loaded.index)
        policy = build_policy(running.config, self.orders.standing(configured, self.line.now()))
        await self.enforcement.prepare(policy, context_of(running, self.capture, self.flows))

    def swap(self, running: Running) -> None:
        """Replaces the `running` state, without waiting for anything. The caller must call `take_policy` afterwards."""
        self.running = running
        self.orders.folder = running.config.state.path
        self.line.writer = running.writer
        self.look_around()
        settings = settings_of(running, self.capture, self.flows)
        self.gateway.reload(settings, running.loaded.index, self.line.now())
        self.decoder.decoder.resize(running.config.limits)
        self.record.configure(running.config)

    async def take_policy(self) -> None:
        """Puts the policy of `standing` in force. Schedules another call for when the next override expires."""
        policy = build_policy(self.config, self.standing())
        self.bans.begin(policy.bans)
        await self.enforcement.govern(policy, context_of(self.running, self.capture, self.flows))
        self.bans.look()
        if self._expiry is not None:
            self._expiry.cancel()
        now = self.line.now()
        due = self.orders.next_expiry(now)
        if due < inf:
            wait = min(due - now, EXPIRY_SECONDS_MAX)
            self._expiry = self.loop.call_later(wait, lambda: self.begin(self.take_policy()))

    def stand_on(self, running: Running, anew: bool = False) -> None:
        """Passes the machine's new state to all parts. The flag makes the core reload even if no setting changed."""
        before = settings_of(self.running, self.capture, self.flows)
        self.running = running
        if not self.machine.default_routes <= self.ways_out:
            self.ways_out |= self.machine.default_routes
            remember_ways_out(self.config, self.machine, self.ways_out)
        self.look_around()
        after = settings_of(self.running, self.capture, self.flows)
        if anew or after != before:
            self.gateway.reload(after, self.loaded.index, self.line.now())

    def look_around(self) -> None:
        """Passes the machine's state, the captured interfaces and the local prefixes to `kernel`."""
        capture = self.capture
        self.kernel.look_around(self.machine, capture.names, capture.watched, local_of(self.running, capture))

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Runs `work` as a background task; keeps a reference until it is done."""
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def sees(self) -> bool:
        """Whether any interface is captured. Without capture, bans must not be enforced."""
        return len(self.capture.down()) < len(self.capture.watched)

    def chooses(self) -> bool:
        """Whether the daemon chooses the interfaces, because command line and configuration name none."""
        return not self.named and not self.config.capture.interfaces

    def describe(self) -> str:
        entries = sum(status.entries for status in self.loaded.statuses)
        where = f", metrics at http://{self.config.metrics.listen}/metrics" if self.running.server else ""
        counted = "conntrack's counters" if self.flows == CONNTRACK else "packets"
        return f"{len(self.loaded.statuses)} lists with {entries} entries, bytes from {counted}{where}"

    def _perform(self, effects: list[Effect]) -> None:
        self.enforcement.perform(effects)

    def _follow_clock(self, moved: float) -> None:
        """Adapts to a clock step of `moved` seconds: learned entries keep their age, timed overrides keep their
        remaining time, schedules are evaluated again.
        """
        self.enforcement.learning.step(moved)
        if self.orders.step(moved):
            standing = self.standing()
            # Immediate: otherwise bans that have not expired would stay inactive until the next policy.
            self.gateway.move_ends(standing.bans, standing.exemptions, standing.paused_until)
            self.begin(self._save_orders())
        self.begin(self.take_policy())

    async def _save_orders(self) -> None:
        """Saves the overrides. `OverrideStore` reports failures."""
        await self.orders.save()

    def _fault(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Handles an uncaught error: logs at most one a minute, and the loop continues."""
        error = context.get("exception")
        if isinstance(error, BrokenPipeError):
            self.ended.set()  # the reader of the events on standard output has closed the pipe
            return
        now = time.monotonic()
        if now - self._fault_told >= FAULT_SECONDS:
            self._fault_told = now
            log.error("a defect of gatewatch: %s: %r", context.get("message", ""), error)
