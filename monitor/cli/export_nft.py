"""Banned prefixes as a table for nft that stands for itself: nothing in it needs gatewatch to run."""

from collections.abc import Iterator, Sequence
from typing import Final

from monitor.attribution.networks import address_text
from monitor.policy.ban import ENFORCE, IP, Ban
from monitor.policy.groups import GroupMembers
from monitor.policy.judge import covers
from monitor.policy.members import merge_spans
from monitor.policy.territory import Territory

TABLE: Final = "gatewatch_export"


def nft(bans: Sequence[Ban], group: GroupMembers | None, territory: Territory, about: str) -> Iterator[str]:
    """Lines that replace the table as a whole; without a group it is for everyone."""
    yield f"# {about}"
    yield f"table inet {TABLE}"
    yield f"delete table inet {TABLE}"
    yield f"table inet {TABLE} {{"
    families = ((4, territory.v4), (6, territory.v6))
    filled = []
    for family, intervals in families:
        found = merge_spans(
            [
                span_of(key)
                for (vendor, service, category), number in territory.owners.items()
                if is_banned(bans, vendor, service, category)
                for key in intervals[number]
            ]
        )
        yield f"\tset banned{family} {{"
        yield f"\t\ttype ipv{family}_addr"
        yield "\t\tflags interval"
        if found:
            yield "\t\telements = {"
            yield from (f"\t\t\t{span_text(span)}," for span in found)
            yield "\t\t}"
            filled.append(family)
        yield "\t}"
    yield "\tchain forward {"
    yield "\t\ttype filter hook forward priority filter - 5; policy accept;"
    for source in ("",) if group is None else sources(group):
        for family in filled:
            words = "ip" if family == 4 else "ip6"
            if source.partition(" ")[0] in (words, "ether", "iifname", ""):
                yield f"\t\t{source} {words} daddr @banned{family} jump refuse".replace("\t ", "\t")
    yield "\t}"
    yield "\tchain refuse {"
    yield "\t\tmeta l4proto tcp reject with tcp reset"
    yield "\t\treject with icmpx type port-unreachable"
    yield "\t}"
    yield "}"


def is_banned(bans: Sequence[Ban], vendor: str, service: str, category: str) -> bool:
    return any(
        ban.mode == ENFORCE and IP in ban.layers and covers(subject, vendor, service, (category,)) >= 0
        for ban in bans
        for subject in ban.subjects
        if vendor or category
    )


def span_of(key: bytes) -> tuple[int, int, int]:
    """An interval's width in bytes, first and last address."""
    half = len(key) // 2
    return half, int.from_bytes(key[:half], "big"), int.from_bytes(key[half:], "big")


def span_text(span: tuple[int, int, int]) -> str:
    size, first, last = span
    begin = address_text(first.to_bytes(size, "big"))
    return begin if first == last else f"{begin}-{address_text(last.to_bytes(size, 'big'))}"


def sources(group: GroupMembers) -> Iterator[str]:
    """What the group's members are known by; those known by their host name only are left out."""
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
