"""The report to review: what a merge changes, what it does not decide, and how much the catalogue covers."""

from collections.abc import Iterable
from typing import Final

from pipeline.claims import Reading
from pipeline.coverage import Covered
from pipeline.merge import Addition, Merge
from pipeline.sources import MEASURE

SHOWN: Final = 40


def report(
    readings: list[Reading], result: Merge, added: list[Addition], before: dict[str, Covered], after: dict[str, Covered]
) -> str:
    """The whole text. `added` are the additions that are new to the catalogue. Measured sources give numbers only."""
    lines = ["# Catalogue report", "", "## Sources", ""]
    for reading in readings:
        use = ", measured only" if reading.source.use == MEASURE else ""
        state = f"set aside: {reading.fault}" if reading.fault else f"{len(reading.claims):,} names"
        lines.append(f"- {reading.source.name} ({reading.source.licence}{use}), {reading.source.date}: {state}")
        lines += [f"  - refused: {complaint}" for complaint in reading.refused[:5]]
    lines += section("Added", [f"{one.name}: {one.vendor} ({' '.join(one.sources)})" for one in added])
    lines += section("Removed", result.removed)
    lines += section("Held until a person accepts", result.held)
    lines += section("Conflicts", result.conflicts)
    lines += section("Refused by a rule", result.refused)
    lines += section("Named by one family only", result.singles)
    lines += ["", "## Coverage", "", "Names that at least two families give to a vendor and none to another.", ""]
    lines += ["| vendor | agreed | before | after |", "|---|---:|---:|---:|"]
    for vendor in sorted(after):
        now, then = after[vendor], before.get(vendor, Covered())
        lines.append(f"| {vendor or 'all'} | {now.agreed:,} | {then.share:.1%} | {now.share:.1%} |")
    return "\n".join([*lines, ""])


def section(title: str, lines: Iterable[str]) -> list[str]:
    listed = list(lines)
    more = [f"- … and {len(listed) - SHOWN:,} more"] if len(listed) > SHOWN else []
    return ["", f"## {title}: {len(listed):,}", "", *[f"- {line}" for line in listed[:SHOWN]], *more]
