"""Rules that let traffic pass despite a ban by address (exceptions, allowed and protected names), and their sets."""

import zlib
from collections.abc import Sequence
from typing import Final

from monitor.attribution.networks import address_text
from monitor.policy.ban import CLOSED, Ban, Exemption, parse_subject
from monitor.policy.owners import covers
from monitor.policy.table.names import kernel_name
from monitor.policy.table.rules import ALIVE, LAN

# Plain DNS: a ban of encrypted DNS does not apply to it, whatever else the address offers.
ENCRYPTED_DNS: Final = "encrypted-dns"
PLAIN_DNS: Final = "meta l4proto { tcp, udp } th dport 53 return"
EXCUSES: Final = tuple(
    f"{source} . {words} daddr @excused_{kind}{family} return"
    for family, words in (("4", "ip"), ("6", "ip6"))
    for kind, source in (("mac", "ether saddr"), ("ip", f"{words} saddr"))
)
SPARED: Final = ("ip daddr @spared4 return", "ip6 daddr @spared6 return")


def except_set(exemption: Exemption, family: int) -> str:
    """Returns the name of the set for addresses of the names that a group or prefix may reach; `family` is 4 or 6."""
    scope = exemption.group or exemption.prefix.replace(":", "-").strip("-")
    return kernel_name(f"except{family}_{scope}")


def except_sets(exemptions: Sequence[Exemption]) -> list[tuple[str, int]]:
    """Returns the name and the address family of each set of addresses of excepted names."""
    found = {except_set(one, family): family for one in exemptions if one.name for family in (4, 6)}
    return list(found.items())


def exemption_conditions(exemption: Exemption, owner: str) -> list[str]:
    """Returns the conditions of a passing rule, beside the device match; empty if it is not for the owner."""
    if exemption.name:
        return [f"{words} daddr @{except_set(exemption, family)}" for family, words in ((4, "ip"), (6, "ip6"))]
    return [""] if covers(parse_subject(exemption.vendor), owner) >= 0 else []


def prefix_rules(prefix: str, condition: str) -> list[str]:
    words = "ip6" if ":" in prefix else "ip"
    if condition and condition.partition(" ")[0] != words:
        return []
    return [f"{words} saddr {prefix} {condition}".strip() + " return"]


def device_words(device: bytes) -> str:
    """Returns the match for an exempt device."""
    if len(device) == 6:
        return f"ether saddr {device.hex(':')}"
    return f"{'ip' if len(device) == 4 else 'ip6'} saddr {address_text(device)}"


def allow_set(ban: Ban, family: int) -> str:
    """Returns the name of the set for addresses that trusted answers gave to the names which the ban allows; `family`
    is 4 or 6.

    It is derived from these names: bans that allow the same names share a set, other names make another set.
    """
    return f"allow{family}_{zlib.crc32(b' '.join(sorted(ban.allow))):08x}"


def conditions(bans: list[Ban]) -> list[str]:
    """Returns when one of the bans applies: while the daemon is alive or always, except to addresses that it allows.

    A condition that another one covers is left out, so usually one remains.
    """
    plain = {ban.on_failure for ban in bans if not ban.allow}
    found = []
    if CLOSED in plain:
        return [f"iifname @{LAN}"]
    if plain:
        found.append(f"iifname @{ALIVE}")
    for ban in bans:
        if ban.allow and (ban.on_failure == CLOSED or not plain):
            gate = f"iifname @{LAN if ban.on_failure == CLOSED else ALIVE}"
            found.append(f"{gate} ip daddr != @{allow_set(ban, 4)}")
            found.append(f"{gate} ip6 daddr != @{allow_set(ban, 6)}")
    return list(dict.fromkeys(found))
