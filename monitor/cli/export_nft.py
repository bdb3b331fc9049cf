"""Banned prefixes as a self-contained nft table, which works without gatewatch."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from monitor.attribution.networks import address_text
from monitor.catalog.entry import CATEGORY_MARK
from monitor.policy.ban import ENFORCE, IP, Ban
from monitor.policy.group_words import parts_of
from monitor.policy.groups import GroupMembers, MemberList
from monitor.policy.owners import OwnerNames, is_about
from monitor.policy.table.exemption_rules import ENCRYPTED_DNS, PLAIN_DNS
from monitor.policy.table.members import merge_spans
from monitor.policy.table.owned_prefixes import OwnedPrefixes

TABLE: Final = "gatewatch_export"
ENCRYPTED: Final = CATEGORY_MARK + ENCRYPTED_DNS


@dataclass(frozen=True)
class ExportPart:
    """Bans with the same exemptions: the groups `others`, and plain DNS if they are about encrypted DNS alone
    (`spares_dns`). `mark` is the suffix of the names of the part's sets and chain.
    """

    mark: str
    others: tuple[str, ...]
    spares_dns: bool
    bans: tuple[Ban, ...]

    def is_about(self, owners: OwnerNames) -> bool:
        wider = is_banned(self.bans, [owner for owner in owners if owner != ENCRYPTED])
        if not self.spares_dns:
            return wider
        return not wider and ENCRYPTED in owners and is_banned(self.bans, [ENCRYPTED])


def parts_of_bans(bans: Sequence[Ban], name: str) -> list[ExportPart]:
    """Groups the bans by their exemptions. `name` is the group that the table is for, `""` for everyone."""
    by_others: dict[tuple[str, ...], list[Ban]] = {}
    for ban in bans:
        for word in ban.groups or ("",):
            first, others = parts_of(word)
            if first in ("", name) and name not in others:
                by_others.setdefault(others, []).append(ban)
    found: list[ExportPart] = []
    for others, some in (by_others or {(): []}).items():
        for spares_dns in (False, True):
            mark = f"_{len(found)}" if found else ""
            found.append(ExportPart(mark, others, spares_dns, tuple(some)))
    return found


def nft(
    bans: Sequence[Ban],
    group: GroupMembers | None,
    groups: Mapping[str, GroupMembers],
    territory: OwnedPrefixes,
    about: str,
) -> Iterator[str]:
    """Yields lines that replace the whole table; without a group it is for everyone. `groups` are all, by name."""
    yield f"# {about}"
    yield f"table inet {TABLE}"
    yield f"delete table inet {TABLE}"
    yield f"table inet {TABLE} {{"
    rules: list[str] = []
    chains: list[str] = []
    for part in parts_of_bans(bans, group.name if group is not None else ""):
        filled: list[int] = []
        for family, intervals in ((4, territory.v4), (6, territory.v6)):
            keys = [
                key for owners, number in territory.owners.items() if part.is_about(owners) for key in intervals[number]
            ]
            found = merge_spans([span_of(key) for key in keys])
            if found or not part.mark:
                yield from set_lines(f"banned{family}{part.mark}", family, found)
            if found:
                filled.append(family)
        rules += part_rules(part, group, filled)
        if filled or not part.mark:
            chains += refuse_chain(part, groups)
    yield "\tchain forward {"
    yield "\t\ttype filter hook forward priority filter - 5; policy accept;"
    if group is not None:
        yield from (f"\t\t{source} return" for source in sources(group.excluded))
    yield from rules
    yield "\t}"
    yield from chains
    yield "}"


def set_lines(name: str, family: int, found: Sequence[tuple[int, int, int]]) -> Iterator[str]:
    yield f"\tset {name} {{"
    yield f"\t\ttype ipv{family}_addr"
    yield "\t\tflags interval"
    if found:
        yield "\t\telements = {"
        yield from (f"\t\t\t{span_text(span)}," for span in found)
        yield "\t\t}"
    yield "\t}"


def part_rules(part: ExportPart, group: GroupMembers | None, filled: Sequence[int]) -> Iterator[str]:
    for source in ("",) if group is None or group.is_open() else sources(group.named):
        for family in filled:
            words = "ip" if family == 4 else "ip6"
            if source.partition(" ")[0] in (words, "ether", "iifname", ""):
                rule = f"{source} {words} daddr @banned{family}{part.mark} jump refuse{part.mark}"
                yield f"\t\t{rule.strip()}"


def refuse_chain(part: ExportPart, groups: Mapping[str, GroupMembers]) -> Iterator[str]:
    yield f"\tchain refuse{part.mark} {{"
    if part.spares_dns:
        yield f"\t\t{PLAIN_DNS}"
    for other in part.others:
        yield from (f"\t\t{source} return" for source in sources(groups[other].named))
    yield "\t\tmeta l4proto tcp reject with tcp reset"
    yield "\t\treject with icmpx type port-unreachable"
    yield "\t}"


def is_banned(bans: Sequence[Ban], owners: Sequence[str]) -> bool:
    return any(ban.mode == ENFORCE and IP in ban.layers and is_about(ban, owners) for ban in bans)


def span_of(key: bytes) -> tuple[int, int, int]:
    """Returns the address size in bytes, the first and the last address of an interval."""
    half = len(key) // 2
    return half, int.from_bytes(key[:half], "big"), int.from_bytes(key[half:], "big")


def span_text(span: tuple[int, int, int]) -> str:
    size, first, last = span
    begin = address_text(first.to_bytes(size, "big"))
    return begin if first == last else f"{begin}-{address_text(last.to_bytes(size, 'big'))}"


def sources(group: MemberList) -> Iterator[str]:
    """Yields nft matches for the group's members. Members given by host name are left out."""
    if group.macs:
        yield f"ether saddr {{ {', '.join(sorted(mac.hex(':') for mac in group.macs))} }}"
    for size, words in ((4, "ip saddr"), (16, "ip6 saddr")):
        prefixes = [prefix for prefix in group.prefixes if prefix.size == size]
        for prefix in prefixes:
            start = (prefix.value << prefix.shift).to_bytes(size, "big")
            yield f"{words} {address_text(start)}/{prefix.bits}"
    if group.interfaces:
        names = ", ".join(f'"{name}"' for name in sorted(group.interfaces))
        yield f"iifname {{ {names} }}"
