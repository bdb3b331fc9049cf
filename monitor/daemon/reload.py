"""Reloads the configuration: prepares everything beside the running state, and swaps it in only if all of it works."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field, replace

from monitor.config.ban_faults import refuse_unknown, unknown_words
from monitor.config.files import is_there
from monitor.config.list_faults import list_faults
from monitor.config.parse import load
from monitor.config.sections import Config
from monitor.config.settings import open_lookup, user_lists
from monitor.core.settings import Lookup
from monitor.daemon.daemon import Daemon
from monitor.daemon.health import serve_daemon
from monitor.daemon.report import list_lines
from monitor.daemon.resources import open_writer, return_memory
from monitor.daemon.running import key_for
from monitor.errors import ConfigError, GatewatchError, ListError
from monitor.events.writer import EventWriter
from monitor.kernel.netlink.interfaces import Machine, look_at_machine
from monitor.lan.interfaces import LAN_SIDE, choose_for, follow_lan, refuse_doubles, vlan_parents
from monitor.lists.child import load_in_background
from monitor.lists.loader import Loaded, stamp_of, with_record
from monitor.log import log
from monitor.web.http import HttpServer


@dataclass
class Prepared:
    """The parts a reload has prepared so far. `writer` and `server` are None if the old one stays."""

    config: Config
    machine: Machine
    loaded: Loaded
    lookup: Lookup | None
    writer: EventWriter | None = field(default=None)
    server: HttpServer | None = field(default=None)

    async def drop(self) -> None:
        """Closes the prepared parts of an abandoned reload."""
        if self.server is not None:
            await self.server.close()
        if self.writer is not None:
            self.writer.close()


class Reloader:
    """Runs one reload at a time; a request during a reload runs after it.

    `path` is the default configuration path, checked on a reload if the daemon started without a configuration.
    """

    def __init__(self, daemon: Daemon, path: str = "") -> None:
        self._daemon = daemon
        self._path = path
        self._lock = asyncio.Lock()
        self._tasks: set[asyncio.Task[str]] = set()

    def soon(self) -> None:
        """Schedules a reload (SIGHUP)."""
        task = asyncio.ensure_future(self.reload())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def reload(self) -> str:
        """Reloads configuration and lists. Returns the reason if they were not accepted, "" on success."""
        daemon = self._daemon
        async with self._lock:
            daemon.notifier.reloading()
            try:
                await self._take(await self._prepare())
                log.info("reloaded: %s", daemon.describe())
            except (GatewatchError, OSError) as error:
                daemon.running = replace(daemon.running, reload_fault=str(error))
                log.error("not reloaded, all stays as it was: %s", error)
            finally:
                daemon.notifier.ready(f"watching {', '.join(daemon.capture.watched)}")
            return daemon.running.reload_fault

    async def reload_lists(self) -> bool:
        """Loads changed list files under the running configuration. Returns whether any had changed.

        Raises ListError, and changes nothing, if a list can no longer be used.
        """
        async with self._lock:
            return await reload_lists(self._daemon)

    async def follow(self) -> None:
        """Watches the current LAN side, if no interface is named explicitly."""
        daemon = self._daemon
        async with self._lock:
            machine = look_at_machine()
            names = follow_lan(machine, daemon.capture.watched, daemon.ways_out, daemon.config.capture.exclude)
            if not daemon.chooses() or names == daemon.capture.watched:
                return
            try:
                refuse_doubles([one for one in machine.interfaces if one.name in names])
                self._watch(names, machine)
            except (GatewatchError, OSError) as error:
                log.warning("the LAN side has changed, and %s are watched as before: %s", ", ".join(names), error)
                return
            log.info("watching %s: %s", ", ".join(names), LAN_SIDE)
            daemon.stand_on(replace(daemon.running, machine=machine), anew=True)
            await daemon.take_policy()
            daemon.notifier.ready(f"watching {', '.join(names)}")

    def place(self) -> str:
        """Returns the path of the loaded configuration, else the default path if a file is there, else `""`."""
        return self._daemon.config.path or (self._path if is_there(self._path) else "")

    async def _prepare(self) -> Prepared:
        """Does everything that can fail."""
        daemon = self._daemon
        old = daemon.config
        place = self.place()
        config = await asyncio.to_thread(load, place) if place else old
        if config.capture.flows != old.capture.flows:
            raise ConfigError(f"{config.path}: capture.flows changes only with a restart")
        names = daemon.capture.watched
        wanted = (config.capture.interfaces, config.capture.exclude)
        if wanted != (old.capture.interfaces, old.capture.exclude) and not daemon.named:
            names = choose_for(look_at_machine(), (), config).names
        elif daemon.chooses():
            names = follow_lan(look_at_machine(), names, daemon.ways_out, config.capture.exclude)
        lookup = open_lookup(config.geo)
        loaded = await load_in_background(user_lists(config))
        refuse_broken(loaded)
        refuse_unknown(config, loaded.index, [one.word for one in unknown_words(old, daemon.loaded.index)])
        prepared = Prepared(config, daemon.machine, loaded, lookup)
        if config.metrics.listen != old.metrics.listen:
            prepared.server = await serve_daemon(daemon, config.metrics.listen)
        try:
            if config.events != old.events:
                prepared.writer = open_writer(config)
            prepared.machine = look_at_machine()  # links may have changed while lists were loaded
            if names != daemon.capture.watched:
                self._watch(names, prepared.machine)
        except (GatewatchError, OSError):
            await prepared.drop()
            raise
        return prepared

    def _watch(self, names: tuple[str, ...], machine: Machine) -> None:
        turning = self._daemon.turning
        turning.forget()
        try:
            self._daemon.capture.watch(names, vlan_parents(machine, names))
        finally:
            turning.watch()

    async def _take(self, prepared: Prepared) -> None:
        """Swaps the new state in. Nothing here may fail, and no caller sees a partial change.

        The slow preparation runs before the swap and yields to other work on the loop.
        """
        daemon = self._daemon
        old = daemon.running
        config, old_config = prepared.config, old.config
        running = replace(
            old,
            config=config,
            machine=prepared.machine,
            loaded=prepared.loaded,
            lookup=prepared.lookup,
            key=key_for(config, old.key),
            writer=prepared.writer if config.events != old_config.events else old.writer,
            server=prepared.server if config.metrics.listen != old_config.metrics.listen else old.server,
            reload_fault="",
        )
        await daemon.prepare_policy(running)
        if daemon.machine is not old.machine:  # links changed meanwhile
            running = replace(running, machine=daemon.machine)
        daemon.swap(running)
        await daemon.take_policy()
        if config.selftest != old_config.selftest:
            daemon.assurance.every(config.selftest.every)
        if old.writer is not None:
            if old.writer is running.writer:
                old.writer.reopen()  # the file may have been renamed (log rotation)
            else:
                old.writer.close()
        if old.server is not None and old.server is not running.server:
            await old.server.close()
        return_memory()


async def reload_lists(daemon: Daemon) -> bool:
    """Loads all lists again if a list file has changed, without losing flows and without reading the configuration. The
    results of updates are refreshed in any case.

    Returns whether the lists were loaded. Raises ListError, and changes nothing, if a list can no longer be used.
    """
    users = user_lists(daemon.config)
    stamps = {status.name: status.stamp for status in daemon.loaded.statuses if not status.shipped}
    changed = stamps != {user.name: stamp_of(user) for user in users}
    if changed:
        await _read_again(daemon)
    known = {user.name: user for user in users}
    statuses = [
        status if status.shipped or status.name not in known else with_record(status, known[status.name])
        for status in daemon.loaded.statuses
    ]
    loaded = replace(daemon.loaded, statuses=tuple(statuses))
    daemon.running = replace(daemon.running, loaded=loaded)
    return changed


async def _read_again(daemon: Daemon) -> None:
    loaded = await load_in_background(user_lists(daemon.config))
    refuse_broken(loaded, list_faults(daemon.loaded.statuses))
    told = list_lines(daemon.loaded.statuses)
    await daemon.prepare_policy(replace(daemon.running, loaded=loaded))
    daemon.swap(replace(daemon.running, loaded=loaded))
    await daemon.take_policy()
    return_memory()
    log.info("lists read again: %s", daemon.describe())
    for line in list_lines(loaded.statuses):
        if line not in told:
            log.warning("%s", line)


def refuse_broken(loaded: Loaded, known: Collection[str] = ()) -> None:
    """Raises ListError for lists that cannot be used, except those whose fault is in `known`. A subscription without a
    downloaded copy is not an error.
    """
    broken = [line for line in list_faults(loaded.statuses) if line not in known]
    if broken:
        raise ListError("; ".join(broken))
