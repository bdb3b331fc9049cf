"""The part of a vendor file that the pipeline owns: everything below MARK. What stands above is written by hand."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from monitor.catalog.builder import IndexBuilder
from monitor.catalog.index import Index
from monitor.catalog.suffixes import PublicSuffixes
from monitor.catalog.vendor_file import read_vendor_file
from pipeline.merge import Addition

MARK: Final = "# Below: written by blocklists/pipeline, from sources that agree. Do not edit.\n"


def without_pipeline(text: str) -> str:
    """What is written by hand of a vendor file."""
    return text.partition(MARK)[0].rstrip("\n") + "\n"


def with_pipeline(text: str, additions: Iterable[Addition]) -> str:
    """The vendor file with these additions in place of those it has."""
    groups: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for addition in sorted(additions):
        groups.setdefault((addition.service, addition.sources), []).append(addition.name)
    hand = without_pipeline(text)
    if not groups:
        return hand
    return hand + "\n" + MARK + "".join(group_text(*key, names) for key, names in sorted(groups.items()))


def group_text(service: str, sources: tuple[str, ...], names: list[str]) -> str:
    head = f'\n[[entries]]\nservice = "{service}"\n' if service else "\n[[entries]]\n"
    listed = "".join(f'  "{name}",\n' for name in names)
    return head + f'source = "{", ".join(sources)}"\nsuffix = [\n{listed}]\n'


def hand_made(folder: Path, suffixes: PublicSuffixes) -> Index:
    """The catalogue of the folder `blocklists` without what the pipeline owns."""
    builder = IndexBuilder()
    for path in [*sorted((folder / "vendors").glob("*.toml")), *sorted(folder.glob("*.toml"))]:
        read_vendor_file(without_pipeline(path.read_text()), path.stem, suffixes, builder)
    return Index.load(builder.build())


def write_additions(folder: Path, additions: Iterable[Addition]) -> list[Path]:
    """Writes every vendor file that changes; gives those."""
    changed: list[Path] = []
    by_vendor: dict[str, list[Addition]] = {}
    for addition in additions:
        by_vendor.setdefault(addition.vendor, []).append(addition)
    for path in sorted((folder / "vendors").glob("*.toml")):
        old = path.read_text()
        new = with_pipeline(old, by_vendor.get(path.stem, []))
        if new != old and (path.stem in by_vendor or MARK in old):
            path.write_text(new)
            changed.append(path)
    return changed
