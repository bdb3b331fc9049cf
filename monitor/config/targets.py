"""What a ban may name: every vendor, service and category of the catalogue."""

from collections.abc import Iterator, Sequence

from monitor.catalog.entry import CATEGORY, CATEGORY_MARK
from monitor.catalog.index import Index
from monitor.config.complaints import nearest


def targets(index: Index) -> Iterator[str]:
    """Each as a ban writes it: `vendor`, `vendor/service` or `category:name`."""
    for vendor in index.vendors():
        if vendor.kind == CATEGORY:
            yield f"{CATEGORY_MARK}{vendor.slug}"
            continue
        yield vendor.slug
        yield from (f"{vendor.slug}/{slug}" for slug, _ in vendor.services)


def unknown_target(target: str, known: Sequence[str]) -> str:
    """The complaint about a target that no list knows, with the nearest one."""
    near = nearest(target, list(known))
    return f"no list knows '{target}'" + (f", the nearest is '{near}'" if near else "")
