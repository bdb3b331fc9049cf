"""The page of all verbs and options, from the parser that `gatewatch` itself uses.

Usage lines are put together here, because the layout that argparse gives differs between Python releases.
"""

import argparse
from argparse import Action, ArgumentParser
from collections.abc import Iterator
from typing import Final

from generate.markdown import cell, code, escaped, page, table
from monitor.cli.parser.parser import build_parser

_NARGS: Final = {"+": "{0} [{0} ...]", "*": "[{0} ...]", "?": "[{0}]", None: "{0}"}


def cli_page() -> str:
    parser = build_parser()
    lines = [*paragraphs(parser.description or ""), *arguments(parser)]
    lines += table(("verb", "use"), verb_rows(parser))
    lines += epilog(parser)
    for verb in subparsers(parser).values():
        lines += sections(verb, level=2)
    return page("Command line", "the parsers of monitor/cli/", lines)


def verb_rows(parser: ArgumentParser) -> Iterator[tuple[str, str]]:
    for name, short in short_helps(parser).items():
        anchor = f"{parser.prog}-{name}".replace(" ", "-")
        yield f"[`{name}`](#{anchor})", cell(short)


def epilog(parser: ArgumentParser) -> list[str]:
    return [line for part in (parser.epilog or "").split("\n\n") for line in paragraphs(part)]


def sections(parser: ArgumentParser, level: int) -> list[str]:
    """A verb with its arguments, then its actions, one heading level down."""
    lines = [f"{'#' * level} {parser.prog}", "", "```text", usage(parser), "```", ""]
    for part in (parser.description or "").split("\n\n"):
        lines += paragraphs(part)
    lines += arguments(parser)
    for action in subparsers(parser).values():
        lines += sections(action, level + 1)
    return lines


def arguments(parser: ArgumentParser) -> list[str]:
    """The table of a parser's arguments, without `--help`, which every verb has."""
    shown = [action for action in parser._actions if not is_hidden(action)]
    if not shown:
        return []
    return table(("argument", "meaning"), ((spelling(action), meaning(parser, action)) for action in shown))


def is_hidden(action: Action) -> bool:
    return isinstance(action, argparse._HelpAction | argparse._SubParsersAction) or action.help == argparse.SUPPRESS


def spelling(action: Action) -> str:
    """`-n N`, `--lines N`: every way to write it."""
    value = "" if action.nargs == 0 else f" {metavar(action)}"
    if not action.option_strings:
        return code(metavar(action)).replace("|", "\\|")
    return ", ".join(code(option + value) for option in action.option_strings).replace("|", "\\|")


def meaning(parser: ArgumentParser, action: Action) -> str:
    """The help, then what the argument excludes and which values it takes."""
    text = cell((action.help or "") % {**vars(action), "prog": parser.prog})
    if action.choices:
        text += f"; one of {', '.join(map(code, map(str, action.choices)))}"
    others = [spelling(other) for other in alternatives(parser, action)]
    return f"{text}; not with {' or '.join(others)}" if others else text


def alternatives(parser: ArgumentParser, action: Action) -> list[Action]:
    """The arguments of a mutually exclusive group beside this one."""
    groups = [group._group_actions for group in parser._mutually_exclusive_groups]
    return [other for group in groups if action in group for other in group if other is not action]


def usage(parser: ArgumentParser) -> str:
    """`gatewatch ban [OPTION ...] WORD`: options are in the table below it."""
    words = [parser.prog]
    if any(action.option_strings and not is_hidden(action) for action in parser._actions):
        words.append("[OPTION ...]")
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            words.append(metavar(action) if action.required else f"[{metavar(action)}]")
        elif not action.option_strings:
            words.append(_NARGS[action.nargs if isinstance(action.nargs, str) else None].format(metavar(action)))
    return " ".join(words)


def metavar(action: Action) -> str:
    if isinstance(action.metavar, tuple):
        return " ".join(action.metavar)
    return action.metavar or action.dest.upper()


def subparsers(parser: ArgumentParser) -> dict[str, ArgumentParser]:
    found = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return dict(found[0].choices) if found else {}


def short_helps(parser: ArgumentParser) -> dict[str, str]:
    """The one-line help of each verb."""
    found = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return {choice.dest: choice.help or "" for action in found for choice in action._choices_actions}


def paragraphs(text: str) -> list[str]:
    """A description as one paragraph; its lines stay."""
    return [*(escaped(line.strip()) for line in text.strip().splitlines()), ""] if text.strip() else []
