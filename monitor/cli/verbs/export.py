"""`export`: prints the configured bans in the formats of other programs."""

import time
from argparse import Namespace
from collections.abc import Iterator, Mapping
from dataclasses import replace

from monitor.catalog.index import Index
from monitor.catalog.subject_index import SubjectIndex
from monitor.cli.export_formats import EVERY_NAME, NAME_FORMATS
from monitor.cli.export_nft import nft
from monitor.cli.load_config import read_config
from monitor.cli.stderr import complain
from monitor.config.faults import dotted, no_group
from monitor.config.list_faults import list_faults, missing_subscriptions
from monitor.config.policy import build_policy, configured_standing, protected_names
from monitor.config.sections import Config
from monitor.config.settings import user_lists
from monitor.config.targets import named_subjects
from monitor.errors import EXIT_FINDING, EXIT_OK, UsageError
from monitor.lists.cache import load_cached
from monitor.policy.ban import DNS, ENFORCE, IP, Ban
from monitor.policy.banned_names import banned_names
from monitor.policy.group_words import parts_of
from monitor.policy.groups import GroupMembers
from monitor.policy.overrides import EffectivePolicy
from monitor.policy.policy import holds
from monitor.policy.protected import PROTECTED
from monitor.policy.schedule import ALWAYS
from monitor.policy.table.owned_prefixes import OwnedPrefixes
from monitor.units import count_text


def run(arguments: Namespace) -> int:
    """Reports on standard error what the format cannot express. Returns 1 if a list or subject of a ban is missing."""
    config = read_config(arguments.config)
    groups = {group.name: GroupMembers(group) for group in config.groups}
    members = group_members(groups, arguments.group)
    loaded = load_cached(user_lists(config))
    missing = [*list_faults(loaded.statuses), *missing_subscriptions(loaded.statuses)]
    missing += unknown_targets(config, loaded.index)
    for line in missing:
        complain(line)
    layer = IP if arguments.format == "nft" else DNS
    standing = configured_standing(config, loaded.index)
    enforced = [ban for ban in standing.bans if ban.mode == ENFORCE and layer in ban.layers]
    bans = [ban for ban in enforced if is_exported(ban, arguments.group, layer)]
    for line in left_out(config, enforced, bans, members):
        complain(line)
    bans = [replace(ban, schedule=ALWAYS) for ban in bans]
    about = f"gatewatch {arguments.format}: {', '.join(ban.id for ban in bans) or 'no enforced ban'}"
    if layer == IP:
        local = [*map(str, config.capture.local)]
        territory = OwnedPrefixes(loaded.index, [*map(str, config.capture.nat64)], local)
        lines = nft(bans, members, groups, territory, about)
    else:
        lines = name_lines(config, loaded.index, bans, arguments, about)
    for line in lines:
        print(line)
    return EXIT_FINDING if missing else EXIT_OK


def unknown_targets(config: Config, index: Index) -> Iterator[str]:
    """Yields the subjects that bans and exceptions name and that are in no list."""
    for named in named_subjects(config, SubjectIndex(index)):
        if not named.meaning.subject:
            yield f"{dotted(named.path)}: {named.meaning.fault()}"


def name_lines(config: Config, index: Index, bans: list[Ban], arguments: Namespace, about: str) -> Iterator[str]:
    protected = protected_names(config)
    policy = build_policy(config, EffectivePolicy(tuple(bans)))
    groups = (arguments.group,) if arguments.group else ()
    every = arguments.format in EVERY_NAME
    rules = banned_names(index, policy, groups, (*PROTECTED, *protected), time.time(), every)
    return NAME_FORMATS[arguments.format](rules, about)


def is_exported(ban: Ban, group: str, layer: str) -> bool:
    """Whether the ban applies to the group, or to everyone. A list of names applies to every client of the resolver:
    a ban that leaves groups out is exported only for a group that it does not leave out.
    """
    if layer == IP and not group:
        return any(not parts_of(word)[0] for word in ban.groups or ("",))
    return holds(ban, (group,)) if group else not ban.groups


def group_members(groups: Mapping[str, GroupMembers], name: str) -> GroupMembers | None:
    """Returns the group of that name, None for everyone. Raises UsageError, which suggests the nearest name."""
    if not name:
        return None
    if name in groups:
        return groups[name]
    raise UsageError(no_group(name, list(groups)))


def left_out(config: Config, enforced: list[Ban], bans: list[Ban], members: GroupMembers | None) -> Iterator[str]:
    """Yields a line for each part of the configuration that the export leaves out."""
    others = len(enforced) - len(bans)
    if others:
        yield f"{count_text(others, 'ban')} for other groups left out; --group names one"
    for ban in bans:
        if not ban.schedule.is_always():
            yield f"{ban.id}: has a schedule, but the export always applies"
    if config.exceptions:
        yield f"{count_text(len(config.exceptions), 'exception')} left out"
    if members is not None and (members.named.patterns or members.excluded.patterns):
        yield f"members of {members.name} by host name are left out"
    for other in dict.fromkeys(other for ban in bans for word in ban.groups for other in parts_of(word)[1]):
        group = GroupMembers(next(one for one in config.groups if one.name == other))
        if group.named.patterns or not group.excluded.is_empty():
            yield f"{other}, which a ban leaves out, has members by host name or exclusion: these are left out"
