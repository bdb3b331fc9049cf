"""Plans the table of a policy: a chain for each owner of banned addresses, a rule for each group and kind of member.

An address may have several owners, from the shipped lists and the user's own lists. The chain of such an address jumps
to the chains of all its owners. The addresses of a ban stay in the maps while the ban is inactive, so that a schedule
or a pause changes rules only, never elements.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import final

from monitor.catalog.entry import CATEGORY_MARK, UNKNOWN_SERVICE, Vendor
from monitor.policy.ban import DNS, ENFORCE, IP, OBSERVE, SHADOW, Ban, is_over
from monitor.policy.banned_owners import BannedOwners
from monitor.policy.group_words import parts_of
from monitor.policy.owners import OwnerNames, closest, subject_label
from monitor.policy.policy import Policy
from monitor.policy.table.chain_names import chain_name, chain_part
from monitor.policy.table.desired import INTERFACE_KEY, IPV4_KEY, IPV6_KEY, Chain, CounterLabel, Desired, SetSpec
from monitor.policy.table.exemption_rules import (
    ENCRYPTED_DNS,
    EXCUSES,
    PLAIN_DNS,
    SPARED,
    allow_set,
    conditions,
    device_words,
    except_sets,
    exemption_conditions,
    prefix_rules,
)
from monitor.policy.table.group_rules import GroupRules
from monitor.policy.table.members import Members
from monitor.policy.table.names import kernel_name
from monitor.policy.table.owned_prefixes import OwnedPrefixes
from monitor.policy.table.probe import PROBE
from monitor.policy.table.rules import (
    DIVERT,
    LAN,
    LEARNED,
    LEARNED_MAX,
    QUESTIONS,
    REFUSE,
    SPARED_MAX,
    DiversionRules,
    fixed_chains,
    fixed_counters,
    fixed_sets,
    hook_chains,
    learned_set,
)
from monitor.policy.table.united import UnitedGroups


def chain_for(desired: Desired, owners: OwnerNames) -> str:
    """Returns the chain for a learned address, or `""` if no ban by address applies to its owners.

    If the table does not have the service yet, the chain of its vendor is returned.
    """
    for known in (owners, tuple([owner.partition("/")[0] for owner in owners])):
        name = chain_name(known)
        if name in desired.chains:
            return name
    return ""


def plan_table(
    policy: Policy,
    members: Members,
    territory: OwnedPrefixes,
    vendors: Sequence[Vendor],
    interfaces: Sequence[str],
    diversion: DiversionRules,
    now: float,
) -> Desired:
    """Returns the table that the policy needs now. `vendors` are the catalogue's, `interfaces` the LAN's by name."""
    policy.refresh(now)
    return TablePlan(policy, members, now).plan(territory, vendors, interfaces, diversion)


def bare_table(interfaces: Sequence[str]) -> Desired:
    """Returns the table without any ban."""
    chains = {**fixed_chains(), LEARNED: Chain(), QUESTIONS: Chain(), **hook_chains(DiversionRules())}
    elements = {LAN: {interface.encode(): "" for interface in interfaces}}
    return Desired(fixed_sets(), fixed_counters(), chains, elements)


@final
class TablePlan:
    """Builds one table."""

    __slots__ = (
        "_active", "_banned", "_chains", "_counters", "_groups", "_members", "_policy", "_rank", "_sets", "_standing",
        "_united",
    )  # fmt: skip

    def __init__(self, policy: Policy, members: Members, now: float) -> None:
        self._policy = policy
        self._members = members
        self._active = {ban.id for ban in policy.active}
        self._united = UnitedGroups(policy.bans, self._active, members)
        self._rank = {group: rank for rank, group in enumerate([*members.groups, *self._united.names, ""])}
        self._standing = [
            ban for ban in policy.bans if ban.mode != OBSERVE and IP in ban.layers and not is_over(ban.until, now)
        ]
        self._banned = BannedOwners(self._standing)
        self._sets = fixed_sets()
        self._counters = fixed_counters()
        self._chains: dict[str, Chain] = {}
        self._groups = GroupRules(members, self._chains, self._united.names)

    def plan(
        self, territory: OwnedPrefixes, vendors: Sequence[Vendor], interfaces: Sequence[str], diversion: DiversionRules
    ) -> Desired:
        self._sets.update(self._members.sets)
        specs, left_out = self._members.leave_out(self._left_out())
        self._sets.update(specs)
        for name, family in except_sets(self._policy.broad()):
            key = IPV4_KEY if family == 4 else IPV6_KEY
            self._sets[name] = SetSpec(key, runtime=True, timeouts=True, size=SPARED_MAX)
        for ban in self._standing:
            if ban.allow:
                for family, key in ((4, IPV4_KEY), (6, IPV6_KEY)):
                    self._sets[allow_set(ban, family)] = SetSpec(key, runtime=True, timeouts=True, size=SPARED_MAX)
        self._chains.update(fixed_chains())
        chains = {owners: chain_name(owners) for owners in self._owners(territory, vendors)}
        single = [name for owners, name in chains.items() if len(owners) == 1]
        for owners, name in chains.items():
            rules = self._owner_rules(owners[0], name) if len(owners) == 1 else self._jumps(owners)
            self._chains[name] = Chain(rules)
        for name in single:
            for family, key in ((4, IPV4_KEY), (6, IPV6_KEY)):
                spec = SetSpec(key, runtime=True, timeouts=True, size=LEARNED_MAX)
                self._sets[learned_set(name, family)] = spec
        self._chains[LEARNED] = Chain(learned_rules(single))
        self._chains[QUESTIONS] = Chain(self._question_rules(diversion))
        self._chains.update(hook_chains(diversion))
        elements = self._members.elements() | left_out
        self._add_ports(elements, diversion)
        elements["net4"], elements["net6"] = territory.elements(chains)
        elements[LAN] = {interface.encode(): "" for interface in (*interfaces, PROBE)}
        elements["exempt4"] = {address: "" for address in diversion.exempt if len(address) == 4}
        elements["exempt6"] = {address: "" for address in diversion.exempt if len(address) == 16}
        return Desired(self._sets, self._counters, self._chains, elements)

    def _add_ports(self, elements: dict[str, dict[bytes, str]], diversion: DiversionRules) -> None:
        """Adds the ports of each bridge to the groups that contain the bridge, because queries may arrive on a port."""
        for name, members in elements.items():
            if self._sets[name].key == INTERFACE_KEY:
                members.update({port.encode(): "" for port, bridge in diversion.ports if bridge.encode() in members})

    def _owners(self, territory: OwnedPrefixes, vendors: Sequence[Vendor]) -> list[OwnerNames]:
        """Returns all owners to which a ban by address applies: owners of prefixes, of lists, and subjects of bans."""
        known = dict.fromkeys(territory.owners)
        for owner in territory.listed:
            known[(owner,)] = None
        for vendor in vendors:
            if vendor.kind == "category":
                known[(CATEGORY_MARK + vendor.slug,)] = None
                continue
            known[(vendor.slug,)] = None
            for slug, _ in vendor.services:
                known[(vendor.slug if slug == UNKNOWN_SERVICE else f"{vendor.slug}/{slug}",)] = None
        for ban in self._standing:
            for subject in ban.subjects:
                known[(str(subject),)] = None
        return [owners for owners in known if self._banned.bans_of(owners)]

    def _jumps(self, owners: OwnerNames) -> tuple[str, ...]:
        """Returns the rules for several owners: a packet that passes the bans of one owner continues with the next."""
        return tuple([f"jump {chain_name((owner,))}" for owner in owners if self._banned.bans_of((owner,))])

    def _left_out(self) -> list[str]:
        """Returns the groups that a ban leaves out or an exception spares, in the order of the groups."""
        found = {other for ban in self._policy.bans for word in ban.groups for other in parts_of(word)[1]}
        found |= {exemption.group for exemption in self._policy.broad() if exemption.group}
        return [group for group in self._members.groups if group in found]

    def _owner_rules(self, owner: str, chain: str) -> tuple[str, ...]:
        """Returns the chain of one owner: rules for spared devices first, then enforced bans, then shadow bans."""
        bans = [ban for ban in self._banned.bans_of((owner,)) if ban.id in self._active]
        if not bans:
            return ()
        spared = list(SPARED)
        if self._policy.excuses():
            spared += EXCUSES
        for device, subjects in self._policy.spares().items():
            if closest(subjects, (owner,))[0] >= 0:
                spared.append(f"{device_words(device)} return")
        groups: list[tuple[str, str]] = []
        for exemption in self._policy.broad():
            for condition in exemption_conditions(exemption, owner):
                if exemption.group:
                    groups.append((exemption.group, condition))
                else:
                    spared += prefix_rules(exemption.prefix, condition)
        rules: list[str] = []
        for mode in (ENFORCE, SHADOW):
            rules += self._mode_rules(owner, chain, mode, [ban for ban in bans if ban.mode == mode])
        return self._groups.sparing(chain, spared, groups, rules)

    def _mode_rules(self, owner: str, chain: str, mode: str, bans: list[Ban]) -> list[str]:
        """Returns the rules of the bans of one mode, those of a service before those of its vendor."""
        by_subject: dict[tuple[int, str], list[Ban]] = {}
        for ban in bans:
            closeness, subject = self._banned.closest(ban, owner)
            by_subject.setdefault((closeness, str(subject)), []).append(ban)
        rules: list[str] = []
        for key in sorted(by_subject):
            by_group: dict[str, list[Ban]] = {}
            for ban in by_subject[key]:
                for group in self._united.of(ban):
                    by_group.setdefault(group, []).append(ban)
            for group in self._in_order(by_group):
                rules += self._group_rules(key[1], chain, mode, group, by_group[group])
        return rules

    def _group_rules(self, subject: str, chain: str, mode: str, group: str, bans: list[Ban]) -> list[str]:
        """Returns the rules for one group (`""`: all devices) under bans of one subject.

        A ban of encrypted DNS does not apply to plain DNS. In mode shadow, `return` ends only the chain that contains
        it: a packet that matches several groups with separate chains is counted for each of them.
        """
        label, part = self._united.label(group), chain_part(subject)
        spared = (PLAIN_DNS,) if subject == CATEGORY_MARK + ENCRYPTED_DNS else ()
        # Another label gets another counter, so that the old count keeps its label.
        counter = kernel_name("/".join([mode, chain, label] if part == chain else [mode, chain, part, label]))
        self._counters[counter] = CounterLabel(*subject_label(subject), label, IP, mode)
        verdict = f"goto {REFUSE}" if mode == ENFORCE else "return"
        name = "/".join([chain, mode, *(["not-plain-dns"] if spared else []), label])
        return self._groups.rules(group, name, conditions(bans), spared, f"counter name {counter}", verdict)

    def _question_rules(self, diversion: DiversionRules) -> tuple[str, ...]:
        """Returns the rules that divert DNS queries to the sinkhole."""
        rules = ["ip saddr @exempt4 return", "ip6 saddr @exempt6 return", f'iifname "{PROBE}" goto {DIVERT}']
        bans = [ban for ban in self._policy.active if ban.mode == ENFORCE and DNS in ban.layers]
        if not diversion.armed or not bans:
            return tuple(rules)
        groups = self._in_order({group for ban in bans for group in self._united.of(ban)})
        if "" in groups:
            return (*rules, f"goto {DIVERT}")
        for group in groups:
            rules += self._groups.rules(group, f"{QUESTIONS}/{group}", [""], (), "", f"goto {DIVERT}")
        return tuple(rules)

    def _in_order(self, words: Collection[str]) -> list[str]:
        """Returns the words whose groups exist, in group order; words that need separate chains come last."""
        known = [word for word in words if self._groups.knows(word)]
        return sorted(known, key=lambda word: (self._groups.is_branching(word), self._rank[parts_of(word)[0]], word))


def learned_rules(chains: Iterable[str]) -> tuple[str, ...]:
    """Returns the jumps from learned addresses to owners' chains; an address may belong to several owners."""
    return tuple(
        f"{words} daddr @{learned_set(chain, family)} jump {chain}"
        for chain in chains
        for family, words in ((4, "ip"), (6, "ip6"))
    )
