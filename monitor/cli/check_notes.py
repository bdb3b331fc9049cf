"""Notes of `check` on a valid configuration that may do less than intended. Notes do not change the exit code."""

from collections.abc import Iterator

from monitor.config.ban_faults import configured_states
from monitor.config.sections import Config
from monitor.doctor.case import look
from monitor.lan.exposure import exposure_anywhere
from monitor.lists.loader import Loaded
from monitor.policy.ban import CLOSED, DNS, IP
from monitor.policy.group_words import BUT, parts_of
from monitor.policy.groups import HOST_MARK, parse_mac


def notes(config: Config, loaded: Loaded) -> Iterator[str]:
    """Yields one line per note."""
    banned = {
        first for ban in config.bans if ban.enabled for first in [parts_of(word)[0] for word in ban.groups] if first
    }
    for group in config.groups:
        members = [member.removeprefix(BUT) for member in group.members]
        if any(member.startswith(HOST_MARK) for member in members):
            yield (
                f"group '{group.name}': devices choose their own host names. The first name of a MAC address counts "
                "until it has been unused for 7 days; a new MAC address is a new device. Prefer addresses or "
                "iface: members"
            )
        named = [member for member in group.members if not member.startswith(BUT)]
        if group.name in banned and named and all(parse_mac(member) for member in named):
            yield (
                f"group '{group.name}': a ban of MAC addresses alone ends when a device changes its MAC address, as "
                'phones do by default. Ban everyone except an allowed group: groups = ["!allowed"]'
            )
    for _, state in configured_states(config, loaded):
        yield from state.notes
    yield from closed_notes(config)
    yield from listen_notes(config)
    yield from look(config).left_out


def closed_notes(config: Config) -> Iterator[str]:
    for at, ban in enumerate(config.bans):
        if ban.enabled and ban.on_failure == CLOSED and IP not in ban.layers and ban.layers != frozenset((DNS,)):
            yield (
                f'ban {at + 1}: on_failure = "closed" keeps only address bans in force: while the daemon is stopped, '
                'only connections that were cut earlier stay cut. Add "ip" to its layers'
            )


def listen_notes(config: Config) -> Iterator[str]:
    line = exposure_anywhere(config.metrics.listen)
    if line:
        yield line
