"""The policy as a table: a chain for each owner of banned addresses, in it a rule for each group and kind of member.

An owner is a vendor, a service of it, a category, or two of these where an address is both. The addresses of all bans
stay in the maps while their bans sleep, so that a schedule or a pause changes rules only, never elements.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import final

from monitor.catalog.entry import UNKNOWN_SERVICE, Vendor
from monitor.policy.ban import (
    DNS,
    ENFORCE,
    IP,
    OBSERVE,
    SHADOW,
    Ban,
    is_over,
)
from monitor.policy.desired import INTERFACE_KEY, IPV4_KEY, IPV6_KEY, Chain, CounterLabel, Desired, SetSpec
from monitor.policy.exemption_rules import (
    ENCRYPTED_DNS,
    EXCUSES,
    PLAIN_DNS,
    SPARED,
    allow_set,
    conditions,
    device_words,
    except_sets,
    exemption_conditions,
    means,
    prefix_rules,
)
from monitor.policy.group_rules import GroupRules
from monitor.policy.group_words import parts_of
from monitor.policy.judge import Policy
from monitor.policy.members import Members
from monitor.policy.names import kernel_name
from monitor.policy.probe import PROBE
from monitor.policy.rules import (
    DIVERT,
    LAN,
    LEARNED,
    LEARNED_MAX,
    QUESTIONS,
    REFUSE,
    SPARED_MAX,
    Diversion,
    fixed_chains,
    fixed_counters,
    fixed_sets,
    hook_chains,
    learned_set,
)
from monitor.policy.territory import Owner, Territory
from monitor.policy.united import UnitedGroups


def chain_name(owner: Owner) -> str:
    """`v_bytedance`, `v_bytedance/tiktok`, `c_encrypted-dns`, or a vendor's and a category's joined by `//`."""
    vendor, service, category = owner
    parts = [f"v_{vendor}/{service}" if service else f"v_{vendor}"] if vendor else []
    if category:
        parts.append(f"c_{category}")
    return kernel_name("//".join(parts))


def chain_for(desired: Desired, vendor: str, service: str, category: str) -> str:
    """The chain that a learned address goes to, `""` where no ban by address is about it."""
    if service == UNKNOWN_SERVICE:
        service = ""
    for owner in ((vendor, service, category), (vendor, service, ""), (vendor, "", ""), ("", "", category)):
        name = chain_name(owner)
        if name in desired.chains:
            return name
    return ""


def plan_table(
    policy: Policy,
    members: Members,
    territory: Territory,
    vendors: Sequence[Vendor],
    interfaces: Sequence[str],
    diversion: Diversion,
    now: float,
) -> Desired:
    """What the table must hold now. `vendors` are the catalogue's, `interfaces` those of the LAN by name."""
    policy.refresh(now)
    return TablePlan(policy, members, now).plan(territory, vendors, interfaces, diversion)


def bare_table(interfaces: Sequence[str]) -> Desired:
    """The table before any ban has come into it."""
    chains = {**fixed_chains(), LEARNED: Chain(), QUESTIONS: Chain(), **hook_chains(Diversion())}
    elements = {LAN: {interface.encode(): "" for interface in interfaces}}
    return Desired(fixed_sets(), fixed_counters(), chains, elements)


@final
class TablePlan:
    """One table in the making."""

    __slots__ = (
        "_active", "_bans", "_chains", "_counters", "_groups", "_members", "_policy", "_rank", "_sets", "_standing",
        "_united",
    )  # fmt: skip

    def __init__(self, policy: Policy, members: Members, now: float) -> None:
        self._policy = policy
        self._members = members
        self._united = UnitedGroups(policy.bans, members)
        self._rank = {group: rank for rank, group in enumerate([*members.groups, *self._united.names, ""])}
        self._standing = [
            ban for ban in policy.bans if ban.mode != OBSERVE and IP in ban.layers and not is_over(ban.until, now)
        ]
        self._active = {ban.id for ban in policy.active}
        self._bans: dict[str, list[Ban]] = {}
        for ban in self._standing:
            for key in {subject.category or subject.vendor for subject in ban.subjects}:
                self._bans.setdefault(key, []).append(ban)
        self._sets = fixed_sets()
        self._counters = fixed_counters()
        self._chains: dict[str, Chain] = {}
        self._groups = GroupRules(members, self._chains, self._united.names)

    def plan(
        self, territory: Territory, vendors: Sequence[Vendor], interfaces: Sequence[str], diversion: Diversion
    ) -> Desired:
        self._sets.update(self._members.sets)
        specs, left_out = self._members.leave_out(self._left_out())
        self._sets.update(specs)
        for name, family in except_sets(self._policy.broad()):
            key = IPV4_KEY if family == 4 else IPV6_KEY
            self._sets[name] = SetSpec(key, runtime=True, timeouts=True, size=SPARED_MAX)
        for ban in self._standing:
            if ban.allow:
                self._sets[allow_set(ban, 4)] = SetSpec(IPV4_KEY, runtime=True, timeouts=True, size=SPARED_MAX)
                self._sets[allow_set(ban, 6)] = SetSpec(IPV6_KEY, runtime=True, timeouts=True, size=SPARED_MAX)
        self._chains.update(fixed_chains())
        owners = {owner: chain_name(owner) for owner in self._owners(territory, vendors)}
        for owner, name in owners.items():
            self._chains[name] = Chain(self._owner_rules(owner, name))
        for name in owners.values():
            for family, key in ((4, IPV4_KEY), (6, IPV6_KEY)):
                spec = SetSpec(key, runtime=True, timeouts=True, size=LEARNED_MAX)
                self._sets[learned_set(name, family)] = spec
        self._chains[LEARNED] = Chain(learned_rules(owners.values()))
        self._chains[QUESTIONS] = Chain(self._question_rules(diversion))
        self._chains.update(hook_chains(diversion))
        elements = self._members.elements() | left_out
        self._add_ports(elements, diversion)
        elements["net4"], elements["net6"] = territory.elements(owners)
        elements[LAN] = {interface.encode(): "" for interface in (*interfaces, PROBE)}
        elements["exempt4"] = {address: "" for address in diversion.exempt if len(address) == 4}
        elements["exempt6"] = {address: "" for address in diversion.exempt if len(address) == 16}
        return Desired(self._sets, self._counters, self._chains, elements)

    def _add_ports(self, elements: dict[str, dict[bytes, str]], diversion: Diversion) -> None:
        """Where a bridge is a member of a group, a question that comes in by one of its ports is of that group."""
        for name, members in elements.items():
            if self._sets[name].key == INTERFACE_KEY:
                members.update({port.encode(): "" for port, bridge in diversion.ports if bridge.encode() in members})

    def _owners(self, territory: Territory, vendors: Sequence[Vendor]) -> list[Owner]:
        """Every owner that a standing ban is about: those of the addresses, of the catalogue, and the bans' own."""
        known = dict.fromkeys(territory.owners)
        for vendor in vendors:
            if vendor.kind == "category":
                known[("", "", vendor.slug)] = None
                continue
            known[(vendor.slug, "", "")] = None
            for slug, _ in vendor.services:
                known[(vendor.slug, "" if slug == UNKNOWN_SERVICE else slug, "")] = None
        for ban in self._standing:
            for subject in ban.subjects:
                known[(subject.vendor, subject.service, subject.category)] = None
        return [owner for owner in known if self._bans_of(owner)]

    def _bans_of(self, owner: Owner) -> list[Ban]:
        """The standing bans about this owner."""
        vendor, service, category = owner
        found = [
            ban
            for key in {vendor, category} - {""}
            for ban in self._bans.get(key, ())
            if any(means(subject, vendor, service, category) for subject in ban.subjects)
        ]
        return list(dict.fromkeys(found)) if vendor and category else found

    def _left_out(self) -> list[str]:
        """The groups that a ban leaves out or an exception spares, in the order of the groups."""
        found = {other for ban in self._policy.bans for word in ban.groups for other in parts_of(word)[1]}
        found |= {exemption.group for exemption in self._policy.broad() if exemption.group}
        return [group for group in self._members.groups if group in found]

    def _owner_rules(self, owner: Owner, chain: str) -> tuple[str, ...]:
        """The chain of one owner: who is spared, whom a ban refuses, whom it only counts."""
        bans = [ban for ban in self._bans_of(owner) if ban.id in self._active]
        if not bans:
            return ()
        spared = list(SPARED)
        if self._policy.excuses():
            spared += EXCUSES
        for device, subjects in self._policy.spares().items():
            if any(means(subject, *owner) for subject in subjects):
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

    def _mode_rules(self, owner: Owner, chain: str, mode: str, bans: list[Ban]) -> list[str]:
        """The rules of the bans of one mode. Those about encrypted DNS alone, which spare plain DNS, come last."""
        vendor, service, category = owner
        if category != ENCRYPTED_DNS:
            return self._ban_rules(owner, chain, mode, bans, ())
        others = [ban for ban in bans if any(means(subject, vendor, service, "") for subject in ban.subjects)]
        alone = [ban for ban in bans if ban not in others]
        rules = self._ban_rules(owner, chain, mode, others, ())
        return rules + self._ban_rules(owner, chain, mode, alone, (PLAIN_DNS,))

    def _ban_rules(self, owner: Owner, chain: str, mode: str, bans: list[Ban], spared: Sequence[str]) -> list[str]:
        by_group: dict[str, list[Ban]] = {}
        for ban in bans:
            for group in self._united.of(ban):
                by_group.setdefault(group, []).append(ban)
        rules: list[str] = []
        for group in self._in_order(by_group):
            rules += self._group_rules(owner, chain, mode, group, by_group[group], spared)
        return rules

    def _group_rules(
        self, owner: Owner, chain: str, mode: str, group: str, bans: list[Ban], spared: Sequence[str]
    ) -> list[str]:
        """The rules for a group, `""`: for everyone. nft refuses one that asks for both families at once.

        A packet that only a group with a chain of its own counts, in mode shadow, is counted for each such group.
        """
        label = self._united.label(group)
        vendor = about(owner, bans)
        # Another label is another counter: what it has counted stays where it was.
        words = [mode, chain, label] if vendor == (owner[0] or owner[2]) else [mode, chain, vendor, label]
        counter = kernel_name("/".join(words))
        self._counters[counter] = CounterLabel(vendor, label, IP, mode)
        verdict = f"goto {REFUSE}" if mode == ENFORCE else "return"
        name = "/".join([chain, mode, *(["not-plain-dns"] if spared else []), label])
        return self._groups.rules(group, name, conditions(bans), spared, f"counter name {counter}", verdict)

    def _question_rules(self, diversion: Diversion) -> tuple[str, ...]:
        """Whose questions go to the sinkhole."""
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
        """Those whose groups are there, in the order of the groups; those that need chains of their own come last."""
        known = [word for word in words if self._groups.knows(word)]
        return sorted(known, key=lambda word: (self._groups.is_branching(word), self._rank[parts_of(word)[0]], word))


def learned_rules(chains: Iterable[str]) -> tuple[str, ...]:
    """An address may be several owners': what the bans of one let pass goes on to the next."""
    return tuple(
        f"{words} daddr @{learned_set(chain, family)} jump {chain}"
        for chain in chains
        for family, words in ((4, "ip"), (6, "ip6"))
    )


def about(owner: Owner, bans: Sequence[Ban]) -> str:
    """Whether the bans are about the owner's vendor, else its category: an address may have both."""
    vendor, service, category = owner
    is_vendor = any(means(subject, vendor, service, "") for ban in bans for subject in ban.subjects)
    return vendor if is_vendor or not category else category
