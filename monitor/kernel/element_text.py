"""Elements as nft reads them: only where rules and elements must come into force in one transaction."""

import socket
from collections.abc import Iterable

from monitor.policy.desired import INTERFACE_KEY, MAC_KEY, TABLE, Desired, SetSpec
from monitor.policy.script import set_body, set_kind


def element_blocks(desired: Desired) -> Iterable[str]:
    """The sets that have elements, once more as blocks: nft fetches no old element for these, but does for commands."""
    for name, spec in desired.sets.items():
        elements = desired.elements.get(name, {})
        if elements and not spec.runtime:
            texts = ",\n".join([element_text(spec, key, chain) for key, chain in elements.items()])
            body = set_body(spec, "\n")
            yield f"table inet {TABLE} {{\n{set_kind(spec)} {name} {{\n{body}\nelements = {{ {texts} }}\n}}\n}}\n"


def element_text(spec: SetSpec, key: bytes, chain: str) -> str:
    """One element of a set with a single field."""
    text = interval_text(key) if spec.interval else key_text(spec.key, key)
    return f"{text} : goto {chain}" if chain else text


def interval_text(key: bytes) -> str:
    half = len(key) // 2
    first, last = address_text(key[:half]), address_text(key[half:])
    return first if first == last else f"{first}-{last}"


def key_text(kind: str, key: bytes) -> str:
    if kind == MAC_KEY:
        return key.hex(":")
    if kind == INTERFACE_KEY:
        return f'"{key.decode()}"'
    return address_text(key)


def address_text(packed: bytes) -> str:
    return socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed)
