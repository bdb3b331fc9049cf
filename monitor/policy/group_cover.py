"""Whether a ban's word for its devices can mean any device at all: what leaves members out may leave out every one.

Of members only what they are themselves is compared. A MAC address has addresses that are not known here, so it counts
as left out only where it is named again.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from monitor.attribution.networks import NetworkPrefix, parse_prefix
from monitor.policy.group_words import BUT, parts_of

# Every IPv4 or IPv6 address is below one of these.
ALL_ADDRESSES: Final = ("0.0.0.0/0", "::/0")


def empty_reason(word: str, members: Mapping[str, Sequence[str]]) -> str:
    """Why the word means no device, `""` where it may mean some. `members` are those of each group."""
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
    """What leaving the group out leaves out for certain: nothing where it has exceptions itself."""
    own = members.get(group, ())
    return [] if excluded_of(own) else named_of(own)


def named_of(members: Sequence[str]) -> list[str]:
    return [member for member in members if not member.startswith(BUT)]


def excluded_of(members: Sequence[str]) -> list[str]:
    return [member[len(BUT) :] for member in members if member.startswith(BUT)]


def is_nobody(named: Sequence[str], left_out: Sequence[str]) -> bool:
    """Whether each of the named members is left out; without any, everyone is meant."""
    if not left_out:
        return False
    prefixes = [prefix for prefix in map(parse_prefix, left_out) if prefix is not None]
    return all(member in left_out or is_below(member, prefixes) for member in named or ALL_ADDRESSES)


def is_below(member: str, prefixes: Sequence[NetworkPrefix]) -> bool:
    own = parse_prefix(member)
    return own is not None and any(holds(prefix, own) for prefix in prefixes)


def holds(outer: NetworkPrefix, inner: NetworkPrefix) -> bool:
    """Whether every address of the inner prefix is one of the outer prefix."""
    if outer.size != inner.size or outer.shift < inner.shift:
        return False
    return inner.value >> (outer.shift - inner.shift) == outer.value
