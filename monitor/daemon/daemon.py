"""The daemon: what it is made of, how it starts, and how it ends."""

import asyncio
import gc
import signal
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from ipaddress import ip_address
from math import inf
from typing import Any, Final

from monitor.capture.live import LiveCapture
from monitor.catalog.index import Index
from monitor.config.ban_faults import refuse_unknown
from monitor.config.policy import EffectivePolicyCache, build_policy, configured_standing
from monitor.config.sections import Config
from monitor.config.settings import core_settings, open_lookup, user_lists
from monitor.config.values import Endpoint
from monitor.core.effects import Effect
from monitor.core.gateway import Gateway
from monitor.core.settings import CONNTRACK, PACKETS, PSEUDONYM, Lookup, Settings
from monitor.daemon.ban_watch import BanWatch, Running
from monitor.daemon.clock import TimeZone
from monitor.daemon.kernel import KernelSide
from monitor.daemon.loop_stall import Stall
from monitor.daemon.network_watch import NetworkWatcher
from monitor.daemon.notify import Notifier
from monitor.daemon.overrides import OverrideStore
from monitor.daemon.pipeline import LoopDriver, Pipeline
from monitor.daemon.pseudonyms import pseudonym_key
from monitor.daemon.recorder import Recorder
from monitor.daemon.report import (
    capture_samples,
    conntrack_samples,
    decode_samples,
    last_words,
    limit_samples,
    list_lines,
    list_samples,
)
from monitor.daemon.resources import open_writer
from monitor.daemon.site import facts_of, serve
from monitor.enforcement.context import EnforcementContext
from monitor.enforcement.controller import Enforcement
from monitor.enforcement.selftest_schedule import SelftestSchedule
from monitor.errors import ErrorCounts
from monitor.events.writer import EventWriter
from monitor.kernel.netlink.interfaces import Machine, look_at_machine
from monitor.lan.bridges import pure_bridges, sees_bridged
from monitor.lan.flow_counts import FlowCounting
from monitor.lan.interface_roles import remember_ways_out, remembered_ways_out
from monitor.lan.interfaces import connected_prefixes, own_keys, vlan_parents
from monitor.lists.child import load_in_background
from monitor.lists.loader import Loaded
from monitor.log import log
from monitor.metrics.collector import Collector
from monitor.metrics.engine import build_samples
from monitor.model import Samples
from monitor.policy.overrides import EffectivePolicy
from monitor.web.http import HttpServer
from monitor.web.status import Facts
from monitor.wire.batch import BatchDecoder
from monitor.wire.decoder import Decoder

# Of the second in which we must be gone: for conntrack's last counters, and until when events are written.
FINAL_SECONDS: Final = 0.2
EVENTS_SECONDS: Final = 0.6
FAULT_SECONDS: Final = 60.0
SETTLE_SECONDS: Final = 5.0  # from a change of links until what leads where is believed: routes follow addresses
EXPIRY_SECONDS_MAX: Final = 3600.0  # the clock may be set meanwhile


class Daemon:
    """Everything that runs. `names` are the interfaces, `named` those of the command line, `counting` what counts.
    `lenient`: a subject that no list knows does not keep it from starting.
    """

    def __init__(
        self, config: Config, machine: Machine, names: Sequence[str], named: Sequence[str], counting: FlowCounting,
        lenient: bool = False,
    ) -> None:  # fmt: skip
        self.config = config
        self.named = named
        self.lenient = lenient
        self.machine = machine
        self.flows = counting.flows
        self.started = time.time()
        self.reload_fault = ""
        self.errors = ErrorCounts()
        self.capture = LiveCapture(names, counting.flows == PACKETS, untagged=vlan_parents(machine, names))
        self.notifier = Notifier()
        self.orders = OverrideStore(config.state.path, lambda line: log.warning("%s", line))
        self.orders.load(self.started)
        self.ways_out = machine.default_routes | remembered_ways_out(config)
        self._follow: Callable[[], Coroutine[Any, Any, None]]
        self._choosing: asyncio.TimerHandle | None = None
        self._expiry: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.server: HttpServer | None = None
        self.lookup: Lookup | None = None
        self._key = b""
        self._standings = EffectivePolicyCache()
        self._fault_told = 0.0

    async def open(self) -> None:
        """Takes hold of everything that may be refused, then begins. Raises GatewatchError, a line each."""
        self.loop = asyncio.get_running_loop()
        self.ended = asyncio.Event()
        self.loop.set_exception_handler(self._fault)
        self.lookup = open_lookup(self.config.geo)
        writer = open_writer(self.config)
        self.capture.open()
        remember_ways_out(self.config, self.machine, self.ways_out)
        self.kernel = KernelSide(with_conntrack=self.flows == CONNTRACK)
        self.look_around()
        self.stall = Stall(self.loop)
        self.loaded: Loaded = await load_in_background(user_lists(self.config))
        for line in list_lines(self.loaded.statuses):
            log.warning("%s", line)
        if not self.lenient:
            refuse_unknown(self.config, self.loaded.index)
        self._assemble(writer)
        self.server = await self.serve(self.config.metrics.listen)
        gc.collect()
        gc.freeze()  # what is here now stays: the collector need not look at it again

    def _assemble(self, writer: EventWriter | None) -> None:
        self.decoder = BatchDecoder(Decoder(self.config.limits, self.errors, count_packets=self.flows == PACKETS))
        self.gateway = Gateway(self.settings(self.config, self.lookup), self.loaded.index, time.time())
        self.line = Pipeline(self.capture, self.kernel, self.decoder, self.gateway, self._perform, self._follow_clock)
        self.line.writer = writer
        self.turning = LoopDriver(self.loop, self.line)
        self.enforcement = Enforcement(
            self.loop, self.gateway, self.line.turn, self.line.now, self.sees, self.line.write, self._ground()
        )
        self.zone = TimeZone(self.loop, lambda: self._begin(self.take_policy()))
        self.surroundings = NetworkWatcher(self.loop, self.kernel.links, self._look_again, self._adapt)
        self.assurance = SelftestSchedule(self.loop, self.enforcement)
        self.bans = BanWatch(self.loop, self.gateway, self.enforcement, self.line.now, self._running)
        self.record = Recorder(self.loop, self.gateway, self.config, self.enforcement.samples)

    def settings(self, config: Config, lookup: Lookup | None) -> Settings:
        """The core's settings on this machine as it is now."""
        if config.privacy.device == PSEUDONYM and not self._key:
            self._key = pseudonym_key(config.state.path, lambda line: log.warning("%s", line))
        names = tuple(self.capture.names)
        connected = connected_prefixes(self.machine, self.capture.watched)
        events = frozenset(config.events.types if config.events.path else ())
        settings = core_settings(config, self.flows, names, connected, events, lookup, self._key)
        return replace(settings, local=self._local(config), own=own_keys(self.machine))

    def _local(self, config: Config) -> tuple[str, ...]:
        """What is configured as inside, and what is on-link there: IPv6 prefixes of a LAN are global ones."""
        connected = connected_prefixes(self.machine, self.capture.watched) or {}
        on_link = [prefix for prefixes in connected.values() for prefix in prefixes]
        return tuple(dict.fromkeys([*map(str, config.capture.local), *on_link]))

    def standing(self) -> EffectivePolicy:
        """The policy that the configuration asks for, as changed at run time."""
        return self.orders.standing(self.configured(), self.line.now())

    def configured(self) -> EffectivePolicy:
        """The policy of the configuration alone."""
        return self._standings.of(self.config, self.loaded.index)

    def _running(self) -> Running:
        return Running(self.config, self.loaded, self.standing())

    async def prepare_policy(self, config: Config, lookup: Lookup | None, index: Index) -> None:
        """Does beforehand what takes long of `take_policy` after all this is taken, while nothing of it is."""
        standing = self.orders.standing(configured_standing(config, index), self.line.now())
        ground = replace(self._ground(), config=config, settings=self.settings(config, lookup), index=index)
        await self.enforcement.prepare(build_policy(config, standing), ground)

    async def take_policy(self) -> None:
        """Puts `standing` in force, now and whenever an order is over."""
        policy = build_policy(self.config, self.standing())
        self.bans.begin(policy.bans)
        await self.enforcement.govern(policy, self._ground())
        self.bans.look()
        if self._expiry is not None:
            self._expiry.cancel()
        now = self.line.now()
        due = self.orders.next_expiry(now)
        if due < inf:
            wait = min(due - now, EXPIRY_SECONDS_MAX)
            self._expiry = self.loop.call_later(wait, lambda: self._begin(self.take_policy()))

    def _ground(self) -> EnforcementContext:
        own = [str(ip_address(address.packed)) for one in self.machine.interfaces for address in one.addresses]
        settings = self.settings(self.config, self.lookup)
        names, forwards = self.machine.with_parts(self.capture.watched), self.machine.forwarding
        links = tuple(one for one in self.machine.interfaces if one.name in names)
        index, unrouted, sees = self.loaded.index, tuple(pure_bridges(self.machine, names)), sees_bridged()
        return EnforcementContext(self.config, settings, index, names, tuple(own), forwards, links, unrouted, sees)

    def _perform(self, effects: list[Effect]) -> None:
        self.enforcement.perform(effects)

    def _follow_clock(self, moved: float) -> None:
        """The clock was set, by so many seconds: what was learned keeps its age, what was ordered for a while lasts as
        long as before, and schedules are looked at anew.
        """
        self.enforcement.learning.step(moved)
        if self.orders.step(moved):
            standing = self.standing()
            # At once, or what has not ended would rest until the next policy.
            self.gateway.move_ends(standing.bans, standing.exemptions, standing.paused_until)
            self._begin(self._save_orders())
        self._begin(self.take_policy())

    async def _save_orders(self) -> None:
        """Whatever keeps the file from being written is told by the book."""
        await self.orders.save()

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Work that nobody waits for; it is kept until it is done."""
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def sees(self) -> bool:
        """Whether any interface is captured: who sees nothing must not ban."""
        return len(self.capture.down()) < len(self.capture.watched)

    async def serve(self, listen: Endpoint) -> HttpServer | None:
        """The site at that address, None where there shall be none."""
        if not listen.host:
            return None
        samples = [
            self._samples, lambda: self.gateway.snapshot(), self.enforcement.samples, self.enforcement.learning.samples,
            self.record.samples, self.assurance.samples, self.bans.samples, build_samples,
        ]  # fmt: skip
        histograms = [lambda: self.gateway.histograms(), self.enforcement.histograms]
        collector = Collector(samples, histograms, limit=lambda: self.config.limits.series)
        return await serve(listen, collector, self._facts, self.health, self.bans.degraded)

    def _facts(self) -> Facts:
        health, degraded = self.health(), self.bans.degraded()
        states, statuses = self.bans.states(), self.loaded.statuses
        bans = list(zip(states, self.bans.figures(), strict=True))
        return facts_of(self.started, self.flows, health, degraded, self.standing(), bans, statuses)

    async def run(self, reload: Callable[[], None], follow: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Until SIGTERM or SIGINT; SIGHUP calls `reload`, and `follow` is for when the LAN side may have changed."""
        self._follow = follow
        for number in (signal.SIGTERM, signal.SIGINT):
            self.loop.add_signal_handler(number, self.ended.set)
        self.loop.add_signal_handler(signal.SIGHUP, reload)
        self.surroundings.start()
        self.zone.start()
        self.turning.start()
        self.stall.start()
        self.record.start()
        await self.take_policy()
        self.bans.start()
        self.assurance.every(self.config.selftest.every)
        self._keep_alive()
        self.notifier.ready(f"watching {', '.join(self.capture.watched)}")
        log.info("running: %s", self.describe())
        await self.ended.wait()
        self.notifier.stopping()

    def describe(self) -> str:
        entries = sum(status.entries for status in self.loaded.statuses)
        where = f", metrics at http://{self.config.metrics.listen}/metrics" if self.server else ""
        counted = "conntrack's counters" if self.flows == CONNTRACK else "packets"
        return f"{len(self.loaded.statuses)} lists with {entries} entries, bytes from {counted}{where}"

    async def close(self) -> None:
        """Stops everything and writes down what was counted; within a second, however many flows there are."""
        gc.disable()  # a last look at everything that lives would cost more than it frees
        began = time.monotonic()
        self.surroundings.stop()
        self.zone.stop()
        self.bans.stop()
        await self.assurance.close()
        await self.enforcement.stop()
        self.turning.stop()
        await self._last_turns(began + FINAL_SECONDS)
        self.line.write(self.gateway.close(self.line.now()))
        self.record.close()
        for line in last_words(self.gateway.rows(), self.capture.counts(), self.errors):
            log.info("%s", line)
        unwritten = self.line.write_some(began + EVENTS_SECONDS - time.monotonic())
        if unwritten:
            log.warning("%d events of flows that ended with us were not written: there was no time", unwritten)
        if self.line.writer is not None:
            self.line.writer.close()
        if self.server is not None:
            await self.server.close()
        self.kernel.close()
        self.capture.close()

    async def _last_turns(self, deadline: float) -> None:
        """What waits still comes in, conntrack's last counters too, as far as the time goes."""
        self.kernel.dump()
        while time.monotonic() < deadline:
            self.line.turn()
            conntrack = self.kernel.conntrack
            if conntrack is None or not conntrack.is_dumping:
                break
            await asyncio.sleep(0)

    def health(self) -> dict[str, str]:
        """What is wrong by component, "" where nothing is."""
        down = self.capture.down()
        broken = [f"{status.name}: {status.error}" for status in self.loaded.statuses if status.error]
        wanted = self.config.capture.flows == CONNTRACK and self.machine.forwarding
        kernel = "conntrack does not count here" if wanted and self.flows != CONNTRACK else ""
        return {
            "capture": f"nothing from {', '.join(down)}" if down else "",
            "lists": "; ".join(broken),
            "kernel": kernel,
            "enforcement": self.enforcement.health(),
            "journal": self.record.health(),
            "selftest": self.assurance.health(),
            "reload": self.reload_fault,
        }

    def _samples(self) -> Samples:
        """What only the daemon knows."""
        decoder = self.decoder.decoder
        samples: Samples = {
            **capture_samples(self.capture.counts()),
            **conntrack_samples(self.kernel.conntrack),
            **decode_samples(self.errors, decoder.table_sizes(), decoder.evictions),
            **limit_samples(self.config.limits, (*decoder.table_sizes(), *self.gateway.table_sizes())),
            **list_samples(self.loaded.statuses, self.config.lists),
            "loop_stall_seconds": {(): self.stall.seconds()},
            "config_info": {(self.config.hash,): 1.0},
            "config_last_reload_success": {(): 0.0 if self.reload_fault else 1.0},
        }
        if self.line.writer is not None:
            samples.update(self.line.writer.samples())
        return samples

    def look_around(self) -> None:
        """Has the kernel's side stand on the machine and the captured interfaces as they are now."""
        capture = self.capture
        self.kernel.look_around(self.machine, capture.names, capture.watched, self._local(self.config))

    def _look_again(self) -> bool:
        """Takes interfaces up that came back, and what is on-link as it is now; whether bans stand on other ground."""
        machine = look_at_machine()
        self.turning.forget()
        changes = self.capture.refresh()
        self.turning.watch()
        for change in changes:
            log.warning("%s", change)
        if changes or machine != self.machine:
            self.stand_on(machine)
            if self.chooses() and self._choosing is None:
                self._choosing = self.loop.call_later(SETTLE_SECONDS, self._choose)
        return self._ground() != self.enforcement.ground or not self.enforcement.is_whole()

    def stand_on(self, machine: Machine, anew: bool = False) -> None:
        """Everything that knows of the machine learns what it is now; `anew` where something else is watched."""
        before = self.settings(self.config, self.lookup)
        self.machine = machine
        if not machine.default_routes <= self.ways_out:
            self.ways_out |= machine.default_routes
            remember_ways_out(self.config, machine, self.ways_out)
        self.look_around()
        after = self.settings(self.config, self.lookup)
        if anew or after != before:
            self.gateway.reload(after, self.loaded.index, self.line.now())

    def chooses(self) -> bool:
        """Whether nobody has named the interfaces, so that they are the LAN side, whichever that is."""
        return not self.named and not self.config.capture.interfaces

    def _choose(self) -> None:
        self._choosing = None
        self._begin(self._follow())

    async def _adapt(self) -> None:
        await self.enforcement.look_again(self._ground())

    def _keep_alive(self) -> None:
        """Only while capture and kernel are well: what else is wrong would be no better after a restart."""
        if not self.notifier.watchdog_seconds:
            return
        fault = "" if self.sees() else "nothing is captured"
        if not self.enforcement.holds():
            fault = "bans cannot be renewed"
        self.notifier.alive(fault)
        self.loop.call_later(self.notifier.watchdog_seconds, self._keep_alive)

    def _fault(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """An error that nobody caught: told at most once a minute, and the loop goes on."""
        error = context.get("exception")
        if isinstance(error, BrokenPipeError):
            self.ended.set()  # whoever read the events on our standard output has gone
            return
        now = time.monotonic()
        if now - self._fault_told >= FAULT_SECONDS:
            self._fault_told = now
            log.error("a defect of gatewatch: %s: %r", context.get("message", ""), error)
