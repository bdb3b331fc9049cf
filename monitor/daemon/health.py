"""What the daemon reports on its site and its control socket: health, metrics, facts for the status page."""

from monitor.config.values import Endpoint
from monitor.core.settings import CONNTRACK
from monitor.daemon.daemon import Daemon
from monitor.daemon.report import capture_samples, conntrack_samples, decode_samples, limit_samples, list_samples
from monitor.daemon.site import facts_of, serve
from monitor.metrics.collector import Collector
from monitor.metrics.engine import build_samples
from monitor.model import Samples
from monitor.web.http import HttpServer
from monitor.web.status import Facts


def health_of(daemon: Daemon) -> dict[str, str]:
    """Returns the fault of each component, "" where there is none."""
    down = daemon.capture.down()
    broken = [f"{status.name}: {status.error}" for status in daemon.loaded.statuses if status.error]
    wanted = daemon.config.capture.flows == CONNTRACK and daemon.machine.forwarding
    kernel = "conntrack does not count here" if wanted and daemon.flows != CONNTRACK else ""
    return {
        "capture": f"nothing from {', '.join(down)}" if down else "",
        "lists": "; ".join(broken),
        "kernel": kernel,
        "enforcement": daemon.enforcement.health(),
        "journal": daemon.record.health(),
        "selftest": daemon.assurance.health(),
        "reload": daemon.running.reload_fault,
    }


async def serve_daemon(daemon: Daemon, listen: Endpoint) -> HttpServer | None:
    """Starts the site at `listen`, and returns None if no address is configured. Raises MachineError."""
    if not listen.host:
        return None
    samples = [
        lambda: daemon_samples(daemon), lambda: daemon.gateway.snapshot(), daemon.enforcement.samples,
        daemon.enforcement.learning.samples, daemon.record.samples, daemon.assurance.samples, daemon.bans.samples,
        build_samples,
    ]  # fmt: skip
    histograms = [lambda: daemon.gateway.histograms(), daemon.enforcement.histograms]
    collector = Collector(samples, histograms, limit=lambda: daemon.config.limits.series)
    return await serve(listen, collector, lambda: status_facts(daemon), lambda: health_of(daemon), daemon.bans.degraded)


def status_facts(daemon: Daemon) -> Facts:
    health, degraded = health_of(daemon), daemon.bans.degraded()
    states, statuses = daemon.bans.states(), daemon.loaded.statuses
    bans = list(zip(states, daemon.bans.figures(), strict=True))
    return facts_of(daemon.started, daemon.flows, health, degraded, daemon.standing(), bans, statuses)


def daemon_samples(daemon: Daemon) -> Samples:
    """Returns the samples that only the daemon can supply."""
    decoder = daemon.decoder.decoder
    samples: Samples = {
        **capture_samples(daemon.capture.counts()),
        **conntrack_samples(daemon.kernel.conntrack),
        **decode_samples(daemon.errors, decoder.table_sizes(), decoder.evictions),
        **limit_samples(daemon.config.limits, (*decoder.table_sizes(), *daemon.gateway.table_sizes())),
        **list_samples(daemon.loaded.statuses, daemon.config.lists),
        "loop_stall_seconds": {(): daemon.stall.seconds()},
        "config_info": {(daemon.config.hash,): 1.0},
        "config_last_reload_success": {(): 0.0 if daemon.running.reload_fault else 1.0},
    }
    if daemon.line.writer is not None:
        samples.update(daemon.line.writer.samples())
    return samples
