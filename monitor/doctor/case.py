"""What is looked at: a configuration on a machine, and the interfaces that gatewatch would watch there."""

from dataclasses import dataclass
from typing import Final

from monitor.config.sections import Config
from monitor.daemon.interfaces import choose_interfaces
from monitor.errors import GatewatchError, MachineError
from monitor.kernel.interfaces import Machine, look_at_machine
from monitor.policy.ban import ENFORCE

NOTHING: Final = Machine((), frozenset(), False)


@dataclass(frozen=True)
class Case:
    """`names` are the watched interfaces by name, none where `trouble` says why."""

    config: Config
    machine: Machine
    names: tuple[str, ...]
    trouble: str = ""

    @property
    def enforces(self) -> bool:
        """Whether a ban is to be enforced, now or at some time."""
        return any(ban.mode == ENFORCE for ban in self.config.bans)

    def own_addresses(self) -> list[bytes]:
        """The gateway's own, packed."""
        return [address.packed for interface in self.machine.interfaces for address in interface.addresses]


def look(config: Config) -> Case:
    """The case that `run` would meet now."""
    try:
        machine = look_at_machine()
    except MachineError as error:
        return Case(config, NOTHING, (), str(error))
    try:
        return Case(config, machine, choose_interfaces(machine, (), config.capture.interfaces).names)
    except GatewatchError as error:
        return Case(config, machine, (), str(error))
