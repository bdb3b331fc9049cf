"""Runs all checks in order; a check that fails becomes a finding, and the others continue."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from monitor.config.sections import Config
from monitor.doctor import (
    bans,
    clock,
    conntrack,
    disk,
    features,
    groups,
    listening,
    machine,
    nat64,
    offload,
    privileges,
    resolvers,
    routers,
    rules,
)
from monitor.doctor.case import Case, look
from monitor.doctor.finding import Finding
from monitor.errors import GatewatchError

LOOKS: Final[tuple[tuple[str, Callable[[Case], Iterator[Finding]]], ...]] = (
    (privileges.TOPIC, privileges.find),
    (machine.TOPIC, machine.find),
    (features.TOPIC, features.find),
    (conntrack.TOPIC, conntrack.find),
    (offload.TOPIC, offload.find),
    (rules.TOPIC, rules.find),
    (resolvers.TOPIC, resolvers.find),
    (routers.TOPIC, routers.find),
    (nat64.TOPIC, nat64.find),
    (groups.TOPIC, groups.find),
    (bans.TOPIC, bans.find),
    (clock.TOPIC, clock.find),
    (disk.TOPIC, disk.find),
    (listening.TOPIC, listening.find),
)


# Whether this machine supports what the configuration demands: the checks that change nothing and send no queries.
LIMITS: Final[tuple[Callable[[Case], Iterator[Finding]], ...]] = (
    machine.find_nothing_to_watch,
    machine.find_bridges,
    offload.find,
    resolvers.find_on_lan,
    groups.find,
)


def limits(config: Config, watched: Sequence[str] = ()) -> list[Finding]:
    """Returns the findings that make bans of the configuration ineffective here; empty if no ban is to be enforced."""
    case = look(config, watched)
    found: list[Finding] = []
    for find in LIMITS if case.enforces else ():
        with contextlib.suppress(OSError, GatewatchError):  # `doctor` reports checks that cannot run
            found += find(case)
    return found


def examine(config: Config, watched: Sequence[str] = ()) -> list[Finding]:
    """Returns what is wrong with this machine and its network for the configuration."""
    case = look(config, watched)
    found: list[Finding] = []
    for topic, find in LOOKS:
        try:
            found += find(case)
        except (OSError, GatewatchError) as error:
            found.append(Finding(topic, f"this could not be checked: {error}", "sudo gatewatch doctor   # as root"))
    return found
