"""Random policies over a small world, and one plain statement of what they mean for a packet."""

from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address, ip_network

from fake_kernel import Packet
from hypothesis import strategies as st

from monitor.catalog.builder import IndexBuilder
from monitor.catalog.entry import Owner, Vendor, owner_text
from monitor.catalog.index import Index
from monitor.policy.ban import Ban, Exemption, Subject
from monitor.policy.groups import Group, Groups
from monitor.policy.learnable import Learnable
from monitor.policy.policy import Policy
from monitor.policy.schedule import Schedule
from monitor.policy.table.desired import Desired
from monitor.policy.table.members import Members
from monitor.policy.table.owned_prefixes import SPECIAL, OwnedPrefixes
from monitor.policy.table.planner import chain_for, plan_table
from monitor.policy.table.rules import DiversionRules, learned_set

MACS = [bytes.fromhex(f"02000000000{number}") for number in range(4)]
SOURCES = ["10.0.0.1", "10.0.0.2", "10.1.0.1", "fd00::1", "fd00::2", "fd01::1"]
INTERFACES = ["lan0", "lan1"]
MEMBERS = [
    *(mac.hex(":") for mac in MACS[:2]),
    *SOURCES[:1],
    "10.0.0.0/24",
    "10.0.0.0/16",
    "10.1.0.0/16",
    "fd00::/64",
    "fd00::2",
    "iface:lan1",
    "host:never-*",
]
EXCLUDED = [f"!{member}" for member in (MACS[1].hex(":"), "10.0.0.2", "10.0.0.0/24", "fd00::/64", "iface:lan0")]
NAMES = ["alpha", "beta", "gamma"]
WORDS = [*NAMES, *NAMES, "nobody", "!alpha", "!beta", "beta!alpha", "gamma!beta!alpha", "alpha!gone"]
SUBJECTS = [
    Subject("acme"), Subject("acme", "video"), Subject("bolt"), Subject("bolt", "mail"), Subject(category="relay"),
    Subject("mine"),
]  # fmt: skip
OWNERS = [
    Owner("acme"), Owner("acme", "video"), Owner("bolt"), Owner("bolt", "mail"),
    Owner("relay", category=True), Owner("cloud", weak=True), Owner("acme", also=("video",)),
    Owner("mine", list="mine", user=True), Owner("bolt", "mail", list="mail", user=True),
    Owner("relay", list="relays", category=True, user=True),
]  # fmt: skip
VENDORS = [
    Vendor("acme", "Acme", "vendor", (("video", "Acme Video"),)), Vendor("bolt", "Bolt", "vendor", (("mail", "Mail"),)),
    Vendor("relay", "Relay", "category"), Vendor("mine", "Mine", "vendor"),
]  # fmt: skip
PREFIXES = [
    "20.0.0.0/8", "20.1.0.0/16", "20.1.1.0/24", "20.1.1.128/25", "20.1.1.200", "20.2.0.0/16", "20.3.0.0/16",
    "10.9.0.0/16", "2a00::/16", "2a00:1::/32", "2a00:1:1::/48", "2a00:2::/32", "2a00:1::5",
]  # fmt: skip
DESTINATIONS = [
    "20.0.0.1", "20.1.0.1", "20.1.1.1", "20.1.1.127", "20.1.1.128", "20.1.1.200", "20.1.1.255", "20.2.0.0",
    "20.3.255.255", "20.4.0.0", "21.0.0.0", "19.255.255.255", "10.9.0.1", "2a00::1", "2a00:1::1", "2a00:1::5",
    "2a00:1:1::1", "2a00:2::1", "2b00::",
    "64:ff9b::1401:101", "64:ff9b::a09:1", "2a05::2001:101", "2a05::14:101:100:0",
]  # fmt: skip
# Answers to banned names led here: some lie in prefixes, of the same owner or another.
TAUGHT = ["21.0.0.0", "20.1.1.1", "20.0.0.1", "20.4.0.0", "2b00::", "2a00:1::5"]
NAT64 = ["64:ff9b::/96", "2a05::/64"]
LOCAL = ["10.0.0.0/8", "20.3.128.0/17", "fd00::/8", "2a00:2::/32"]
ALWAYS = Schedule()
NEVER = Schedule(())
NOW = 1_000_000.0


def local_time(now: float) -> tuple[int, int]:
    return 0, 600


Taught = tuple[tuple[str, Owner], ...]


@dataclass(frozen=True)
class World:
    """What an administrator wrote, and which devices became members by their host names."""

    groups: tuple[Group, ...]
    bans: tuple[Ban, ...]
    exemptions: tuple[Exemption, ...]
    followed: tuple[tuple[str, bytes, tuple[bytes, ...], bool], ...]
    armed: bool
    taught: Taught = ()

    def members(self) -> Members:
        members = Members(Groups(self.groups, INTERFACES))
        for number, (group, mac, addresses, is_excluded) in enumerate(self.followed):
            if is_excluded and group in self.excluding():
                members.follow(number, (), mac, addresses, [group])
            elif not is_excluded:
                members.follow(number, [group], mac, addresses)
        return members

    def excluding(self) -> set[str]:
        """The groups that exclude some device: the others never exclude one that comes later."""
        return {group.name for group in self.groups if any(member.startswith("!") for member in group.members)}

    def policy(self) -> Policy:
        return Policy(self.bans, self.exemptions, (), local_time)

    def desired(self, listed: "Listed"):
        diversion = DiversionRules(armed=self.armed, exempt=(packed(SOURCES[1]),))
        return plan_table(self.policy(), self.members(), listed.territory, VENDORS, INTERFACES, diversion, NOW)

    def learned(self, desired: Desired, listed: "Listed") -> list[tuple[str, bytes]]:
        """The chains of the owners whose names led to addresses, and the keys that these have in the kernel."""
        learnable = Learnable(listed.index, None, NAT64, LOCAL)
        found = [
            (chain_for(desired, (owner_text(owner),)), key)
            for text, owner in self.taught
            for key in learnable.keys(packed(text))
        ]
        return [(chain, key) for chain, key in found if chain]


def learned_sets(chain: str, key: bytes) -> tuple[str, str]:
    """The two sets that an address is in."""
    family = 4 if len(key) == 4 else 6
    return learned_set(chain, family), f"learned{family}"


@dataclass(frozen=True)
class Listed:
    """A catalogue of prefixes, and the territory made of it."""

    entries: tuple[tuple[str, Owner], ...]
    index: Index
    territory: OwnedPrefixes


@cache
def packed(text: str) -> bytes:
    return ip_address(text).packed


@cache
def is_in(address: bytes, prefix: str) -> bool:
    return ip_address(address) in ip_network(prefix)


def listed(entries: list[tuple[str, Owner]]) -> Listed:
    builder = IndexBuilder(seed=7)
    for value, owner in entries:
        network = ip_network(value)
        builder.add_prefix(network.network_address.packed, network.prefixlen, builder.number_of(owner))
    index = Index.load(builder.build())
    return Listed(tuple(entries), index, OwnedPrefixes(index, NAT64, LOCAL))


catalogues = st.lists(st.tuples(st.sampled_from(PREFIXES), st.sampled_from(OWNERS)), min_size=4, max_size=12).map(
    listed
)
members = st.lists(st.sampled_from([*MEMBERS, *MEMBERS, *EXCLUDED]), min_size=1, max_size=4).map(tuple)
groups = st.tuples(*[members for _ in NAMES]).map(
    lambda members: tuple(Group(name, of) for name, of in zip(NAMES, members, strict=True))
)
bans = st.lists(
    st.builds(
        dict,
        subjects=st.lists(st.sampled_from(SUBJECTS), min_size=1, max_size=2).map(tuple),
        groups=st.lists(st.sampled_from(WORDS), max_size=3, unique=True).map(tuple),
        mode=st.sampled_from(["observe", "shadow", "enforce", "enforce", "enforce", "enforce"]),
        layers=st.sampled_from([frozenset({"ip"}), frozenset({"dns"}), frozenset({"dns", "sni", "ip"})]),
        schedule=st.sampled_from([ALWAYS, ALWAYS, ALWAYS, NEVER]),
        on_failure=st.sampled_from(["open", "closed"]),
        allow=st.sampled_from([(), (), (b"press.example",)]),
        until=st.sampled_from([0.0, 0.0, NOW - 1, NOW + 1]),
    ),
    min_size=1,
    max_size=5,
).map(lambda many: tuple(Ban(f"ban-{number}", **fields) for number, fields in enumerate(many)))
scopes = st.one_of(
    st.builds(dict, device=st.one_of(st.sampled_from(MACS), st.sampled_from(SOURCES).map(packed))),
    st.builds(dict, group=st.sampled_from([*NAMES, "nobody"])),
    st.builds(dict, prefix=st.sampled_from(["10.0.0.0/24", "fd00::/64"])),
)
exemptions = st.lists(
    st.builds(
        lambda scope, vendor, until: Exemption(vendor=vendor, until=until, **scope),
        scopes,
        st.sampled_from(["acme", "acme/video", "category:relay"]),
        st.sampled_from([0.0, NOW - 1, NOW + 1]),
    ),
    max_size=2,
).map(tuple)
followed = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(NAMES), st.sampled_from(MACS), st.just(()), st.booleans()),
        st.tuples(
            st.sampled_from(NAMES),
            st.just(b""),
            st.lists(st.sampled_from(SOURCES).map(packed)).map(tuple),
            st.booleans(),
        ),
    ),
    max_size=3,
).map(tuple)
taught = st.lists(
    st.tuples(
        st.sampled_from(TAUGHT), st.sampled_from([owner for owner in OWNERS if not owner.weak and not owner.also])
    ),
    max_size=4,
).map(tuple)
worlds = st.builds(
    World, groups=groups, bans=bans, exemptions=exemptions, followed=followed, armed=st.booleans(), taught=taught
)


@st.composite
def traffic(draw: st.DrawFn) -> list[Packet]:
    """From every source to every destination, in one shape."""
    mac = draw(st.sampled_from([*MACS, b""]))
    protocol, port = draw(st.sampled_from([(6, 443), (6, 443), (17, 443), (1, 0), (6, 53), (17, 53)]))
    flags = draw(st.sampled_from([2, 16]))
    came_in, goes_out = draw(st.sampled_from([("lan0", "wan0"), ("lan1", "wan0"), ("lan1", "lan0"), ("wan0", "lan1")]))
    return [
        Packet(source, destination, mac, protocol, 40000, port, flags, came_in, goes_out)
        for source in map(packed, SOURCES)
        for destination in map(packed, DESTINATIONS)
        if len(source) == len(destination)
    ]


def groups_of(world: World, packet: Packet) -> set[str]:
    """The groups whose members the packet shows."""
    found, excluded = set(), set()
    for group in world.groups:
        if all(member.startswith("!") for member in group.members):
            found.add(group.name)
        for member in group.members:
            if shows(packet, member.removeprefix("!")):
                (excluded if member.startswith("!") else found).add(group.name)
    for group, mac, addresses, is_excluded in world.followed:
        if (mac and mac == packet.mac) or (not mac and packet.source in addresses):
            if not is_excluded:
                found.add(group)
            elif group in world.excluding():
                excluded.add(group)
    return found - excluded


def shows(packet: Packet, member: str) -> bool:
    """Whether the packet is one of that member of a group."""
    if "." in member or "::" in member:
        return is_in(packet.source, member)
    return member in (packet.mac.hex(":") or "none", f"iface:{packet.came_in}")


def is_for(word: str, mine: set[str]) -> bool:
    """Whether a ban of `word` is for devices of these groups; of a group that is not there, it is for nobody."""
    first, *others = word.split("!")
    return (not first or first in mine) and not mine & set(others) and set(others) <= set(NAMES)


def plain_destination(destination: bytes) -> bytes:
    """The IPv4 address inside one of the NAT64 prefixes, or the address itself."""
    if is_in(destination, NAT64[0]):
        return destination[12:]
    if is_in(destination, NAT64[1]):
        return destination[9:13]
    return destination


def holder(owner: Owner) -> str:
    """Of the prefixes of one holder one counts."""
    if owner.user:
        return f"list {owner.list}"
    return f"category {owner.vendor}" if owner.category else "vendors"


def owners_of(listed: Listed, destination: bytes) -> frozenset[Owner]:
    """Everyone that the address is the own one of."""
    inside = plain_destination(destination)
    never = [*LOCAL, *SPECIAL, *(NAT64 if inside == destination else ())]
    if any(is_in(inside, text) for text in never):
        return frozenset()
    best: dict[str, tuple[int, Owner]] = {}
    for text, owner in listed.entries:
        bits = int(text.partition("/")[2] or "128")
        if not owner.weak and is_in(inside, text) and bits > best.get(holder(owner), (-1, owner))[0]:
            best[holder(owner)] = (bits, owner)
    return frozenset(owner for _, owner in best.values())


def is_about(ban: Ban, owner: Owner) -> bool:
    return any(means(str(subject), owner) for subject in ban.subjects)


def means(target: str, owner: Owner) -> bool:
    """Whether what a ban or an exception names is this owner, or its vendor."""
    if owner.category:
        return target == f"category:{owner.vendor}"
    return target in (owner.vendor, *[f"{owner.vendor}/{service}" for service in (owner.service, *owner.also)])


def expected(world: World, listed: Listed, packet: Packet, alive: set[str]) -> str:
    """What section 9 of the design says becomes of the packet."""
    mine = groups_of(world, packet)
    active = [
        ban
        for ban in world.bans
        if not 0 < ban.until <= NOW
        and not ban.schedule.never_occurs()
        and (not ban.groups or any(is_for(word, mine) for word in ban.groups))
    ]
    if not active:
        return "pass"
    question = packet.destination_port == 53 and packet.protocol in (6, 17) and packet.came_in in alive
    asks = question and world.armed and packet.source != packed(SOURCES[1])
    if asks and any(ban.mode == "enforce" and "dns" in ban.layers for ban in active):
        return "divert"
    inside = plain_destination(packet.destination)
    led = [owner for text, owner in world.taught if packed(text) == inside]
    for owner in [*owners_of(listed, packet.destination), *led]:
        if not is_exempt(world, packet, owner) and is_refused(active, owner, packet, alive):
            return "reject"
    return "pass"


def is_exempt(world: World, packet: Packet, owner: Owner) -> bool:
    return any(
        means(exemption.vendor, owner)
        for exemption in world.exemptions
        if not 0 < exemption.until <= NOW and is_in_scope(world, exemption, packet)
    )


def is_in_scope(world: World, exemption: Exemption, packet: Packet) -> bool:
    if exemption.group:
        return exemption.group in groups_of(world, packet)
    if exemption.prefix:
        return is_in(packet.source, exemption.prefix)
    return exemption.device in (packet.mac, packet.source)


def is_refused(active: list[Ban], owner: Owner, packet: Packet, alive: set[str]) -> bool:
    return any(
        ban.mode == "enforce"
        and "ip" in ban.layers
        and packet.came_in in (INTERFACES if ban.on_failure == "closed" else alive)
        and is_about(ban, owner)
        for ban in active
    )
