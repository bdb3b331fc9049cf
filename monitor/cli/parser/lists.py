"""The arguments of `lists`, of its two actions, and of `catalog`."""

from argparse import SUPPRESS, ArgumentParser
from typing import Final

from monitor.cli.parser.parts import CONFIG_HELP, JSON_HELP, Verbs, add_config, add_json, add_verb

STATUS: Final = "status"
UPDATE: Final = "update"


def add_lists(verbs: Verbs) -> None:
    verb = add_verb(
        verbs,
        "lists",
        "list the vendor lists: entries, age, errors; update subscriptions",
        "status, the default action, reads the lists of the configuration. update fetches those with a URL.",
    )
    add_config(verb)
    add_json(verb)
    verb.set_defaults(action=STATUS)
    actions = verb.add_subparsers(title="actions", dest="action", metavar="ACTION")
    _add_options(
        add_verb(
            actions, STATUS, "show entries, age and errors", "The exit code is 1 if a list cannot be used or is stale."
        )
    )
    update = add_verb(
        actions,
        UPDATE,
        "fetch the subscriptions that are due",
        "Checks each list and makes the running daemon load it. A list that is broken, poisoned or suspiciously\n"
        "different is rejected: its last good copy stays in use, and the exit code is 1.",
    )
    update.add_argument("names", nargs="*", metavar="NAME", help="fetch only these lists, also if they are not due")
    update.add_argument(
        "--force",
        action="store_true",
        help="fetch lists that are not due, too, and accept a list that is ten times smaller or larger than before, "
        "or that has entries on fewer than half of its lines",
    )
    _add_options(update)


def add_catalog(verbs: Verbs) -> None:
    verb = add_verb(
        verbs,
        "catalog",
        "list the vendors, services and categories that a ban can name",
        "Shows their names in other languages and scripts, and the number of domain names, own prefixes, shared\n"
        "prefixes and AS numbers in the lists. Apps in the last column have no entries of their own: a ban of such\n"
        "an app bans the whole subject. The exit code is 1 if nothing in the catalogue matches WORD.",
    )
    verb.add_argument(
        "word", nargs="?", metavar="WORD", help="only subjects that have this word in a name, or a similar name"
    )
    add_config(verb)
    add_json(verb)


def _add_options(action: ArgumentParser) -> None:
    """Accepts the options after the action, too; an option given before the action keeps its value."""
    action.add_argument("--config", metavar="FILE", default=SUPPRESS, help=CONFIG_HELP)
    action.add_argument("--json", action="store_true", default=SUPPRESS, help=JSON_HELP)
