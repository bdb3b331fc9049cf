"""The daemon's running state. A reload creates a new one and swaps it in as a whole."""

from dataclasses import dataclass, replace
from ipaddress import ip_address

from monitor.capture.live import LiveCapture
from monitor.config.sections import Config
from monitor.config.settings import core_settings
from monitor.core.settings import PSEUDONYM, Lookup, Settings
from monitor.daemon.resources import pseudonym_key
from monitor.enforcement.context import EnforcementContext
from monitor.events.writer import EventWriter
from monitor.kernel.netlink.interfaces import Machine
from monitor.lan.bridges import pure_bridges, sees_bridged
from monitor.lan.interfaces import connected_prefixes, own_keys
from monitor.lists.loader import Loaded
from monitor.log import log
from monitor.web.http import HttpServer


@dataclass(frozen=True)
class Running:
    """Configuration, machine, lists and outputs in use.

    `key` is the pseudonym key, `b""` until one is needed. `writer` is None without event output, `server` is None
    without metrics. `reload_fault` is the reason why the last reload failed.
    """

    config: Config
    machine: Machine
    loaded: Loaded
    lookup: Lookup | None = None
    key: bytes = b""
    writer: EventWriter | None = None
    server: HttpServer | None = None
    reload_fault: str = ""


def key_for(config: Config, known: bytes = b"") -> bytes:
    """Returns the pseudonym key if the configuration requires one: `known`, else the one in the state directory."""
    if config.privacy.device != PSEUDONYM or known:
        return known
    return pseudonym_key(config.state.path, lambda line: log.warning("%s", line))


def settings_of(running: Running, capture: LiveCapture, flows: str) -> Settings:
    """Returns the core's settings for the current machine."""
    config = running.config
    connected = connected_prefixes(running.machine, capture.watched)
    events = frozenset(config.events.types if config.events.path else ())
    names = tuple(capture.names)
    settings = core_settings(config, flows, names, connected, events, running.lookup, running.key)
    return replace(settings, local=local_of(running, capture), own=own_keys(running.machine))


def local_of(running: Running, capture: LiveCapture) -> tuple[str, ...]:
    """Returns the configured local prefixes and the on-link ones: a LAN's IPv6 prefixes are global."""
    connected = connected_prefixes(running.machine, capture.watched) or {}
    on_link = [prefix for prefixes in connected.values() for prefix in prefixes]
    return tuple(dict.fromkeys([*map(str, running.config.capture.local), *on_link]))


def context_of(running: Running, capture: LiveCapture, flows: str) -> EnforcementContext:
    """Returns the inputs of enforcement besides the policy."""
    machine = running.machine
    own = [str(ip_address(address.packed)) for one in machine.interfaces for address in one.addresses]
    names = machine.with_parts(capture.watched)
    return EnforcementContext(
        config=running.config,
        settings=settings_of(running, capture, flows),
        index=running.loaded.index,
        interfaces=names,
        own=tuple(own),
        forwarding=machine.forwarding,
        links=tuple(one for one in machine.interfaces if one.name in names),
        unrouted=tuple(pure_bridges(machine, names)),
        sees_bridged=sees_bridged(),
    )
