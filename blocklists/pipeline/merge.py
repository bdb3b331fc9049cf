"""The merge: what several families agree on becomes an addition, what they disagree on a conflict."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from monitor.catalog.index import Index
from pipeline.claims import Claim, Reading
from pipeline.provenance import Seen, months_between
from pipeline.rules import FAMILIES_NEEDED, GROWTH_NAMES, GROWTH_SHARE, MONTHS_KEPT, WEIGHT_NEEDED, Rules, registrable
from pipeline.sources import COPY, Source


@dataclass(frozen=True, order=True)
class Addition:
    """A registrable name that the pipeline adds to a vendor, with the sources that name it."""

    name: str
    vendor: str
    service: str
    sources: tuple[str, ...]


@dataclass
class Support:
    """The sources that give one registrable name to one vendor. A name of a lower level weighs half."""

    sources: set[str] = field(default_factory=set)
    families: dict[str, float] = field(default_factory=dict)
    services: set[str] = field(default_factory=set)
    authoritative: bool = False

    def add(self, claim: Claim, source: Source, at_top: bool) -> None:
        weight = source.weight if at_top else source.weight / 2
        self.sources.add(source.name)
        self.families[source.family] = max(self.families.get(source.family, 0.0), weight)
        self.services.add(claim.service)
        self.authoritative = self.authoritative or (source.authoritative and at_top)

    def suffices(self) -> bool:
        agree = len(self.families) >= FAMILIES_NEEDED and sum(self.families.values()) >= WEIGHT_NEEDED
        return agree or self.authoritative


@dataclass
class Merge:
    """The result. Each list is sorted: equal inputs give equal results."""

    additions: list[Addition] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)
    singles: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)


def gather(readings: Iterable[Reading], use: str = "") -> dict[str, dict[str, Support]]:
    """Registrable name to vendor to support, of the sources of that use (`""`: of all)."""
    found: dict[str, dict[str, Support]] = {}
    for reading in readings:
        if reading.fault or (use and reading.source.use != use):
            continue
        for claim in reading.claims:
            name = registrable(claim.name)
            if name:
                support = found.setdefault(name, {}).setdefault(claim.vendor, Support())
                support.add(claim, reading.source, claim.name in (name, f"www.{name}"))
    return found


def merge(
    readings: list[Reading], index: Index, rules: Rules, before: dict[str, Seen], accepted: frozenset[str]
) -> Merge:
    """What the sources that may be copied change. `index` is the catalogue without what the pipeline owns, `before`
    are the entries that the pipeline owns, `accepted` the vendors that may grow beyond the limit."""
    result = Merge()
    services = {vendor.slug: frozenset(slug for slug, _ in vendor.services) for vendor in index.vendors()}
    for name, vendors in sorted(gather(readings, COPY).items()):
        decide(name, vendors, index, rules, services, result)
    hold_growth(result, index, before, accepted)
    keep_known(result, readings, index, rules, before)
    result.additions.sort()
    return result


def decide(
    name: str,
    vendors: dict[str, Support],
    index: Index,
    rules: Rules,
    services: dict[str, frozenset[str]],
    result: Merge,
) -> None:
    """Puts one name where it belongs: nowhere if the catalogue has it, else to additions, conflicts or singles."""
    entry = index.match_name(name.encode())
    known = entry.vendor if entry is not None and not entry.hosting else ""
    claimed = ", ".join(f"{vendor} ({' '.join(sorted(vendors[vendor].sources))})" for vendor in sorted(vendors))
    able = [vendor for vendor in sorted(vendors) if vendors[vendor].suffices()]
    if known in vendors:
        return
    fault = rules.fault(name)
    if fault:
        if able:
            result.refused.append(f"{name}: {fault}: {claimed}")
    elif known or len(able) > 1:
        result.conflicts.append(f"{name}: the catalogue has {known or 'nothing'}, the sources {claimed}")
    elif not able:
        if any(claim_at_top(support) for support in vendors.values()):
            result.singles.append(f"{name}: {claimed}")
    else:
        support = vendors[able[0]]
        service = next((one for one in sorted(support.services) if one in services.get(able[0], ())), "")
        result.additions.append(Addition(name, able[0], service, tuple(sorted(support.sources))))


def claim_at_top(support: Support) -> bool:
    """Whether a list that people maintain names the registrable name itself."""
    return max(support.families.values()) >= 1.0


def hold_growth(result: Merge, index: Index, before: dict[str, Seen], accepted: frozenset[str]) -> None:
    """Takes back the additions to a vendor that would grow by more than the limit at once."""
    sizes: dict[str, int] = {}
    for entry in index.entries():
        if entry.kind in ("suffix", "exact"):
            sizes[entry.vendor] = sizes.get(entry.vendor, 0) + 1
    for vendor in sorted({addition.vendor for addition in result.additions} - accepted):
        new = [one for one in result.additions if one.vendor == vendor and one.name not in before]
        if len(new) > max(GROWTH_NAMES, GROWTH_SHARE * sizes.get(vendor, 0)):
            result.held.append(f"{vendor}: {len(new):,} new names at once: read them, then run with --accept {vendor}")
            result.additions = [one for one in result.additions if one not in set(new)]


def keep_known(result: Merge, readings: list[Reading], index: Index, rules: Rules, before: dict[str, Seen]) -> None:
    """Keeps an entry of the pipeline that the sources no longer carry until MONTHS_KEPT have passed."""
    latest = max((reading.source.date for reading in readings if not reading.fault), default="")
    present = {addition.name for addition in result.additions}
    for name, seen in sorted(before.items()):
        if name in present or index.match_name(name.encode()) is not None:
            continue
        fault = rules.fault(name)
        if fault or months_between(seen.last, latest) >= MONTHS_KEPT:
            result.removed.append(f"{name}: {seen.vendor}: {fault or f'no source since {seen.last}'}")
        else:
            result.additions.append(Addition(name, seen.vendor, seen.service, seen.sources))
