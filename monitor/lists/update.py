"""Updates subscriptions: fetches each list to a new file, checks it, and replaces the previous copy by it.

If this fails for a list, its previous copy stays in use, its outcome has the error, and the other lists are updated.
"""

import fcntl
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from heapq import nsmallest
from typing import Final

from monitor.catalog.suffixes import PublicSuffixes
from monitor.errors import GatewatchError, ListError, MachineError
from monitor.lists.copies import (
    CopyRecord,
    copies_folder,
    copy_path,
    drop_fresh,
    fresh_path,
    make_folder,
    put_in_place,
    read_record,
    write_record,
)
from monitor.lists.downloads import Download, download_all, validators_of
from monitor.lists.fetch import Validators
from monitor.lists.inspection import InspectedList, check_growth, inspect, read_contents
from monitor.lists.pins import check_digest, check_signature
from monitor.lists.subscription import Subscription, due_at

UPDATED: Final = "updated"
UNCHANGED: Final = "unchanged"
NOT_DUE: Final = "not due"
FAILED: Final = "failed"

EXAMPLES: Final = 3
ERROR_LENGTH: Final = 500


@dataclass(frozen=True)
class UpdateOutcome:
    """The result of one subscription; `due` is the time of its next fetch. For added and removed entries it has the
    counts and a few examples, for refused lines (public suffixes and protected names) the count and the first.
    """

    name: str
    result: str
    entries: int = 0
    added: int = 0
    removed: int = 0
    added_examples: tuple[str, ...] = ()
    removed_examples: tuple[str, ...] = ()
    due: float = 0.0
    error: str = ""
    refused: int = 0
    first_refused: str = ""


@dataclass(frozen=True)
class UpdateRules:
    """The settings for all lists of one update. `force`: also fetch lists that are not due, and accept a list whose
    size differs much from that of its previous copy.
    """

    suffixes: PublicSuffixes
    protected: frozenset[bytes]
    force: bool = False


def update(
    subscriptions: Sequence[Subscription], state: str, rules: UpdateRules, named: bool = False
) -> list[UpdateOutcome]:
    """Updates the due subscriptions; all if `named`, because the user asked for these. Returns an outcome for each.

    Raises GatewatchError.
    """
    if not subscriptions:
        return []
    with alone(state):
        now = time.time()
        records = {one.name: read_record(state, one.name) for one in subscriptions}
        due = [one for one in subscriptions if named or rules.force or is_due(one, records[one.name], rules, now)]
        known = {one.name: validators(one, records[one.name], rules) for one in due}
        downloads = dict(zip([one.name for one in due], download_all(due, known), strict=True))
        return [
            finish(one, records[one.name], downloads[one.name], rules)
            if one.name in downloads
            else waiting(one, records[one.name])
            for one in subscriptions
        ]


@contextmanager
def alone(state: str) -> Iterator[None]:
    """Locks the lists against other updates. Raises GatewatchError if another update runs, MachineError if the
    folder cannot be used.
    """
    try:
        folder = os.open(make_folder(state), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        what = f"{copies_folder(state)}: lists cannot be stored here: {error.strerror}"
        raise MachineError(f"{what}; run it as root, or as the owner of {state}") from None
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise GatewatchError(f"{copies_folder(state)}: another `gatewatch lists update` is running") from None
        yield
    finally:
        os.close(folder)


def is_due(subscription: Subscription, record: CopyRecord, rules: UpdateRules, now: float) -> bool:
    if record.terms != subscription.terms(rules.protected) or due_at(subscription, record, now) <= now:
        return True
    return not copy_path(subscription.user.state, subscription.name).exists()


def validators(subscription: Subscription, record: CopyRecord, rules: UpdateRules) -> Validators:
    if rules.force:
        return Validators()
    copy = copy_path(subscription.user.state, subscription.name)
    return validators_of(record, copy, subscription.terms(rules.protected))


def waiting(subscription: Subscription, record: CopyRecord) -> UpdateOutcome:
    due = record.succeeded + subscription.interval
    return UpdateOutcome(subscription.name, NOT_DUE, record.entries, due=due)


def finish(subscription: Subscription, record: CopyRecord, download: Download, rules: UpdateRules) -> UpdateOutcome:
    """Installs the fetched list, or records the failure."""
    state, name, now = subscription.user.state, subscription.name, time.time()
    try:
        if download.error:
            raise ListError(download.error)
        outcome, taken = take(subscription, record, download, rules, now)
        write_record(state, name, taken)
        return replace(outcome, due=now + subscription.interval)
    except (ListError, OSError) as error:
        drop_fresh(copy_path(state, name))
        text = str(error) if isinstance(error, ListError) else f"cannot be stored: {error.strerror or error}"
        text = text[:ERROR_LENGTH]
        failed = replace(record, tried=now, failures=record.failures + 1, error=text)
        with suppress(OSError):  # the outcome reports it in any case
            write_record(state, name, failed)
        return UpdateOutcome(name, FAILED, record.entries, due=now, error=text)


def take(
    subscription: Subscription, record: CopyRecord, download: Download, rules: UpdateRules, now: float
) -> tuple[UpdateOutcome, CopyRecord]:
    """Checks the fetched list and installs it; returns the outcome and the record. Raises ListError and OSError."""
    user, fetched = subscription.user, download.fetched
    copy, terms = copy_path(user.state, user.name), subscription.terms(rules.protected)
    well = replace(record, terms=terms, succeeded=now, tried=now, failures=0, error="")
    if not fetched.is_new:
        drop_fresh(copy)
        return UpdateOutcome(user.name, UNCHANGED, record.entries), well
    fresh = fresh_path(copy)
    if subscription.sha256:
        check_digest(fetched.digest, subscription.sha256)
    if subscription.minisign:
        check_signature(fresh, download.signature, subscription.minisign)
    contents = inspect(fresh, subscription, rules.suffixes, rules.force)
    before = contents_before(subscription, rules)
    if record.terms in ("", terms) and not rules.force:
        check_growth(before.count, contents.count)
    put_in_place(copy)
    well = replace(
        well,
        etag=fetched.validators.etag,
        modified=fetched.validators.modified,
        digest=fetched.digest,
        entries=contents.count,
        changed=record.changed if fetched.digest == record.digest else now,
    )
    return difference(user.name, before, contents), well


def contents_before(subscription: Subscription, rules: UpdateRules) -> InspectedList:
    """Returns the contents of the copy in use, empty if there is none."""
    user = subscription.user
    try:
        return read_contents(copy_path(user.state, user.name), user, rules.suffixes)
    except (OSError, ListError):
        return InspectedList()


def difference(name: str, before: InspectedList, now: InspectedList) -> UpdateOutcome:
    added, removed = now.entries - before.entries, before.entries - now.entries
    result = UPDATED if added or removed else UNCHANGED
    return UpdateOutcome(
        name,
        result,
        now.count,
        len(added),
        len(removed),
        examples(added),
        examples(removed),
        refused=now.refused,
        first_refused=str(now.first_refused or ""),
    )


def examples(entries: frozenset[str]) -> tuple[str, ...]:
    return tuple(entry.partition(" ")[2] for entry in nsmallest(EXAMPLES, entries))
