"""`check`: prints the mistakes in the configuration and its lists, one line each."""

import os
import stat
import time
from argparse import Namespace
from collections.abc import Iterator
from typing import Final

from monitor.catalog.subject_index import SubjectIndex
from monitor.cli.check_notes import notes
from monitor.cli.columns import printable
from monitor.cli.load_config import read_config, watched_by_daemon
from monitor.config.ban_faults import complain_of_bans, complain_of_subjects, complaints_of, unknown_words
from monitor.config.faults import ConfigFault, ConfigFaults, KeyPath
from monitor.config.files import PARTS_FOLDER, part_paths, written_paths
from monitor.config.list_faults import fault_of, list_faults, missing_subscriptions
from monitor.config.sections import Config
from monitor.config.settings import open_lookup, user_lists
from monitor.config.targets import list_hints, single_labels
from monitor.doctor.examination import limits
from monitor.errors import EXIT_FINDING, EXIT_OK, EXIT_USAGE
from monitor.lists.cache import load_cached
from monitor.lists.loader import ListStatus, Loaded
from monitor.policy.ban import is_over
from monitor.units import count_text

LINES_SHOWN: Final = 10
INTERFACE_MARK: Final = "iface:"


def run(arguments: Namespace) -> int:
    """Raises `ConfigError`, with one line per mistake, if the configuration cannot be used."""
    config = read_config(arguments.config)
    open_lookup(config.geo)
    loaded = load_cached(user_lists(config))
    broken = list_faults(loaded.statuses)
    unknown = unknown_words(config, loaded.index)
    findings = [*config_findings(config, loaded), *missing_subscriptions(loaded.statuses)]
    findings += _complaints(loaded.statuses)
    findings += [
        f"{finding.topic}: {finding.what}: {finding.mend}"
        for finding in limits(config, watched_by_daemon(config.path))
        if config.path
    ]
    for line in [*broken, *findings, *[f"note: {note}" for note in notes(config, loaded)]]:
        print(line)
    if broken or (unknown and not arguments.lenient):
        return EXIT_USAGE
    if findings:
        return EXIT_OK if arguments.lenient else EXIT_FINDING
    entries = sum(status.entries for status in loaded.statuses)
    lists = count_text(len(loaded.statuses), "list")
    print(f"{_origin(config.path)}: ok, {lists} with {entries:,} entries")
    return EXIT_OK


def _origin(path: str) -> str:
    if not path:
        return "no configuration file, the defaults"
    parts = part_paths(path)
    return f"{path} and {count_text(len(parts), 'file')} of {PARTS_FOLDER}" if parts else path


def _complaints(statuses: tuple[ListStatus, ...]) -> Iterator[str]:
    """Yields the first invalid lines of each list, and the number of further ones."""
    for status in statuses:
        if fault_of(status):
            continue
        shown = status.complaints[:LINES_SHOWN]
        for complaint in shown:
            where = f"{status.origin}:{complaint.line}" if complaint.line else status.origin
            text = f": {printable(complaint.text[:80])}" if complaint.text else ""
            yield f"{where}: {printable(complaint.reason)}{text}"
        more = status.ignored - sum(complaint.ignored for complaint in shown)
        if more > 0:
            yield f"{status.origin}: {count_text(more, 'more line')} ignored"


def config_findings(config: Config, loaded: Loaded) -> list[str]:
    """Returns mistakes that only the machine and the lists reveal, each with its line of the configuration."""
    if not config.path:
        return []
    complaints = complaints_of(config)
    complain_of_subjects(config, loaded.index, complaints)
    complain_of_bans(config, loaded, complaints)
    for path, text in single_labels(config, SubjectIndex(loaded.index)):
        complaints.add(path, text)
    if config.lists:
        for path, text in list_hints(config, SubjectIndex(load_cached().index)):
            complaints.add(path, text)
    for name in config.capture.interfaces:
        _look_for(("capture", "interfaces"), name, complaints)
    for at, group in enumerate(config.groups):
        for member in group.members:
            if member.startswith(INTERFACE_MARK):
                _look_for(("group", at, "members"), member.removeprefix(INTERFACE_MARK), complaints)
    _look_at_files(config, complaints)
    _look_for_idle(config, complaints)
    return [str(complaint) for complaint in sorted(complaints.found)]


def _look_at_files(config: Config, complaints: ConfigFaults) -> None:
    folder = os.path.dirname(config.events.path)
    if folder and not os.path.isdir(folder):
        complaints.add(
            ("events", "path"), f"the folder {folder} does not exist, and `run` stops if it cannot write events"
        )
    for path in written_paths(config.path):
        if os.stat(path).st_mode & stat.S_IWOTH:
            words = f"every user can write this file and thereby change the bans: run `chmod o-w {path}`"
            complaints.found.append(ConfigFault(path, 0, words))


def _look_for_idle(config: Config, complaints: ConfigFaults) -> None:
    """Adds what is valid but has no effect."""
    for at, group in enumerate(config.groups):
        if not group.members:
            complaints.add(("group", at), f"'{group.name}' has no members: rules for it apply to no device")
    for at, exemption in enumerate(config.exceptions):
        if is_over(exemption.until, time.time()):
            complaints.add(("exception", at, "until"), "has passed: this exception no longer applies")


def _look_for(path: KeyPath, interface: str, complaints: ConfigFaults) -> None:
    if not os.path.exists(f"/sys/class/net/{interface}"):
        complaints.add(path, f"there is no interface '{interface}' at present")
