"""Checks whether a group word can select any device, because exclusions may exclude every member.

Members are compared by their text and their prefixes only. The addresses of a MAC are unknown here, so a MAC counts as
excluded only if the same MAC is excluded.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from monitor.attribution.networks import NetworkPrefix, parse_prefix
from monitor.policy.group_words import BUT, parts_of

# Every IPv4 or IPv6 address is inside one of these.
ALL_ADDRESSES: Final = ("0.0.0.0/0", "::/0")


def empty_reason(word: str, members: Mapping[str, Sequence[str]]) -> str:
    """Returns why the word selects no device, or `""` if it may select one. `members` are the members of each group."""
    first, others = parts_of(word)
    if first and not members.get(first, ()):
        return f"the group '{first}' has no members"
    if first in others:
        return f"the group '{first}' is meant and left out"
    left_out = excluded_of(members.get(first, ())) if first else []
    if first and is_nobody(named_of(members[first]), left_out):
        return f"the group '{first}' leaves out every member that it has"
    for other in others:
        left_out += members_of(other, members)
    if others and is_nobody(named_of(members.get(first, ())), left_out):
        whole = f"the group '{first}'" if first else "everyone"
        return f"{named_text(others)} left out, and nothing remains of {whole}"
    return ""


def named_text(others: Sequence[str]) -> str:
    listed = ", ".join([f"'{other}'" for other in others])
    return f"the groups {listed} are" if len(others) > 1 else f"the group {listed} is"


def members_of(group: str, members: Mapping[str, Sequence[str]]) -> list[str]:
    """Returns the members that a ban surely excludes if it leaves the group out; none if the group has exclusions."""
    own = members.get(group, ())
    return [] if excluded_of(own) else named_of(own)


def named_of(members: Sequence[str]) -> list[str]:
    return [member for member in members if not member.startswith(BUT)]


def excluded_of(members: Sequence[str]) -> list[str]:
    return [member[len(BUT) :] for member in members if member.startswith(BUT)]


def is_nobody(named: Sequence[str], left_out: Sequence[str]) -> bool:
    """Whether every named member is excluded. A group without named members contains every address."""
    if not left_out:
        return False
    prefixes = [prefix for prefix in map(parse_prefix, left_out) if prefix is not None]
    return all(member in left_out or is_below(member, prefixes) for member in named or ALL_ADDRESSES)


def is_below(member: str, prefixes: Sequence[NetworkPrefix]) -> bool:
    own = parse_prefix(member)
    return own is not None and any(holds(prefix, own) for prefix in prefixes)


def holds(outer: NetworkPrefix, inner: NetworkPrefix) -> bool:
    """Whether the outer prefix contains every address of the inner prefix."""
    if outer.size != inner.size or outer.shift < inner.shift:
        return False
    return inner.value >> (outer.shift - inner.shift) == outer.value
