"""Decides to which owners the addresses of a name belong, and whether a name is outside a ban.

A name is outside a ban if a device under that ban may still reach it. An address of such a name is not banned, even if
a banned name has it too.
"""

import ipaddress
from collections.abc import Sequence
from typing import final

from monitor.catalog.index import Index
from monitor.policy.ban import IP, OBSERVE, Ban, is_over
from monitor.policy.exempted import NO_DEVICE
from monitor.policy.group_words import parts_of
from monitor.policy.owners import OwnerNames, is_about
from monitor.policy.policy import MODE_RANK, Policy, holds


@final
class Claims:
    """Looks up names in a policy and a catalogue. Includes bans outside their schedule: they will apply again."""

    __slots__ = ("_bans", "_index", "_policy")

    def __init__(self, index: Index, policy: Policy) -> None:
        self._index = index
        self._policy = policy
        self._bans: dict[OwnerNames, list[Ban]] = {}

    def owners(self, name: bytes, now: float) -> list[OwnerNames]:
        """Returns the owners whose bans by address apply to the name's addresses, each as a tuple; none for an allowed
        name.

        A name that a shipped list marks as shared infrastructure has no owners, even if other lists contain it, because
        its addresses also serve other names.
        """
        entries = self._index.owners_of_name(name).entries
        if any(entry.weak and not entry.category for entry in entries):
            return []
        found = dict.fromkeys([(entry.owner,) for entry in entries if not entry.weak])
        return [
            owners for owners in found if any(not self._policy.frees(ban, name) for ban in self.bans_of(owners, now))
        ]

    def bans_of(self, owners: OwnerNames, now: float) -> list[Ban]:
        """Returns the bans by address that apply to one of the owners and have not ended."""
        bans = self._bans.get(owners)
        if bans is None:
            bans = [
                ban for ban in self._policy.bans if ban.mode != OBSERVE and IP in ban.layers and is_about(ban, owners)
            ]
            self._bans[owners] = bans
        return [ban for ban in bans if not is_over(ban.until, now)]

    def is_outside(self, owners: OwnerNames, names: Sequence[bytes], now: float) -> bool:
        """Whether a device under the owners' bans may reach a name. `names` are the name and its CNAME chain.

        If the chain contains a banned name, the result is False: the sinkhole answers queries for the name as banned.
        """
        for ban in self.bans_of(owners, now):
            for group in ban.groups or ("",):
                first = parts_of(group)[0]
                groups = (first,) if first else ()
                if all(self._passes(ban, groups, name, now, at > 0) for at, name in enumerate(names)):
                    return True
        return False

    def is_stranger(self, owners: OwnerNames, groups: tuple[str, ...], now: float) -> bool:
        """Whether no ban of the owners applies to a device of these groups."""
        return not any(holds(ban, groups) for ban in self.bans_of(owners, now))

    def _passes(self, ban: Ban, groups: tuple[str, ...], name: bytes, now: float, behind: bool) -> bool:
        found = self._index.owners_of_name(name)
        owners = found.behind if behind else found.names
        if not owners:
            return True
        verdict = self._policy.judge(groups, NO_DEVICE, owners, name, now)
        return verdict is None or MODE_RANK[verdict.mode] > MODE_RANK[ban.mode]


def spells(name: bytes, address: bytes) -> bool:
    """Whether the name contains the address, as `1-2-3-4.sslip.example` or the reverse names of a hosting company do.

    Such a name exists for every address and does not show who uses the address.
    """
    if address.hex().encode() in name:
        return True
    if len(address) == 4:
        numbers = [number for number in name.replace(b"-", b".").split(b".") if number.isdigit()]
        octets = [b"%d" % octet for octet in address]
        spelled = [numbers[at : at + 4] for at in range(len(numbers) - 3)]
        return octets in spelled or octets[::-1] in spelled
    return any(is_same(label.replace(b"-", b":"), address) for label in name.split(b"."))


def is_same(text: bytes, address: bytes) -> bool:
    if text.count(b":") < 2:
        return False
    try:
        return ipaddress.ip_address(text.decode("ascii")).packed == address
    except ValueError:
        return False
