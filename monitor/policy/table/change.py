"""Changes to the table, as data. Each is one transaction, and every state between two changes of a list is safe."""

from dataclasses import dataclass
from typing import TypeAlias

from monitor.policy.table.desired import Chain, CounterLabel, SetSpec


@dataclass(frozen=True)
class AddSet:
    name: str
    spec: SetSpec


@dataclass(frozen=True)
class DeleteSet:
    """Deletes a set, for good or because an `AddSet` with another type follows."""

    name: str


@dataclass(frozen=True)
class AddCounter:
    name: str
    label: CounterLabel


@dataclass(frozen=True)
class DeleteCounter:
    name: str


@dataclass(frozen=True)
class PutChain:
    """Creates the chain or empties it, and fills it with these rules, in one transaction."""

    name: str
    chain: Chain


@dataclass(frozen=True)
class DeleteChain:
    name: str


@dataclass(frozen=True)
class AddElements:
    """`elements` are keys, each with the chain that it goes to, `""` in plain sets."""

    set: str
    elements: tuple[tuple[bytes, str], ...]


@dataclass(frozen=True)
class DeleteElements:
    set: str
    keys: tuple[bytes, ...]


@dataclass(frozen=True)
class ReplaceElements:
    """Deletes `keys` and adds `elements` in one batch: the intervals overlap, or an element gets another chain."""

    set: str
    keys: tuple[bytes, ...]
    elements: tuple[tuple[bytes, str], ...]


Change: TypeAlias = (
    AddSet
    | DeleteSet
    | AddCounter
    | DeleteCounter
    | PutChain
    | DeleteChain
    | AddElements
    | DeleteElements
    | ReplaceElements
)
