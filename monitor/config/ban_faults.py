"""Finds configured bans that cannot be effective with the loaded lists, for `run`, `reload` and `check`."""

import time
from collections.abc import Collection, Sequence

from monitor.catalog.index import Index
from monitor.catalog.subject_index import SubjectIndex
from monitor.config.faults import ConfigFaults
from monitor.config.files import read_files
from monitor.config.list_faults import fault_of, is_missing
from monitor.config.merge import Merged
from monitor.config.policy import every_ban, local_time, protected_names
from monitor.config.sections import Config
from monitor.config.targets import Named, named_subjects, stand_in
from monitor.lists.loader import ListStatus, Loaded
from monitor.policy.ban_conditions import INEFFECTIVE, UNKNOWN, Conditions
from monitor.policy.ban_state import BanState, ban_states


def conditions_of(config: Config, loaded: Loaded) -> Conditions:
    """Returns the conditions of the configured bans, apart from devices and enforcement."""
    return Conditions(
        index=loaded.index,
        members={group.name: group.members for group in config.groups},
        pending=list_lines(config, loaded.statuses, missing=True),
        broken=list_lines(config, loaded.statuses, missing=False),
        unknown={stand_in(named.word): named.meaning.fault() for named in unknown_words(config, loaded.index)},
        protected=protected_names(config),
    )


def list_lines(config: Config, statuses: Sequence[ListStatus], missing: bool) -> dict[str, str]:
    """Returns the subjects of lists that were not fetched yet (`missing`), or of lists that cannot be used, each with a
    line that describes the problem.
    """
    owners = {source.name: source.vendor or source.name for source in config.lists}
    return {
        owners[status.name]: f"list {status.name}: {fault_of(status)}"
        for status in statuses
        if status.name in owners and fault_of(status) and is_missing(status) == missing
    }


def configured_states(config: Config, loaded: Loaded) -> list[tuple[int, BanState]]:
    """Returns the state of each enabled `[[ban]]` with its index in the file, without any knowledge of devices."""
    bans = [(at, ban) for at, ban in enumerate(every_ban(config, loaded.index)) if config.bans[at].enabled]
    states = ban_states([ban for _, ban in bans], conditions_of(config, loaded), local_time, time.time())
    return [(at, state) for (at, _), state in zip(bans, states, strict=True)]


def unknown_words(config: Config, index: Index) -> list[Named]:
    """Returns the words of enabled bans and of exceptions that no list contains."""
    return [named for named in named_subjects(config, SubjectIndex(index)) if is_unknown(config, named)]


def is_unknown(config: Config, named: Named) -> bool:
    section, at = named.path[0], named.path[1]
    asleep = section == "ban" and isinstance(at, int) and not config.bans[at].enabled
    return not named.meaning.subject and not asleep


def complain_of_subjects(config: Config, index: Index, complaints: ConfigFaults, kept: Collection[str] = ()) -> None:
    """Adds a complaint for each word that no list contains, except the `kept` ones."""
    for named in unknown_words(config, index):
        if named.word not in kept:
            complaints.add(named.path, named.meaning.fault())


def complain_of_bans(config: Config, loaded: Loaded, complaints: ConfigFaults) -> None:
    """Adds a complaint for each enabled ban that can never be effective, unless the reason is an unknown subject."""
    for at, state in configured_states(config, loaded):
        told: set[str] = set()
        for pair in state.pairs:
            if pair.state == INEFFECTIVE and pair.key != UNKNOWN and pair.reason not in told:
                told.add(pair.reason)
                complaints.add(("ban", at, pair.key), pair.reason)


def complaints_of(config: Config) -> ConfigFaults:
    """Returns an empty collection that can locate files and lines of this configuration. Raises ConfigError."""
    return ConfigFaults(Merged(read_files(config.path)))


def refuse_unknown(config: Config, index: Index, kept: Collection[str] = ()) -> None:
    """Raises ConfigError, with a line for each word that no list contains, except the `kept` ones."""
    if all(named.word in kept for named in unknown_words(config, index)):
        return
    complaints = complaints_of(config)
    complain_of_subjects(config, index, complaints, kept)
    complaints.raise_all()
