"""Defines the input of all checks: a configuration on a machine, and the interfaces to watch there."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from monitor.config.sections import Config
from monitor.errors import GatewatchError, MachineError
from monitor.kernel.netlink.interfaces import Machine, look_at_machine
from monitor.lan.interfaces import choose_for
from monitor.policy.ban import ENFORCE

NOTHING: Final = Machine((), frozenset(), False)


@dataclass(frozen=True)
class Case:
    """`names` are the names of the watched interfaces, empty with the reason in `trouble`; `left_out` has a line for
    each interface with a private prefix that is not watched.
    """

    config: Config
    machine: Machine
    names: tuple[str, ...]
    trouble: str = ""
    left_out: tuple[str, ...] = ()

    @property
    def enforces(self) -> bool:
        """Whether the configuration has a ban to enforce, now or at a scheduled time."""
        return any(ban.mode == ENFORCE for ban in self.config.bans)

    def own_addresses(self) -> list[bytes]:
        """Returns the gateway's own addresses, packed."""
        return [address.packed for interface in self.machine.interfaces for address in interface.addresses]


def look(config: Config, watched: Sequence[str] = ()) -> Case:
    """Returns the case that `run` would find now; `watched` are the interfaces of a running daemon."""
    try:
        machine = look_at_machine()
    except MachineError as error:
        return Case(config, NOTHING, (), str(error))
    try:
        choice = choose_for(machine, watched, config)
        return Case(config, machine, choice.names, left_out=choice.left_out)
    except GatewatchError as error:
        return Case(config, machine, (), str(error))
