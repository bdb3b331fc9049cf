"""Lists that have changed on the disk, taken into what runs: no flow is lost, and the configuration is not read."""

from collections.abc import Collection
from dataclasses import replace

from monitor.config.list_faults import list_faults
from monitor.config.settings import user_lists
from monitor.daemon.daemon import Daemon
from monitor.daemon.report import list_lines
from monitor.daemon.resources import return_memory
from monitor.errors import ListError
from monitor.lists.child import load_in_background
from monitor.lists.loader import Loaded, stamp_of, with_record
from monitor.log import log


async def reload_lists(daemon: Daemon) -> bool:
    """Reads all lists again where the file of one has changed; what became of updates is known afterwards in any case.

    Whether they were read. Raises ListError, and all stays as it was, where a list can no longer be used.
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
    """Raises ListError for lists that cannot be used, but for those whose fault is `known`. A subscription of which
    there is no copy yet is none of them.
    """
    broken = [line for line in list_faults(loaded.statuses) if line not in known]
    if broken:
        raise ListError("; ".join(broken))
