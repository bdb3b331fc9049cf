"""How much of what several families agree on the catalogue has, by number.

The measure: registrable names that at least two families give to one vendor and none to another. Sources that may only
be measured count here: more snapshots at hand make the numbers more severe. Shared names are left out: they
attribute to no vendor.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from monitor.catalog.index import Index
from pipeline.claims import Reading
from pipeline.merge import claim_at_top, gather
from pipeline.rules import Rules

TARGET = 0.95


@dataclass
class Covered:
    """Numbers of one vendor, and the names that are missing."""

    agreed: int = 0
    found: int = 0
    missing: list[str] = field(default_factory=list)

    @property
    def share(self) -> float:
        return self.found / self.agreed if self.agreed else 1.0


def measure(readings: Iterable[Reading], index: Index, rules: Rules) -> dict[str, Covered]:
    """Vendor to numbers, and `""` to those of all vendors together."""
    result: dict[str, Covered] = {"": Covered()}
    for name, vendors in sorted(gather(readings).items()):
        agreed = [one for one, support in vendors.items() if len(support.families) > 1 and claim_at_top(support)]
        if len(vendors) > 1 or not agreed or rules.fault(name):
            continue
        entry = index.match_name(name.encode())
        for covered in (result[""], result.setdefault(agreed[0], Covered())):
            covered.agreed += 1
            if entry is not None and entry.vendor == agreed[0]:
                covered.found += 1
            else:
                covered.missing.append(name)
    return result
