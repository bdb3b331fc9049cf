"""The kernel sets of each group: hash sets of MACs and addresses, interval sets of prefixes and a set of interfaces,
and the same sets for the members that the group excludes.

A group that a ban leaves out (`!staff`) has additional sets for that purpose: a device that joins such a group is no
longer banned, so these sets change in the opposite order of the sets of banned groups.

Members from the configuration are in the sets from the start, so that bans hold before the first packet. A device that
is a member for another reason, such as its host name or one of its addresses, is added by its MAC, or by its addresses
if the MAC is not its own. When its MAC, addresses or groups change, the sets are updated.
"""

import zlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, final

from monitor.policy.groups import Groups, MemberList
from monitor.policy.table.change import AddElements, Change, DeleteElements
from monitor.policy.table.desired import INTERFACE_KEY, IPV4_KEY, IPV6_KEY, MAC_KEY, SetSpec
from monitor.policy.table.names import kernel_name

GROUP_SETS: Final = {
    "mac": SetSpec(MAC_KEY),
    "ip4": SetSpec(IPV4_KEY),
    "ip6": SetSpec(IPV6_KEY),
    "net4": SetSpec(IPV4_KEY, interval=True),
    "net6": SetSpec(IPV6_KEY, interval=True),
    "iface": SetSpec(INTERFACE_KEY),
}
# Sets to which devices are added at run time. Other sets exist only if the configuration has members for them.
DEVICE_KINDS: Final = ("mac", "ip4", "ip6")
# Precedes the kind in the name of a set of excluded members.
NOT: Final = "not_"


def set_name(group: str, kind: str, is_left_out: bool = False) -> str:
    """Returns the name of a group's set; `kind` is a key of `GROUP_SETS`, with the prefix `NOT` for excluded members.
    `is_left_out`: the set for bans that leave the group out.
    """
    return kernel_name(f"{'b' if is_left_out else 'g'}_{group}/{kind}")


@final
class Members:
    """The kernel sets of all groups. A key stays in its set until the last device or member that uses it is gone.

    `left_out` are the groups that a ban leaves out: changes of their members also change the additional sets. `open`
    are the groups that contain all devices except excluded ones: such a group has no sets of members.
    """

    __slots__ = ("_devices", "_unions", "groups", "left_out", "open", "sets", "uses")

    def __init__(self, groups: Groups) -> None:
        self.groups = [group.name for group in groups.groups]
        self.open = frozenset([group.name for group in groups.groups if group.is_open()])
        self.left_out: frozenset[str] = frozenset()
        self.sets: dict[str, SetSpec] = {}
        self.uses: dict[str, dict[bytes, int]] = {}
        self._devices: dict[int, list[tuple[str, str, bytes]]] = {}
        self._unions: dict[str, list[str]] = {}
        for group in groups.groups:
            if not group.is_open():
                self._take(group.name, "", group.named)
            if not group.excluded.is_empty():
                self._take(group.name, NOT, group.excluded)

    def _take(self, name: str, mark: str, members: MemberList) -> None:
        """Creates the sets of a group's members, or with `mark` the sets of the members that it excludes."""
        for kind in DEVICE_KINDS:
            self._make(name, mark + kind)
        for mac in members.macs:
            self._use(set_name(name, mark + "mac"), mac)
        for interface in members.interfaces:
            self._use(self._make(name, mark + "iface"), interface.encode())
        spans: list[tuple[int, int, int]] = []
        for prefix in members.prefixes:
            start = prefix.value << prefix.shift
            spans.append((prefix.size, start, start + (1 << prefix.shift) - 1))
        for size, first, last in merge_spans(spans):
            kind = mark + ("ip" if first == last else "net") + ("4" if size == 4 else "6")
            key = first.to_bytes(size, "big")
            self._use(self._make(name, kind), key if first == last else key + last.to_bytes(size, "big"))

    def kinds(self, group: str) -> list[str]:
        """Returns the kinds of the group's sets that can have elements.

        Only the configuration adds prefixes and interfaces, so these sets exist only if it does.
        """
        return [kind for kind in GROUP_SETS if self._is_used(group, kind)]

    def excluded_kinds(self, group: str) -> list[str]:
        """Returns the kinds of the group's sets of excluded members that can have elements."""
        return [NOT + kind for kind in GROUP_SETS if self._is_used(group, NOT + kind)]

    def _is_used(self, group: str, kind: str) -> bool:
        uses = self.uses.get(set_name(group, kind))
        return uses is not None and (bool(uses) or kind.removeprefix(NOT) in DEVICE_KINDS)

    def is_plain(self, group: str) -> bool:
        """Whether the group exists and consists of its members alone, without exclusions."""
        return group in self.groups and group not in self.open and not self.excluded_kinds(group)

    def unite(self, groups: Sequence[str]) -> str:
        """Creates a group of all members of these plain groups, and updates it when they change. Returns its name."""
        name = kernel_name(f"{len(groups)}//{zlib.crc32(chr(0).join(groups).encode()):08x}")
        if set_name(name, DEVICE_KINDS[0]) in self.sets:
            return name
        for kind in DEVICE_KINDS:
            self._make(name, kind)
        for group in groups:
            self._unions.setdefault(group, []).append(name)
        for kind in ("net4", "net6"):
            self._unite_spans(name, kind, [self.uses.get(set_name(group, kind), {}) for group in groups])
        followed: dict[tuple[str, str, bytes], int] = {}
        for entries in self._devices.values():
            for entry in entries:
                followed[entry] = followed.get(entry, 0) + 1
        for group in groups:
            for kind in (*DEVICE_KINDS, "iface"):
                for key, count in self.uses.get(set_name(group, kind), {}).items():
                    if count > followed.get((group, kind, key), 0):
                        self._use(self._make(name, kind), key)
        members = frozenset(groups)
        for entries in self._devices.values():
            for _, kind, key in [entry for entry in entries if entry[0] in members and not entry[1].startswith(NOT)]:
                entries.append((name, kind, key))
                self._use(set_name(name, kind), key)
        return name

    def part(self, unions: Sequence[str]) -> None:
        """Deletes all united groups except these."""
        gone = {name for names in self._unions.values() for name in names if name not in unions}
        if not gone:
            return
        self._unions = {group: [one for one in names if one not in gone] for group, names in self._unions.items()}
        for name in gone:
            for kind in GROUP_SETS:
                self.sets.pop(set_name(name, kind), None)
                self.uses.pop(set_name(name, kind), None)
        for number, entries in list(self._devices.items()):
            self._devices[number] = [entry for entry in entries if entry[0] not in gone]

    def _unite_spans(self, name: str, kind: str, united: list[dict[bytes, int]]) -> None:
        spans: list[tuple[int, int, int]] = []
        for uses in united:
            for key in uses:
                half = len(key) // 2
                spans.append((half, int.from_bytes(key[:half], "big"), int.from_bytes(key[half:], "big")))
        for size, first, last in merge_spans(spans):
            self._use(self._make(name, kind), first.to_bytes(size, "big") + last.to_bytes(size, "big"))

    def leave_out(self, groups: Sequence[str]) -> tuple[dict[str, SetSpec], dict[str, dict[bytes, str]]]:
        """Returns the additional sets, and their elements, for bans that leave these groups out.

        From now on, the changes that `follow` returns include changes of these sets.
        """
        self.left_out = frozenset(groups)
        specs: dict[str, SetSpec] = {}
        elements: dict[str, dict[bytes, str]] = {}
        for group in groups:
            for mark in ("", NOT):
                for kind in GROUP_SETS:
                    uses = self.uses.get(set_name(group, mark + kind))
                    if uses is not None:
                        name = set_name(group, mark + kind, is_left_out=True)
                        specs[name] = replace(GROUP_SETS[kind], excludes=not mark)
                        elements[name] = dict.fromkeys(uses, "")
        return specs, elements

    def elements(self) -> dict[str, dict[bytes, str]]:
        """Returns a copy of the elements of every set."""
        return {name: dict.fromkeys(uses, "") for name, uses in self.uses.items()}

    def follow(
        self, device: int, groups: Sequence[str], mac: bytes, addresses: Sequence[bytes], excluding: Sequence[str] = ()
    ) -> list[Change]:
        """Returns the changes after the device's groups or keys have changed; empty if nothing changes.

        `mac` is the device's own MAC, or `b""` if only its addresses identify it (never a router's MAC). `excluding`
        are the groups that exclude the device.
        """
        wanted = place([*groups, *[one for group in groups for one in self._unions.get(group, ())]], "", mac, addresses)
        if excluding:
            wanted += place(excluding, NOT, mac, addresses)
        before = self._devices.get(device, [])
        if wanted == before:
            return []
        if wanted:
            self._devices[device] = wanted
        else:
            del self._devices[device]
        news = News(self.left_out)
        for group, kind, key in wanted:
            if self._use(set_name(group, kind), key):
                news.tell(group, kind, key, True)
        for group, kind, key in before:
            if self._drop(set_name(group, kind), key):
                news.tell(group, kind, key, False)
        return news.changes()

    def forget(self, device: int) -> list[Change]:
        """Returns the changes after the device is gone."""
        return self.follow(device, (), b"", ())

    def _make(self, group: str, kind: str) -> str:
        """Creates the group's set if it does not exist; returns its name."""
        name = set_name(group, kind)
        self.sets[name] = replace(GROUP_SETS[kind.removeprefix(NOT)], excludes=kind.startswith(NOT))
        self.uses.setdefault(name, {})
        return name

    def _use(self, name: str, key: bytes) -> bool:
        """Adds one use of the key. Returns True if it is the first."""
        uses = self.uses.get(name)
        if uses is None:
            return False
        count = uses.get(key, 0)
        uses[key] = count + 1
        return count == 0

    def _drop(self, name: str, key: bytes) -> bool:
        """Removes one use of the key. Returns True if it was the last."""
        uses = self.uses.get(name)
        if uses is None:
            return False
        count = uses[key] - 1
        if count:
            uses[key] = count
            return False
        del uses[key]
        return True


def place(groups: Sequence[str], mark: str, mac: bytes, addresses: Sequence[bytes]) -> list[tuple[str, str, bytes]]:
    """Returns the entries of a device: group, kind of set and key."""
    if mac:
        return [(group, mark + "mac", mac) for group in groups]
    return [
        (group, mark + ("ip4" if len(address) == 4 else "ip6"), address) for group in groups for address in addresses
    ]


@final
class News:
    """Converts added and removed keys to changes. Changes that ban a device precede changes that let it pass."""

    __slots__ = ("_first", "_last", "_left_out")

    def __init__(self, left_out: frozenset[str]) -> None:
        self._left_out = left_out
        self._first: dict[tuple[bool, str], list[bytes]] = {}
        self._last: dict[tuple[bool, str], list[bytes]] = {}

    def tell(self, group: str, kind: str, key: bytes, is_added: bool) -> None:
        is_excluding = kind.startswith(NOT)
        self._put(set_name(group, kind), key, is_added, is_added != is_excluding)
        if group in self._left_out:
            self._put(set_name(group, kind, is_left_out=True), key, is_added, is_added == is_excluding)

    def changes(self) -> list[Change]:
        changes: list[Change] = []
        for part in (self._first, self._last):
            for (is_added, name), keys in part.items():
                if is_added:
                    changes.append(AddElements(name, tuple([(key, "") for key in keys])))
                else:
                    changes.append(DeleteElements(name, tuple(keys)))
        return changes

    def _put(self, name: str, key: bytes, is_added: bool, bans: bool) -> None:
        part = self._first if bans else self._last
        part.setdefault((is_added, name), []).append(key)


def merge_spans(spans: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Merges overlapping and adjacent (size, first, last) spans, because the kernel rejects overlapping intervals."""
    merged: list[tuple[int, int, int]] = []
    for size, first, last in sorted(spans):
        if merged and merged[-1][0] == size and first <= merged[-1][2] + 1:
            merged[-1] = (size, merged[-1][1], max(last, merged[-1][2]))
        else:
            merged.append((size, first, last))
    return merged
