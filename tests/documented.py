"""What documents must mention, read from the code: every verb and option, every setting, every metric family."""

import argparse

from generate.schema import schema

from monitor.cli.parser.parser import build_parser
from monitor.metrics.families import FAMILIES


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
    sections = schema()["properties"]
    return {name: list(section.get("items", section)["properties"]) for name, section in sections.items()}


def metrics() -> dict[str, tuple[str, ...]]:
    """Labels by full name."""
    return {family.full_name: family.labels for family in FAMILIES}
