"""`lists update`: fetches subscriptions, prints what has changed, and makes the daemon load them."""

import json
import time
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

from monitor.cli.client import NoDaemon, ask
from monitor.cli.columns import printable
from monitor.cli.load_config import read_config
from monitor.cli.stderr import complain
from monitor.config.faults import nearest
from monitor.config.policy import protected_names
from monitor.config.sections import Config
from monitor.config.settings import subscriptions
from monitor.errors import EXIT_FINDING, EXIT_OK, GatewatchError, UsageError
from monitor.lists.child import TIMEOUT_SECONDS
from monitor.lists.copies import shown
from monitor.lists.shipped import public_suffixes
from monitor.lists.subscription import Subscription
from monitor.lists.update import FAILED, NOT_DUE, UNCHANGED, UpdateOutcome, UpdateRules, update
from monitor.policy.protected import PROTECTED
from monitor.units import count_text, span_text

NO_DAEMON: Final = "no daemon runs; it will read the lists when it starts"


def run(arguments: Namespace) -> int:
    """Returns 1 if a list failed. Raises GatewatchError if the daemon could not load the lists."""
    config = read_config(arguments.config)
    chosen = choose(config, arguments.names)
    rules = UpdateRules(public_suffixes(), frozenset((*PROTECTED, *protected_names(config))), arguments.force)
    outcomes = update(chosen, config.state.path, rules, named=bool(arguments.names))
    urls = {one.name: shown(one.user.url) for one in chosen}
    if not arguments.json:
        for outcome in outcomes:
            tell(outcome, urls[outcome.name])
    told, fault = tell_daemon(outcomes, bool(config.lists))
    if arguments.json:
        print(json.dumps({"lists": [asdict(outcome) for outcome in outcomes], "daemon": told}))
    elif not config.lists:
        print("no [[list]] in the configuration")
    elif told:
        print(told)
    if fault is not None:
        raise fault
    return EXIT_FINDING if any(outcome.result == FAILED for outcome in outcomes) else EXIT_OK


def choose(config: Config, names: Sequence[str]) -> list[Subscription]:
    """Returns the named subscriptions, or all. Raises UsageError for an unknown name, and suggests the nearest one."""
    there = {one.name: one for one in subscriptions(config)}
    in_place = [source.name for source in config.lists if source.name not in there]
    for name in names:
        if name in in_place:
            raise UsageError(f"list {name} is a local file: there is nothing to fetch")
        if name not in there:
            near = nearest(name, list(there))
            hint = f", the nearest is '{near}'" if near else f", there are {', '.join(there) or 'none'}"
            raise UsageError(f"no list '{name}' is fetched{hint}")
    return [there[name] for name in dict.fromkeys(names)] if names else list(there.values())


def tell(outcome: UpdateOutcome, url: str) -> None:
    """Prints one line: failures on standard error, everything else on standard output."""
    if outcome.result == FAILED:
        kept = (
            f"; the last good copy with {count_text(outcome.entries, 'entry', 'entries')} stays"
            if outcome.entries
            else ""
        )
        complain(f"list {outcome.name}: {url}: {printable(outcome.error)}{kept}")
    elif outcome.result == NOT_DUE:
        print(f"{outcome.name}: not due for {span_text(outcome.due - time.time())}")
    elif outcome.result == UNCHANGED:
        print(", ".join([f"{outcome.name}: unchanged", f"{outcome.entries:,} entries", *refused(outcome)]))
    else:
        parts = [count_text(outcome.entries, "entry", "entries")]
        parts += change(outcome.added, "added", outcome.added_examples)
        parts += change(outcome.removed, "removed", outcome.removed_examples)
        print(f"{outcome.name}: {', '.join([*parts, *refused(outcome)])}")


def refused(outcome: UpdateOutcome) -> list[str]:
    """Returns the number of lines left out because no ban may include what they name."""
    if not outcome.refused:
        return []
    first = (
        f"the first: {printable(outcome.first_refused)}" if outcome.refused > 1 else printable(outcome.first_refused)
    )
    return [f"{count_text(outcome.refused, 'line')} left out ({first})"]


def change(count: int, word: str, examples: Sequence[str]) -> list[str]:
    if not count:
        return []
    more = ", …" if count > len(examples) else ""
    return [f"{count:,} {word} ({', '.join(map(printable, examples))}{more})"]


def tell_daemon(outcomes: Sequence[UpdateOutcome], any_list: bool) -> tuple[str, GatewatchError | None]:
    """Returns the daemon's result, and its error. The request is sent after failures, too, for the daemon's metrics."""
    if not any_list or (outcomes and all(outcome.result == NOT_DUE for outcome in outcomes)):
        return "", None
    try:
        read_again = ask("reload-lists", {}, TIMEOUT_SECONDS)["read_again"]
    except NoDaemon:
        return NO_DAEMON, None
    except GatewatchError as error:
        return "", error
    return ("the daemon has read the lists again" if read_again else "the daemon has these lists already"), None
