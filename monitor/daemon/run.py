"""`gatewatch run`: what the machine gives is looked at, then the loop runs until it is told to stop."""

import asyncio
from collections.abc import Sequence

from monitor.config.sections import Config
from monitor.daemon.control import Control
from monitor.daemon.counting import choose_counting
from monitor.daemon.daemon import Daemon
from monitor.daemon.interfaces import Choice, choose_for
from monitor.daemon.log import log, start_log
from monitor.daemon.places import socket_path
from monitor.daemon.policy_verbs import PolicyVerbs
from monitor.daemon.reload import Reloader
from monitor.daemon.verbs import Verbs
from monitor.errors import EXIT_OK
from monitor.kernel.interfaces import Machine, look_at_machine


def run(config: Config, interfaces: Sequence[str], lenient: bool = False, path: str = "") -> int:
    """The exit code. Raises GatewatchError, in one line, for whatever keeps it from starting.

    `lenient`: a ban or an exception of what no list knows does not. `path`: where a reload looks for a configuration,
    if there is none yet.
    """
    start_log()
    machine = look_at_machine()
    choice = choose_for(machine, interfaces, config)
    asyncio.run(live(config, machine, choice, interfaces, lenient, path))
    return EXIT_OK


async def live(
    config: Config, machine: Machine, choice: Choice, named: Sequence[str], lenient: bool, path: str = ""
) -> None:
    """The daemon's whole life."""
    counting = choose_counting(config.capture.flows, machine, choice.names)
    daemon = Daemon(config, machine, choice.names, named, counting, lenient)
    await daemon.open()
    reloader = Reloader(daemon, path)
    control = Control(socket_path(), Verbs(daemon, reloader, PolicyVerbs(daemon, daemon.take_policy)).answer)
    await control.start()
    try:
        log.info("watching %s: %s", ", ".join(choice.names), choice.why)
        for line in choice.left_out:
            log.info("%s", line)
        if counting.why:
            log.warning("%s", counting.why)
        await daemon.run(reloader.soon, reloader.follow)
    finally:
        await control.close()
        await daemon.close()
