"""What documents must mention, read from the code: every verb and option, every setting, every metric family."""

import argparse
from dataclasses import fields, is_dataclass
from typing import get_args, get_type_hints

from monitor.cli.parser.parser import build_parser
from monitor.config.sections import Config
from monitor.metrics.families import FAMILIES

NOT_SETTINGS = {"path", "hash"}
SECTION_NAMES = {"groups": "group", "bans": "ban", "exceptions": "exception", "lists": "list"}


def commands() -> dict[str, list[str]]:
    """Options (the longest spelling of each) and arguments by verb."""
    (verbs,) = [action for action in build_parser()._actions if isinstance(action, argparse._SubParsersAction)]
    return {
        name: [
            max(action.option_strings, key=len) if action.option_strings else str(action.metavar or action.dest)
            for action in verb._actions
            if action.dest != "help"
        ]
        for name, verb in verbs.choices.items()
    }


def settings() -> dict[str, list[str]]:
    """Keys by section, as they are written in the file."""
    hints = get_type_hints(Config)
    found = {}
    for field in fields(Config):
        if field.name in NOT_SETTINGS:
            continue
        kind = hints[field.name]
        section = kind if is_dataclass(kind) else get_args(kind)[0]
        found[SECTION_NAMES.get(field.name, field.name)] = [key.name for key in fields(section)]
    return found


def metrics() -> dict[str, tuple[str, ...]]:
    """Labels by full name."""
    return {family.full_name: family.labels for family in FAMILIES}
