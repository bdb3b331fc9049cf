"""Every look, one after the other; a look that fails is a finding, and the others go on."""

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


# What a configuration asks for and cannot have where it is: a part of the looks that changes and asks nobody.
LIMITS: Final[tuple[Callable[[Case], Iterator[Finding]], ...]] = (
    machine.find_nothing_to_watch,
    machine.find_bridges,
    offload.find,
    resolvers.find_on_lan,
    groups.find,
)


def limits(config: Config, watched: Sequence[str] = ()) -> list[Finding]:
    """Where bans of the configuration cannot hold on this machine; none where nothing is to be enforced."""
    case = look(config, watched)
    found: list[Finding] = []
    for find in LIMITS if case.enforces else ():
        with contextlib.suppress(OSError, GatewatchError):  # `doctor` tells what cannot be looked at
            found += find(case)
    return found


def examine(config: Config, watched: Sequence[str] = ()) -> list[Finding]:
    """What is wrong with this machine and its network for that configuration."""
    case = look(config, watched)
    found: list[Finding] = []
    for topic, find in LOOKS:
        try:
            found += find(case)
        except (OSError, GatewatchError) as error:
            found.append(Finding(topic, f"this could not be looked at: {error}", "sudo gatewatch doctor   # as root"))
    return found
