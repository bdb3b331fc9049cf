"""`plan`: prints the nftables table that the configuration requires now; changes nothing."""

import json
import time
from argparse import Namespace
from collections.abc import Iterator
from typing import Any

from monitor.attribution.networks import address_text
from monitor.catalog.index import Index
from monitor.cli.load_config import read_config
from monitor.cli.plan_elements import element_commands, element_text
from monitor.cli.stderr import complain
from monitor.config.list_faults import list_faults, missing_subscriptions
from monitor.config.policy import build_policy, configured_standing
from monitor.config.sections import Config
from monitor.config.settings import user_lists
from monitor.daemon.policy_words import ban_row, ban_text
from monitor.enforcement.blocked_page import page_address
from monitor.enforcement.resolver import never_diverted
from monitor.errors import EXIT_FINDING, EXIT_OK, GatewatchError, MachineError
from monitor.kernel.netlink.interfaces import Machine, look_at_machine
from monitor.lan.interfaces import choose_for, connected_prefixes
from monitor.lists.cache import load_cached
from monitor.policy.ban import DNS, ENFORCE, OBSERVE
from monitor.policy.groups import Groups
from monitor.policy.policy import Policy
from monitor.policy.table.desired import TABLE, Desired
from monitor.policy.table.members import Members
from monitor.policy.table.owned_prefixes import OwnedPrefixes
from monitor.policy.table.planner import plan_table
from monitor.policy.table.rules import DiversionRules
from monitor.policy.table.script import ruleset


def run(arguments: Namespace) -> int:
    config = read_config(arguments.config)
    loaded = load_cached(user_lists(config))
    missing = [*list_faults(loaded.statuses), *missing_subscriptions(loaded.statuses)]
    for line in missing:
        complain(line)
    machine = machine_now()
    names = interfaces_of(config, machine)
    now = time.time()
    policy = build_policy(config, configured_standing(config, loaded.index))
    policy.refresh(now)
    if any(ban.mode != OBSERVE for ban in policy.bans):
        wide = machine.with_parts(names)
        desired = desired_table(config, policy, loaded.index, wide, spared(config, machine, names), now)
    else:
        desired = Desired()
    if arguments.json:
        print(json.dumps(plan_object(policy, desired, names)))
    else:
        for line in plan_lines(policy, desired, names):
            print(line)
    return EXIT_FINDING if missing else EXIT_OK


def machine_now() -> Machine:
    """Returns the machine's interfaces and routes; empty if they cannot be read."""
    try:
        return look_at_machine()
    except MachineError:
        return Machine((), frozenset(), False)


def interfaces_of(config: Config, machine: Machine) -> tuple[str, ...]:
    """Returns the configured interfaces, also if they do not exist, else those that `run` would choose."""
    if config.capture.interfaces:
        return config.capture.interfaces
    try:
        return choose_for(machine, (), config).names
    except GatewatchError as error:
        complain(str(error))
        return ()


def spared(config: Config, machine: Machine, names: tuple[str, ...]) -> list[str]:
    """Returns what no ban affects: local prefixes, on-link prefixes, and the gateway's own addresses."""
    on_link = connected_prefixes(machine, names) or {}
    return [
        *map(str, config.capture.local),
        *(prefix for prefixes in on_link.values() for prefix in prefixes),
        *(address_text(address.packed) for interface in machine.interfaces for address in interface.addresses),
    ]


def desired_table(
    config: Config, policy: Policy, index: Index, names: tuple[str, ...], never: list[str], now: float
) -> Desired:
    """Returns the table as it is after the sinkhole has answered its probe."""
    groups = Groups(config.groups, names)
    territory = OwnedPrefixes(index, [*map(str, config.capture.nat64)], never)
    page = page_address(config.sinkhole)
    alone = page != b"" and address_text(page) not in never
    diversion = DiversionRules(armed=True, exempt=never_diverted(config.sinkhole), page=page, page_alone=alone)
    return plan_table(policy, Members(groups), territory, index.vendors(), names, diversion, now)


def plan_lines(policy: Policy, desired: Desired, names: tuple[str, ...]) -> Iterator[str]:
    """Yields the table in nft syntax, so that nft can check it."""
    active = {ban.id for ban in policy.active}
    for ban in policy.bans:
        yield f"# {ban.id}: {ban_text(ban)}; {'in force' if ban.id in active else 'not in force now'}"
    if not desired.chains:
        yield "# empty: no ban does more than observe"
        return
    if any(ban.mode == ENFORCE and DNS in ban.layers for ban in policy.active):
        yield f"# queries that chain `divert` marks go to the sinkhole, on {', '.join(names) or 'no interface'}"
    yield ruleset(desired).rstrip()
    yield from element_commands(desired)


def plan_object(policy: Policy, desired: Desired, names: tuple[str, ...]) -> dict[str, Any]:
    active = {ban.id for ban in policy.active}
    return {
        "table": f"inet {TABLE}" if desired.chains else None,
        "interfaces": list(names),
        "bans": [{**ban_row(ban), "active": ban.id in active} for ban in policy.bans],
        "chains": {name: {"hook": chain.hook, "rules": list(chain.rules)} for name, chain in desired.chains.items()},
        "sets": {
            name: [element_text(spec, key, chain) for key, chain in desired.elements.get(name, {}).items()]
            for name, spec in desired.sets.items()
        },
        "counters": list(desired.counters),
    }
