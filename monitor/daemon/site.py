"""The daemon's own site, and the facts it shows."""

import asyncio
import errno
import os
import socket
import time
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import ip_address

from monitor.config.values import Endpoint
from monitor.core.settings import CONNTRACK
from monitor.daemon.ban_figures import Figures
from monitor.daemon.ban_rows import schedule_row
from monitor.daemon.policy_words import layers_of
from monitor.errors import MachineError
from monitor.lan.exposure import exposure
from monitor.lists.loader import ListStatus
from monitor.log import log
from monitor.metrics.collector import Collector
from monitor.metrics.engine import engine, package_version
from monitor.policy.ban import EVERYONE, RUNTIME, is_over
from monitor.policy.ban_state import BanState
from monitor.policy.overrides import EffectivePolicy
from monitor.web.http import HttpServer
from monitor.web.site import Health, Site
from monitor.web.status import BanLine, Facts, ListLine
from monitor.web.status_page import status_page


async def serve(
    listen: Endpoint, collector: Collector, facts: Callable[[], Facts], health: Health, degraded: Health
) -> HttpServer:
    """Starts the site at `listen`; logs a line if it may be reachable from the internet. Raises MachineError."""
    site = Site(collector.render, status_render(collector, facts), health, own_names(listen), degraded)
    server = HttpServer(site.answer)
    try:
        await server.start(listen.host, listen.port)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        if error.errno == errno.EADDRINUSE:
            reason += ": does another gatewatch run? Else choose another place in [metrics].listen"
        raise MachineError(f"cannot serve metrics at {listen}: {reason}") from error
    line = exposure(listen)
    if line:
        log.warning("%s", line)
    return server


def own_names(listen: Endpoint) -> frozenset[str] | None:
    """Returns the host's own name if `listen` is a loopback address. Returns None otherwise: other hosts may use any
    name.

    The resolver is not queried for names: at startup there may be none yet.
    """
    if not ip_address(listen.host).is_loopback:
        return None
    return frozenset((socket.gethostname().lower(),))


def status_render(collector: Collector, facts: Callable[[], Facts]) -> Callable[[], Awaitable[bytes]]:
    async def render() -> bytes:
        """Takes all numbers at one moment, and renders the page in a thread."""
        return await asyncio.to_thread(status_page, collector.numbers(), facts())

    return render


def facts_of(
    started: float,
    flows: str,
    health: dict[str, str],
    degraded: dict[str, str],
    standing: EffectivePolicy,
    bans: Sequence[tuple[BanState, Figures]],
    statuses: Sequence[ListStatus],
) -> Facts:
    """Returns the facts that the status page shows beside the numbers; none of them is about a device."""
    now = time.time()
    lasting = [exemption for exemption in standing.exemptions if not is_over(exemption.until, now)]
    paused = standing.paused_until
    return Facts(
        host=socket.gethostname(),
        version=package_version(),
        engine=engine(),
        started=started,
        now=now,
        counting="conntrack's counters" if flows == CONNTRACK else "packets",
        health=health,
        paused_until=paused if paused != float("inf") else -1.0,
        bans=tuple(ban_line(one, figures, now) for one, figures in bans if not is_over(one.ban.until, now)),
        exceptions=len(lasting),
        lists=tuple(list_line(status) for status in statuses),
        degraded=degraded,
    )


def ban_line(one: BanState, figures: Figures, now: float) -> BanLine:
    ban, turn = one.ban, schedule_row(one, now)
    change = turn["next_change"]
    return BanLine(
        subjects=tuple(map(str, ban.subjects)),
        groups=ban.groups or (EVERYONE,),
        mode=ban.mode,
        layers=tuple(layers_of(ban)),
        until=ban.until,
        reason=ban.reason,
        state=one.state,
        at_run_time=ban.source == RUNTIME,
        why=one.reason,
        since=figures.since,
        blocked=figures.blocked,
        leaked=figures.leaked,
        schedule="" if ban.schedule.is_always() else turn["schedule"],
        next_change=(change["time"], change["what"]) if change else None,
        allow=len(ban.allow),
        notes=one.notes,
    )


def list_line(status: ListStatus) -> ListLine:
    """Returns a list's line. `updated_at` of a subscription is its last good update; the last failure is shown too."""
    failed = f"not updated: {status.update_error}" if status.update_error else ""
    wrong = status.error or failed
    return ListLine(status.name, status.entries, status.ignored, status.updated_at, wrong, status.shipped)
