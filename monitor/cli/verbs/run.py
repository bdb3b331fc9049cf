"""`run`: starts the daemon, which runs until a signal ends it."""

import asyncio
from argparse import Namespace
from collections.abc import Sequence

from monitor.cli.gc_tuning import ease_collector
from monitor.cli.load_config import read_config
from monitor.cli.paths import CONFIG_PATH
from monitor.config.sections import Config
from monitor.control.paths import socket_path
from monitor.control.policy_verbs import PolicyVerbs
from monitor.control.server import Control
from monitor.control.verbs import Verbs
from monitor.daemon.life import close_daemon, run_daemon, start_daemon
from monitor.daemon.reload import Reloader
from monitor.errors import EXIT_OK
from monitor.kernel.netlink.interfaces import Machine, look_at_machine
from monitor.lan.flow_counts import choose_counting
from monitor.lan.interfaces import InterfaceChoice, choose_for
from monitor.log import log, start_log


def run(arguments: Namespace) -> int:
    """Returns the exit code. Raises GatewatchError, with a one-line message, if the daemon cannot start.

    With `--lenient`, a ban or an exception of a subject that is in no list does not prevent the start.
    """
    ease_collector()
    config, named = read_config(arguments.config), tuple(arguments.interface)
    start_log()
    machine = look_at_machine()
    choice = choose_for(machine, named, config)
    asyncio.run(live(config, machine, choice, named, arguments.lenient))
    return EXIT_OK


async def live(config: Config, machine: Machine, choice: InterfaceChoice, named: Sequence[str], lenient: bool) -> None:
    """Opens, runs and closes the daemon. Without a configuration file, a reload looks for one at CONFIG_PATH."""
    counting = choose_counting(config.capture.flows, machine, choice.names)
    daemon = await start_daemon(config, machine, choice.names, named, counting.flows, lenient)
    reloader = Reloader(daemon, CONFIG_PATH)
    control = Control(socket_path(), Verbs(daemon, reloader, PolicyVerbs(daemon, daemon.take_policy)).answer)
    await control.start()
    try:
        log.info("watching %s: %s", ", ".join(choice.names), choice.why)
        for line in choice.left_out:
            log.info("%s", line)
        if counting.why:
            log.warning("%s", counting.why)
        await run_daemon(daemon, reloader.soon, reloader.follow)
    finally:
        await control.close()
        await close_daemon(daemon)
