"""Starts, runs and stops the daemon."""

import asyncio
import gc
import signal
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any, Final

from monitor.capture.live import LiveCapture
from monitor.config.ban_faults import refuse_unknown
from monitor.config.sections import Config
from monitor.config.settings import open_lookup, user_lists
from monitor.core.settings import CONNTRACK, PACKETS
from monitor.daemon.daemon import Daemon
from monitor.daemon.health import serve_daemon
from monitor.daemon.kernel import KernelSide
from monitor.daemon.network_watch import LanWatch
from monitor.daemon.overrides import OverrideStore
from monitor.daemon.report import last_words, list_lines
from monitor.daemon.resources import open_writer
from monitor.daemon.running import Running, key_for
from monitor.kernel.netlink.interfaces import Machine
from monitor.lan.interface_roles import remember_ways_out, remembered_ways_out
from monitor.lan.interfaces import vlan_parents
from monitor.lists.child import load_in_background
from monitor.log import log
from monitor.periodic import Periodic

# The daemon must exit within a second of SIGTERM. Of that second: the time for conntrack's last counters, and the
# deadline for writing events.
FINAL_SECONDS: Final = 0.2
EVENTS_SECONDS: Final = 0.6


async def start_daemon(
    config: Config, machine: Machine, names: Sequence[str], named: Sequence[str], flows: str, lenient: bool = False
) -> Daemon:
    """Acquires everything that the machine may refuse. Raises GatewatchError, with one line per problem.

    `names` are the interfaces to watch, `named` those given on the command line, `flows` is the source of byte counts.
    With `lenient`, a subject that no list contains does not prevent the start.
    """
    orders = OverrideStore(config.state.path, lambda line: log.warning("%s", line))
    orders.load(time.time())
    ways_out = machine.default_routes | remembered_ways_out(config)
    lookup = open_lookup(config.geo)
    writer = open_writer(config)
    capture = LiveCapture(names, flows == PACKETS, untagged=vlan_parents(machine, names))
    capture.open()
    remember_ways_out(config, machine, ways_out)
    kernel = KernelSide(with_conntrack=flows == CONNTRACK)
    loaded = await load_in_background(user_lists(config))
    for line in list_lines(loaded.statuses):
        log.warning("%s", line)
    if not lenient:
        refuse_unknown(config, loaded.index)
    running = Running(config, machine, loaded, lookup, key_for(config), writer)
    daemon = Daemon(running, capture, kernel, orders, named, flows, ways_out)
    daemon.running = replace(running, server=await serve_daemon(daemon, config.metrics.listen))
    gc.collect()
    gc.freeze()  # exempt all current objects from later collections
    return daemon


async def run_daemon(
    daemon: Daemon, reload: Callable[[], None], follow: Callable[[], Coroutine[Any, Any, None]]
) -> None:
    """Runs until SIGTERM or SIGINT. SIGHUP calls `reload`; `follow` runs when the LAN side may have changed."""
    for number in (signal.SIGTERM, signal.SIGINT):
        daemon.loop.add_signal_handler(number, daemon.ended.set)
    daemon.loop.add_signal_handler(signal.SIGHUP, reload)
    network = LanWatch(daemon, follow)
    network.start()
    try:
        daemon.zone.start()
        daemon.turning.start()
        daemon.stall.start()
        daemon.record.start()
        await daemon.take_policy()
        daemon.bans.start()
        daemon.assurance.every(daemon.config.selftest.every)
        keep_alive(daemon)
        daemon.notifier.ready(f"watching {', '.join(daemon.capture.watched)}")
        log.info("running: %s", daemon.describe())
        await daemon.ended.wait()
    finally:
        network.stop()
    daemon.notifier.stopping()


def keep_alive(daemon: Daemon) -> None:
    """Sends watchdog notifications while capture and kernel work. A restart would not repair other faults."""

    def notify() -> None:
        fault = "" if daemon.sees() else "nothing is captured"
        if not daemon.enforcement.holds():
            fault = "bans cannot be renewed"
        daemon.notifier.alive(fault)

    if daemon.notifier.watchdog_seconds:
        Periodic(daemon.loop, "the watchdog", daemon.notifier.watchdog_seconds, notify).start(0.0)


async def close_daemon(daemon: Daemon) -> None:
    """Stops all parts and writes the final counts, within a second for any number of flows."""
    gc.disable()  # a final collection would cost more than it frees
    began = time.monotonic()
    daemon.zone.stop()
    daemon.bans.stop()
    await daemon.assurance.close()
    await daemon.enforcement.stop()
    daemon.turning.stop()
    await last_turns(daemon, began + FINAL_SECONDS)
    daemon.line.write(daemon.gateway.close(daemon.line.now()))
    daemon.record.close()
    for line in last_words(daemon.gateway.rows(), daemon.capture.counts(), daemon.errors):
        log.info("%s", line)
    unwritten = daemon.line.write_some(began + EVENTS_SECONDS - time.monotonic())
    if unwritten:
        log.warning("%d events of flows that ended with us were not written: there was no time", unwritten)
    if daemon.line.writer is not None:
        daemon.line.writer.close()
    if daemon.running.server is not None:
        await daemon.running.server.close()
    daemon.kernel.close()
    daemon.capture.close()


async def last_turns(daemon: Daemon, deadline: float) -> None:
    """Reads pending input and conntrack's final counters, until `deadline`."""
    daemon.kernel.dump()
    while time.monotonic() < deadline:
        daemon.line.turn()
        conntrack = daemon.kernel.conntrack
        if conntrack is None or not conntrack.is_dumping:
            break
        await asyncio.sleep(0)
