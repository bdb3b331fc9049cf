"""Who is in a group, as the kernel sees it: for each group hash sets of MACs and addresses, interval sets of prefixes
and a set of interfaces.

What the configuration lists is there from the start, so that it holds before the first packet. A device that is a
member by something else, such as its host name or one of its addresses, comes in by its MAC, or where that is not its
own by its addresses, and is followed from then on.
"""

from collections.abc import Sequence
from typing import Final, final

from monitor.policy.change import AddElements, Change, DeleteElements
from monitor.policy.desired import INTERFACE_KEY, IPV4_KEY, IPV6_KEY, MAC_KEY, SetSpec
from monitor.policy.groups import Groups
from monitor.policy.names import kernel_name

GROUP_SETS: Final = {
    "mac": SetSpec(MAC_KEY),
    "ip4": SetSpec(IPV4_KEY),
    "ip6": SetSpec(IPV6_KEY),
    "net4": SetSpec(IPV4_KEY, interval=True),
    "net6": SetSpec(IPV6_KEY, interval=True),
    "iface": SetSpec(INTERFACE_KEY),
}
# The sets that devices come into and leave; the others hold what the configuration says, and are there where it does.
DEVICE_KINDS: Final = ("mac", "ip4", "ip6")


def set_name(group: str, kind: str) -> str:
    """The name of a group's set; `kind` is a key of `GROUP_SETS`."""
    return kernel_name(f"g_{group}/{kind}")


@final
class Members:
    """The sets of all groups. A key that several devices or members bring in stays until the last one is gone."""

    __slots__ = ("_devices", "groups", "sets", "uses")

    def __init__(self, groups: Groups) -> None:
        self.groups = [group.name for group in groups.groups]
        self.sets: dict[str, SetSpec] = {}
        self.uses: dict[str, dict[bytes, int]] = {}
        self._devices: dict[int, list[tuple[str, bytes]]] = {}
        for group in groups.groups:
            for kind in DEVICE_KINDS:
                self._make(group.name, kind)
            for mac in group.macs:
                self._use(set_name(group.name, "mac"), mac)
            for interface in group.interfaces:
                self._use(self._make(group.name, "iface"), interface.encode())
            spans: list[tuple[int, int, int]] = []
            for prefix in group.prefixes:
                start = prefix.value << prefix.shift
                spans.append((prefix.size, start, start + (1 << prefix.shift) - 1))
            for size, first, last in merge_spans(spans):
                kind = ("ip" if first == last else "net") + ("4" if size == 4 else "6")
                key = first.to_bytes(size, "big")
                self._use(self._make(group.name, kind), key if first == last else key + last.to_bytes(size, "big"))

    def kinds(self, group: str) -> list[str]:
        """Which of the group's sets can hold something: prefixes and interfaces come from the configuration only."""
        return [kind for kind in GROUP_SETS if kind in DEVICE_KINDS or self.uses.get(set_name(group, kind), {})]

    def elements(self) -> dict[str, dict[bytes, str]]:
        """A copy of what every set holds."""
        return {name: dict.fromkeys(uses, "") for name, uses in self.uses.items()}

    def follow(self, device: int, groups: Sequence[str], mac: bytes, addresses: Sequence[bytes]) -> list[Change]:
        """The changes after the device of this number got into these groups, with these keys; none for no news.

        `mac` is the device's own, `b""` where only its addresses are: a router's MAC must never be given.
        """
        wanted = [(set_name(group, "mac"), mac) for group in groups] if mac else place_addresses(groups, addresses)
        before = self._devices.get(device, [])
        if wanted == before:
            return []
        if wanted:
            self._devices[device] = wanted
        else:
            del self._devices[device]
        added: dict[str, list[bytes]] = {}
        for name, key in wanted:
            if self._use(name, key):
                added.setdefault(name, []).append(key)
        dropped: dict[str, list[bytes]] = {}
        for name, key in before:
            if self._drop(name, key):
                dropped.setdefault(name, []).append(key)
        changes: list[Change] = [AddElements(name, tuple([(key, "") for key in keys])) for name, keys in added.items()]
        changes.extend([DeleteElements(name, tuple(keys)) for name, keys in dropped.items()])
        return changes

    def forget(self, device: int) -> list[Change]:
        """The changes after the device is gone."""
        return self.follow(device, (), b"", ())

    def _make(self, group: str, kind: str) -> str:
        """The name of the group's set, which is there from now on."""
        name = set_name(group, kind)
        self.sets[name] = GROUP_SETS[kind]
        self.uses.setdefault(name, {})
        return name

    def _use(self, name: str, key: bytes) -> bool:
        """Counts one use of the key; True where it is the first."""
        uses = self.uses.get(name)
        if uses is None:
            return False
        count = uses.get(key, 0)
        uses[key] = count + 1
        return count == 0

    def _drop(self, name: str, key: bytes) -> bool:
        """Counts one use less; True where it was the last."""
        uses = self.uses.get(name)
        if uses is None:
            return False
        count = uses[key] - 1
        if count:
            uses[key] = count
            return False
        del uses[key]
        return True


def place_addresses(groups: Sequence[str], addresses: Sequence[bytes]) -> list[tuple[str, bytes]]:
    return [
        (set_name(group, "ip4" if len(address) == 4 else "ip6"), address) for group in groups for address in addresses
    ]


def merge_spans(spans: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """(size, first, last) without overlaps: the kernel refuses an interval inside another; neighbours become one."""
    merged: list[tuple[int, int, int]] = []
    for size, first, last in sorted(spans):
        if merged and merged[-1][0] == size and first <= merged[-1][2] + 1:
            merged[-1] = (size, merged[-1][1], max(last, merged[-1][2]))
        else:
            merged.append((size, first, last))
    return merged
