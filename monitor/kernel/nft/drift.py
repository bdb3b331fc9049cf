"""Drift: what remains of the table after other programs, or refusals by the kernel, changed it.

Detected without fetching all elements: counts rules, looks up sets, and looks up the first and the last element that
each set must hold. Returns the table as it appears to be, so that its difference from the desired table is exactly the
repair. Rules and elements that remain stay in force.
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

# Placeholders for objects with unknown content, which are only removed.
UNKNOWN_CHAIN: Final = Chain(("unknown",))
UNKNOWN_SET: Final = SetSpec(IPV4_KEY, runtime=True)
UNKNOWN_COUNTER: Final = CounterLabel("", "", "", "", "")


@dataclass(frozen=True)
class Remains:
    """The content that the table appears to have, and the first missing object, `""` if nothing is missing."""

    fault: str
    table: Desired


@dataclass(frozen=True)
class Repair:
    """The drift in one line, `""` if it need not be reported, and the changes for `apply` to repair it."""

    fault: str
    changes: Sequence[Change]


def read_table(nftables: Nftables, elements: Elements, diversion: Diversion, desired: Desired) -> Remains:
    """Returns what remains of `desired`. A set that lacks an expected element is returned as empty."""
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
    """Whether a set contains the first and the last of its elements."""
    keys = [] if desired.sets[name].runtime else list(desired.elements.get(name, {}))
    return elements.are_there(name, elements.pack(name, [(key, "") for key in keys[:1] + keys[-1:]]))


def leftovers(
    nftables: Nftables, desired: Desired, failed: Sequence[Change], lacking: set[str], there: Desired
) -> tuple[list[Change], Desired]:
    """Returns changes that empty unknown chains, and the content that the table appears to have after failed changes.

    The content lacks failed additions and includes failed deletions. It also includes unknown objects, which may have
    caused the failure.
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
