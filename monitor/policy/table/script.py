"""The table without its elements, and changes to it, in nft syntax. Elements are sent by netlink."""

from collections.abc import Sequence

from monitor.policy.table.change import (
    AddCounter,
    AddSet,
    Change,
    DeleteChain,
    DeleteCounter,
    DeleteSet,
    PutChain,
)
from monitor.policy.table.desired import TABLE, Chain, Desired, SetSpec

FAMILY_TABLE = f"inet {TABLE}"


def ruleset(desired: Desired) -> str:
    """Returns the table with its counters, empty sets and chains, as one block."""
    lines = [f"table {FAMILY_TABLE} {{"]
    lines += [f"\tcounter {name} {{\n\t}}" for name in desired.counters]
    lines += [f"\t{set_kind(spec)} {name} {{\n{set_body(spec, chr(10))}\n\t}}" for name, spec in desired.sets.items()]
    for name, chain in desired.chains.items():
        lines.append(f"\tchain {name} {{")
        if chain.hook:
            lines.append(f"\t\ttype {chain.hook}")
        lines += [f"\t\t{rule}" for rule in chain.rules]
        lines.append("\t}")
    lines.append("}")
    return "\n".join(lines) + "\n"


def commands(changes: Sequence[Change]) -> str:
    """Returns the nft commands for all changes except those of elements, one per line, in order."""
    lines: list[str] = []
    for change in changes:
        if isinstance(change, AddSet):
            body = set_body(change.spec, " ").replace("\t", "")
            lines.append(f"add {set_kind(change.spec)} {FAMILY_TABLE} {change.name} {{ {body} }}")
        elif isinstance(change, DeleteSet):
            lines.append(f"delete set {FAMILY_TABLE} {change.name}")
        elif isinstance(change, AddCounter):
            lines.append(f"add counter {FAMILY_TABLE} {change.name}")
        elif isinstance(change, DeleteCounter):
            lines.append(f"delete counter {FAMILY_TABLE} {change.name}")
        elif isinstance(change, PutChain):
            lines += chain_commands(change.name, change.chain)
        elif isinstance(change, DeleteChain):
            lines += [f"flush chain {FAMILY_TABLE} {change.name}", f"delete chain {FAMILY_TABLE} {change.name}"]
    return "".join(line + "\n" for line in lines)


def chain_commands(name: str, chain: Chain) -> list[str]:
    """Returns commands that create a chain or refill an existing one: adding an existing chain has no effect."""
    hook = f" {{ type {chain.hook} }}" if chain.hook else ""
    lines = [f"add chain {FAMILY_TABLE} {name}{hook}", f"flush chain {FAMILY_TABLE} {name}"]
    return lines + [f"add rule {FAMILY_TABLE} {name} {rule}" for rule in chain.rules]


def set_kind(spec: SetSpec) -> str:
    return "map" if spec.verdicts else "set"


def set_body(spec: SetSpec, between: str) -> str:
    """Returns the text between the braces."""
    flags = [
        word
        for word, wanted in (("interval", spec.interval), ("dynamic", spec.dynamic), ("timeout", spec.timeouts))
        if wanted
    ]
    parts = [f"\t\ttype {spec.key}{' : verdict' if spec.verdicts else ''};"]
    if flags:
        parts.append(f"\t\tflags {','.join(flags)};")
    if spec.timeout:
        parts.append(f"\t\ttimeout {int(spec.timeout)}s;")
    if spec.size:
        parts.append(f"\t\tsize {spec.size};")
    if spec.counter:
        parts.append("\t\tcounter;")
    return between.join(parts)
