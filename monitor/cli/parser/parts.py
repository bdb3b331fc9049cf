"""Functions and texts that the parsers of all verbs share."""

from argparse import ArgumentParser, RawDescriptionHelpFormatter, _SubParsersAction
from typing import Final, TypeAlias

from monitor.cli.paths import CONFIG_PATH

Verbs: TypeAlias = "_SubParsersAction[ArgumentParser]"

CONFIG_HELP: Final = f"TOML file (default: {CONFIG_PATH} where it exists)"
JSON_HELP: Final = "print one JSON object instead of text"


def add_verb(verbs: Verbs, name: str, short: str, long: str) -> ArgumentParser:
    return verbs.add_parser(
        name,
        help=short,
        description=f"{short[:1].upper()}{short[1:]}.\n\n{long}",
        formatter_class=RawDescriptionHelpFormatter,
    )


def add_config(verb: ArgumentParser) -> None:
    verb.add_argument("--config", metavar="FILE", help=CONFIG_HELP)


def add_json(verb: ArgumentParser, text: str = JSON_HELP) -> None:
    verb.add_argument("--json", action="store_true", help=text)
