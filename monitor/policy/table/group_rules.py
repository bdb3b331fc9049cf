"""The rules that match the packets of a ban's devices.

There is one rule for each set of the group's members. If members are excluded, a group is left out or ports are spared,
these rules jump to a separate chain, which returns for packets that pass and executes the ban's action for the others.
"""

import zlib
from collections.abc import Sequence
from typing import Final, final

from monitor.policy.group_words import parts_of
from monitor.policy.table.desired import Chain
from monitor.policy.table.members import NOT, Members, set_name
from monitor.policy.table.names import kernel_name

DEVICE_WORDS: Final = {
    "mac": "ether saddr",
    "ip4": "ip saddr",
    "ip6": "ip6 saddr",
    "net4": "ip saddr",
    "net6": "ip6 saddr",
    "iface": "iifname",
}


@final
class GroupRules:
    """Creates rules, and adds the separate chains that they jump to to `chains`.

    The name of such a chain contains a checksum of its rules, so its rules never change: after a change, the rules jump
    to another chain. Traffic that is banned before and after the change is therefore banned throughout.
    """

    __slots__ = ("_chains", "_members", "_united")

    def __init__(self, members: Members, chains: dict[str, Chain], united: Sequence[str] = ()) -> None:
        self._united = united
        self._members = members
        self._chains = chains

    def knows(self, word: str) -> bool:
        """Whether every group in `word`, the groups of a ban (`kids,!staff`), exists."""
        first, others = parts_of(word)
        return word in self._united or all(
            name in self._members.groups for name in [*others, *([first] if first else [])]
        )

    def rules(
        self, word: str, name: str, conditions: Sequence[str], spared: Sequence[str], action: str, last: str
    ) -> list[str]:
        """Returns the rules that execute `action` and then `last`, the verdict. `name` is for a separate chain, if
        needed.

        `conditions` precede the device matches, `spared` are rules that end with `return`.
        """
        first, others = parts_of(word)
        passes = [*spared, *[f"{words} return" for words in self._excluded_words(first)]]
        done = f"{action} {last}".strip()
        if passes or others:
            done = f"jump {self._put(name, self._branch(name, passes, [(other, '') for other in others], done))}"
        return [
            " ".join([words for words in (condition, device, done) if words])
            for condition in conditions
            for device in self.device_words(first)
            if not ("ip daddr" in condition and "ip6 saddr" in device)
            and not ("ip6 daddr" in condition and "ip saddr" in device)
        ]

    def device_words(self, group: str, is_left_out: bool = False) -> list[str]:
        """Returns the matches for the group's members, or one empty match if the group contains all devices.

        The matches do not leave out excluded members: earlier rules return for them.
        """
        if not group or group in self._members.open:
            return [""]
        return self._words(group, self._members.kinds(group), is_left_out)

    def _excluded_words(self, group: str, is_left_out: bool = False) -> list[str]:
        return self._words(group, self._members.excluded_kinds(group), is_left_out) if group else []

    def _words(self, group: str, kinds: Sequence[str], is_left_out: bool) -> list[str]:
        return [f"{DEVICE_WORDS[kind.removeprefix(NOT)]} @{set_name(group, kind, is_left_out)}" for kind in kinds]

    def is_branching(self, word: str) -> bool:
        """Whether the groups in `word` need a separate chain, even without spared ports."""
        first, others = parts_of(word)
        return bool(others or self._excluded_words(first))

    def sparing(
        self, name: str, spared: Sequence[str], groups: Sequence[tuple[str, str]], rules: Sequence[str]
    ) -> tuple[str, ...]:
        """Returns the rules of the chain `name`: the `spared` rules, then rules that let members of each group pass
        under the group's condition, then `rules` for all others.
        """
        groups = [(group, condition) for group, condition in groups if group in self._members.groups]
        if not any(self._excluded_words(group) for group, _ in groups):
            return (*spared, *self._passing(groups), *rules)
        bans = self._put(f"{name}/bans", rules)
        return tuple(self._branch(name, spared, groups, f"goto {bans}"))

    def _passing(self, groups: Sequence[tuple[str, str]]) -> list[str]:
        """Returns the rules that let members of these groups pass; the groups exclude no members."""
        return [
            " ".join([words for words in (device, condition, "return") if words])
            for group, condition in groups
            for device in self._fitting(group, condition)
        ]

    def _fitting(self, group: str, condition: str) -> list[str]:
        """Returns the matches for members. If the condition is about IPv4 or IPv6, leaves out matches of the other."""
        other = {"ip": "ip6 saddr", "ip6": "ip saddr"}.get(condition.partition(" ")[0], "both")
        return [device for device in self.device_words(group, is_left_out=True) if not device.startswith(other)]

    def _put(self, name: str, rules: Sequence[str]) -> str:
        """Adds a chain with these rules; returns its full name."""
        whole = kernel_name(f"{name}.{zlib.crc32(chr(10).join(rules).encode()):08x}")
        self._chains[whole] = Chain(tuple(rules))
        return whole

    def _branch(self, name: str, passes: Sequence[str], groups: Sequence[tuple[str, str]], done: str) -> list[str]:
        """Returns the rules: `passes`, then `return` for members of the groups under their conditions, then `done`."""
        rules = list(passes)
        for at, (group, condition) in enumerate(groups):
            excluded = self._excluded_words(group, is_left_out=True)
            if not excluded:
                rules += self._passing(groups[at : at + 1])
                continue
            # Devices that the group excludes are not members and continue in `behind`; members return.
            mark = f"{group}/{condition[:3].strip()}" if condition else group
            behind = self._put(f"{name}/behind-{mark}", self._branch(name, (), groups[at + 1 :], done))
            within = self._put(f"{name}/in-{mark}", [*[f"{words} goto {behind}" for words in excluded], "return"])
            for device in self._fitting(group, condition):
                rules.append(" ".join([words for words in (device, condition, f"goto {within}") if words]))
            return [*rules, f"goto {behind}"]
        return [*rules, done]
