"""Shell completion of every verb and option, made by shtab from the parser: for bash, zsh and fish.

Words that files alone can give are completed too: paths, network interfaces, and the vendors of `gatewatch catalog`.
"""

from argparse import Action, ArgumentParser, _SubParsersAction
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import shtab

PLACES: Final = {
    "bash": "usr/share/bash-completion/completions/gatewatch",
    "zsh": "usr/share/zsh/vendor-completions/_gatewatch",
    "fish": "usr/share/fish/vendor_completions.d/gatewatch.fish",
}
# Bash splits a word at its colons, so that `category:games` cannot be completed there.
VENDORS: Final = {"bash": "_gatewatch_vendors", "zsh": "_gatewatch_vendors", "fish": "(_gatewatch_vendors)"}
INTERFACES: Final = {"bash": "_gatewatch_interfaces", "zsh": "_net_interfaces", "fish": "(__fish_print_interfaces)"}
COMPLETED: Final = {
    "FILE": shtab.FILE, "PATH": shtab.FILE, "IFACE": INTERFACES, "VENDOR": VENDORS, "V": VENDORS, "WORD": VENDORS,
}  # fmt: skip
CATALOGUE: Final = "gatewatch catalog 2>/dev/null | awk 'NR > 1 { print $1 }'"
PREAMBLE: Final = {
    "bash": f"""\
_gatewatch_vendors() {{ compgen -W "$({CATALOGUE} | grep -v :)" -- "$1"; }}
_gatewatch_interfaces() {{ compgen -W "$(cd /sys/class/net && echo *)" -- "$1"; }}
""",
    "zsh": f"""\
_gatewatch_vendors() {{ local -a found; found=(${{(f)"$({CATALOGUE})"}}); compadd -a found }}
""",
    "fish": f"""\
function _gatewatch_vendors
    {CATALOGUE}
end
""",
}


def write_completions(root: Path) -> None:
    """Writes the file of each shell below the root of a package."""
    for shell, place in PLACES.items():
        path = root / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(completion(shell), encoding="utf-8")


def completion(shell: str) -> str:
    from monitor.cli.parser.parser import build_parser  # only once the package is known to be for this interpreter

    parser = build_parser()
    for action in actions(parser):
        if isinstance(action.metavar, str) and action.metavar in COMPLETED:
            action.complete = COMPLETED[action.metavar]  # type: ignore[attr-defined]
    return str(shtab.complete(parser, shell=shell, preamble=PREAMBLE))  # type: ignore[arg-type]  # its annotation is too narrow


def actions(parser: ArgumentParser) -> Iterator[Action]:
    """Every argument of the parser and of those below it."""
    for action in parser._actions:
        yield action
        if isinstance(action, _SubParsersAction):
            for below in action.choices.values():
                yield from actions(below)
