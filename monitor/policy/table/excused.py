"""The sets for addresses of names that stay reachable under a ban by address: protected, allowed or excused names."""

from collections.abc import Sequence

from monitor.policy.ban import is_over
from monitor.policy.policy import Policy
from monitor.policy.protected import is_under
from monitor.policy.table.exemption_rules import allow_set, except_set

MAC_BYTES = 6


def excused_elements(policy: Policy, name: bytes, addresses: Sequence[bytes], now: float) -> dict[str, list[bytes]]:
    """Returns the keys to add to the sets for `name` with these packed addresses, by set. If a device is exempt by its
    address, its key is paired only with addresses of the same family.
    """
    found: dict[str, list[bytes]] = {}
    for address in addresses:
        family = 4 if len(address) == 4 else 6
        if policy.is_protected(name):
            found.setdefault(f"spared{family}", []).append(address)
            continue
        for ban in policy.bans:
            if ban.allow and is_under(name, frozenset(ban.allow)):
                found.setdefault(allow_set(ban, family), []).append(address)
        for exemption in policy.exemptions:
            device = exemption.device
            if not exemption.name or is_over(exemption.until, now) or not is_under(name, frozenset((exemption.name,))):
                continue
            if exemption.is_broad():
                found.setdefault(except_set(exemption, family), []).append(address)
            elif len(device) == MAC_BYTES:
                found.setdefault(f"excused_mac{family}", []).append(device + address)
            elif len(device) == len(address):
                found.setdefault(f"excused_ip{family}", []).append(device + address)
    return found


def excused_names(policy: Policy) -> list[bytes]:
    """Returns the names in the policy whose addresses stay reachable: those of exceptions and those that bans allow."""
    names = [exemption.name for exemption in policy.exemptions if exemption.name]
    return list(dict.fromkeys(names + [name for ban in policy.bans for name in ban.allow]))
