"""The elements of a planned table in nft syntax."""

from collections.abc import Iterator

from monitor.attribution.networks import address_text
from monitor.policy.table.desired import INTERFACE_KEY, MAC_KEY, TABLE, Desired, SetSpec


def element_commands(desired: Desired) -> Iterator[str]:
    """Yields an `add element` command for each set that has elements, with one element per line."""
    for name, spec in desired.sets.items():
        elements = desired.elements.get(name, {})
        if elements and not spec.runtime:
            yield f"add element inet {TABLE} {name} {{"
            yield from (f"\t{element_text(spec, key, chain)}," for key, chain in elements.items())
            yield "}"


def element_text(spec: SetSpec, key: bytes, chain: str) -> str:
    """Returns one element of a set with a single field."""
    text = interval_text(key) if spec.interval else key_text(spec.key, key)
    return f"{text} : goto {chain}" if chain else text


def interval_text(key: bytes) -> str:
    half = len(key) // 2
    first, last = address_text(key[:half]), address_text(key[half:])
    return first if first == last else f"{first}-{last}"


def key_text(kind: str, key: bytes) -> str:
    if kind == MAC_KEY:
        return key.hex(":")
    return f'"{key.decode()}"' if kind == INTERFACE_KEY else address_text(key)
