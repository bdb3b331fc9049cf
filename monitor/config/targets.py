"""Resolves the words that name vendors, services and categories in a configuration, using the catalogue."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from monitor.catalog.entry import CATEGORY_MARK
from monitor.catalog.index import Index
from monitor.catalog.likeness import RATIO_LEAST, ratio
from monitor.catalog.subject_index import GENERIC, Resolution, SubjectIndex
from monitor.catalog.words import fold, tokens
from monitor.config.faults import KeyPath
from monitor.config.sections import Config
from monitor.config.subjects import target
from monitor.policy.ban import Ban, Subject, parse_subject
from monitor.policy.overrides import ban_id

STAND_IN_CHARACTERS_MAX: Final = 60
_NO_SLUG: Final = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True)
class Named:
    """A word of the configuration, its key, and its meaning."""

    path: KeyPath
    word: str
    meaning: Resolution


def named_subjects(config: Config, subjects: SubjectIndex) -> Iterator[Named]:
    """Yields every word of `[[ban]].vendors` and `[[exception]].vendor`, in order."""
    for at, ban in enumerate(config.bans):
        for word in map(str, ban.subjects):
            yield Named(("ban", at, "vendors"), word, subjects.resolve(word))
    for at, exemption in enumerate(config.exceptions):
        if exemption.vendor:
            yield Named(("exception", at, "vendor"), exemption.vendor, subjects.resolve(exemption.vendor))


def with_subjects(config: Config, index: Index) -> Config:
    """Returns the configuration with words replaced by subjects.

    An unknown or ambiguous word becomes its `stand_in`, which no list contains. If all words already are subjects with
    entries, as in a generated configuration, nothing is looked up.
    """
    words = [str(subject) for ban in config.bans for subject in ban.subjects]
    words += [one.vendor for one in config.exceptions if one.vendor]
    unclear = dict.fromkeys([word for word in words if word not in index.coverage])
    subjects = meant_by(list(unclear), index) if unclear else {}
    bans = [meaning(ban, subjects) for ban in config.bans]
    exemptions = [replace(one, vendor=subjects.get(one.vendor, one.vendor)) for one in config.exceptions]
    return replace(config, bans=tuple(bans), exceptions=tuple(exemptions))


def meant_by(words: list[str], index: Index) -> dict[str, str]:
    """Returns the subject of each word."""
    subjects = SubjectIndex(index)
    return {word: subjects.resolve(word).subject or stand_in(word) for word in words}


def meaning(ban: Ban, subjects: dict[str, str]) -> Ban:
    """Returns the ban with its words resolved, without duplicates: `tiktok` and `bytedance/tiktok` are one subject."""
    found = list(dict.fromkeys([subjects.get(word, word) for word in map(str, ban.subjects)]))
    return replace(ban, id=ban_id(found, ban.groups), subjects=tuple(map(parse_subject, found)))


def as_written(word: str) -> Subject:
    """Returns an unresolved word as a subject that `str` converts back to the same word."""
    subject = parse_subject(word)
    return subject if str(subject) == word else Subject(word)


def list_hints(config: Config, shipped: SubjectIndex) -> Iterator[tuple[KeyPath, str]]:
    """Yields lists with a new vendor whose name resembles a shipped subject: the user often meant that subject."""
    known = shipped.subjects()
    for at, source in enumerate(config.lists):
        vendor = source.vendor or source.name
        if vendor in known or fold(vendor) in GENERIC:
            continue
        found = shipped.resolve(vendor)
        meant = [found.subject] if found.subject else list(found.candidates)
        if not (found.subject or found.ambiguous):
            meant = [subject for subject in meant if is_typo(vendor, subject)]
        if meant:
            listed = " or ".join([f'vendor = "{subject}"' for subject in meant])
            text = f"makes a new vendor '{vendor}', which no other ban covers: write {listed} if that is meant"
            yield ("list", at, "vendor" if source.vendor else "name"), text


def single_labels(config: Config, subjects: SubjectIndex) -> Iterator[tuple[KeyPath, str]]:
    """Yields single-label names in exceptions and `allow`. Users often mean a vendor, but write a name."""
    places: list[tuple[KeyPath, str]] = []
    for at, ban in enumerate(config.bans):
        places += [(("ban", at, "allow"), name.decode()) for name in ban.allow]
    places += [(("exception", at, "name"), one.name.decode()) for at, one in enumerate(config.exceptions) if one.name]
    for path, name in places:
        if "." in name:
            continue
        meant = subjects.resolve(name).subject
        remedy = "write the whole name"
        if meant and path[0] == "exception":
            remedy = f'write vendor = "{meant}" if that is meant, or the whole name'
        yield path, f"'{name}' is one label, which stands for names such as www.{name} and for no vendor: {remedy}"


def is_typo(vendor: str, subject: str) -> bool:
    """Whether `vendor` is probably a misspelt `subject`: the parts after the slash differ by only a letter or two."""
    written, known = (fold(text.rpartition("/")[2].removeprefix(CATEGORY_MARK)) for text in (vendor, subject))
    return ratio(written, known) >= RATIO_LEAST


def stand_in(word: str) -> str:
    """Returns a subject for a word without a meaning: the word itself if it has the form of a subject, otherwise one
    derived from it.

    The subject becomes a label of metrics and a part of kernel names.
    """
    try:
        return target(word)
    except ValueError:
        pass
    category = CATEGORY_MARK if word.casefold().startswith(CATEGORY_MARK) else ""
    parts = [_NO_SLUG.sub("-", token.encode("punycode").decode()).strip("-") for token in tokens(word[len(category) :])]
    slug = "-".join([part for part in parts if part])[:STAND_IN_CHARACTERS_MAX].strip("-")
    return category + (slug or "unknown-word")
