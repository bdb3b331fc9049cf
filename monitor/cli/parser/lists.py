"""The arguments of `lists` and of its two actions."""

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
        "status, which needs no word, reads the lists that the configuration names. update fetches those with a URL.",
    )
    add_config(verb)
    add_json(verb)
    verb.set_defaults(action=STATUS)
    actions = verb.add_subparsers(title="actions", dest="action", metavar="ACTION")
    _add_options(add_verb(actions, STATUS, "list them: entries, age, errors", "1 if one cannot be used or is stale."))
    update = add_verb(
        actions,
        UPDATE,
        "fetch the subscriptions that are due",
        "Checks them and has the running daemon take them. A list that is broken, poisoned or not what it was leaves\n"
        "its last good copy in place and makes the exit code 1.",
    )
    update.add_argument("names", nargs="*", metavar="NAME", help="fetch only these, due or not")
    update.add_argument(
        "--force",
        action="store_true",
        help="fetch also what is not due, and take a list that is ten times smaller or larger than before, "
        "or of which most lines gave no entry",
    )
    _add_options(update)


def add_catalog(verbs: Verbs) -> None:
    verb = add_verb(
        verbs,
        "catalog",
        "list the vendors, services and categories that a ban may name",
        "With their names in other languages and scripts, and how many domain names, prefixes of their own, prefixes\n"
        "shared with others and AS numbers the lists have of each. Apps in the last column have no entries of their\n"
        "own: a ban of one is a ban of the whole. 1 where nothing in the catalogue is called WORD.",
    )
    verb.add_argument("word", nargs="?", metavar="WORD", help="only what has this word in a name, or is like it")
    add_config(verb)
    add_json(verb)


def _add_options(action: ArgumentParser) -> None:
    """The same behind the action as before it; where it is left out here, what stood before holds."""
    action.add_argument("--config", metavar="FILE", default=SUPPRESS, help=CONFIG_HELP)
    action.add_argument("--json", action="store_true", default=SUPPRESS, help=JSON_HELP)
