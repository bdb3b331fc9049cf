"""Every look, one after the other; a look that fails is a finding, and the others go on."""

from collections.abc import Callable, Iterator
from typing import Final

from monitor.config.sections import Config
from monitor.doctor import (
    clock,
    conntrack,
    disk,
    features,
    groups,
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
    (clock.TOPIC, clock.find),
    (disk.TOPIC, disk.find),
)


def examine(config: Config) -> list[Finding]:
    """What is wrong with this machine and its network for that configuration."""
    case = look(config)
    found: list[Finding] = []
    for topic, find in LOOKS:
        try:
            found += find(case)
        except (OSError, GatewatchError) as error:
            found.append(Finding(topic, f"this could not be looked at: {error}", "sudo gatewatch doctor   # as root"))
    return found
