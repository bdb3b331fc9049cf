"""What is left of the table after others, or the kernel's refusals, have been at it.

Told without fetching any element: rules are counted, sets are asked for, and of what each must hold the first and the
last element. The answer is a table as it seems to be, so that the difference from the one that is wanted is what has to
be done, and nothing more: what still holds goes on holding.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from monitor.kernel.nft.diversion import DOOR_CHAIN, Diversion
from monitor.kernel.nft.elements import Elements
from monitor.kernel.nft.listing import Nftables
from monitor.kernel.nft.nfnetlink import NFPROTO_NETDEV
from monitor.policy.table.change import (
    AddCounter,
    AddElements,
    AddSet,
    Change,
    DeleteElements,
    PutChain,
    ReplaceElements,
)
from monitor.policy.table.desired import IPV4_KEY, TABLE, Chain, CounterLabel, Desired, SetSpec

# What is there and nobody knows the inside of: it is only taken away.
UNKNOWN_CHAIN: Final = Chain(("unknown",))
UNKNOWN_SET: Final = SetSpec(IPV4_KEY, runtime=True)
UNKNOWN_COUNTER: Final = CounterLabel("", "", "", "", "")


@dataclass(frozen=True)
class Remains:
    """What the table seems to hold, and the first thing that it lacks, `""` where that is nothing."""

    fault: str
    table: Desired


@dataclass(frozen=True)
class Repair:
    """What is wrong with the table in one line, `""` where nobody need know, and what `apply` shall do about it."""

    fault: str
    changes: Sequence[Change]


def read_table(nftables: Nftables, elements: Elements, diversion: Diversion, desired: Desired) -> Remains:
    """What is left of `desired`; a set that lacks an element counts as empty. Adding what is there does no harm."""
    chains, counters, sets = nftables.chains(TABLE), nftables.counters(TABLE), nftables.sets(TABLE)
    counts = nftables.rule_counts(TABLE)
    broken = [
        name for name, chain in desired.chains.items() if name not in chains or counts.get(name, 0) != len(chain.rules)
    ]
    emptied = [name for name in desired.sets if name not in sets or not has_ends(elements, desired, name)]
    lost = [name for name in desired.counters if name not in counters]
    faults = [
        *([f"table netdev {TABLE} was removed"] if diversion.doors and is_gone(nftables) else []),
        *[f"chain {name} of table inet {TABLE} was changed" for name in broken],
        *[f"set {name} of table inet {TABLE} was changed" for name in emptied],
        *[f"counter {name} of table inet {TABLE} was removed" for name in lost],
        *[f"chain {name} of table inet {TABLE} was changed" for name in diversion.chains() if counts.get(name) != 1],
    ]
    table = Desired(
        {name: spec for name, spec in desired.sets.items() if name in sets},
        {name: label for name, label in desired.counters.items() if name in counters},
        {name: chain for name, chain in desired.chains.items() if name not in broken},
        {name: {} if name in emptied else kept for name, kept in desired.elements.items()},
    )
    return Remains(faults[0] if faults else "", table)


def is_gone(nftables: Nftables) -> bool:
    return nftables.table(NFPROTO_NETDEV, TABLE) is None


def has_ends(elements: Elements, desired: Desired, name: str) -> bool:
    """Whether a set has the first and the last of its elements."""
    keys = [] if desired.sets[name].runtime else list(desired.elements.get(name, {}))
    return elements.are_there(name, elements.pack(name, [(key, "") for key in keys[:1] + keys[-1:]]))


def leftovers(
    nftables: Nftables, desired: Desired, failed: Sequence[Change], lacking: set[str], there: Desired
) -> tuple[list[Change], Desired]:
    """What is there after changes failed, from what seems to be: without what was to come, with what was to go.

    Whatever else is there is nobody's, and may be what kept the changes from being done: chains are to be emptied
    beforehand.
    """
    undone = {change.name for change in failed if isinstance(change, PutChain | AddSet | AddCounter)}
    emptied = lacking | {change.set for change in failed if isinstance(change, AddElements | ReplaceElements)}
    strange = [
        name for name in nftables.chains(TABLE) if name not in desired.chains and not name.startswith(DOOR_CHAIN)
    ]
    table = replace(
        there,
        sets={name: spec for name, spec in there.sets.items() if name not in undone}
        | dict.fromkeys(nftables.sets(TABLE) - desired.sets.keys(), UNKNOWN_SET),
        counters={name: label for name, label in there.counters.items() if name not in undone}
        | dict.fromkeys(nftables.counters(TABLE).keys() - desired.counters.keys(), UNKNOWN_COUNTER),
        chains={name: chain for name, chain in there.chains.items() if name not in undone}
        | dict.fromkeys(strange, UNKNOWN_CHAIN),
        elements={name: {} if name in emptied else dict(kept) for name, kept in there.elements.items()},
    )
    for change in failed:
        if isinstance(change, DeleteElements | ReplaceElements) and change.set in desired.elements:
            wanted = desired.elements[change.set]
            table.elements.setdefault(change.set, {}).update({key: "" for key in change.keys if key not in wanted})
    return [PutChain(name, Chain()) for name in strange], table
