"""The command blocks of the documents, and what is said about running each.

A block of commands is fenced as `sh`. The line directly before it says, in an HTML comment, who runs it:

    <!-- run: here -->                       `test_commands_in_documents.py`, in a folder of its own, no daemon, no root
    <!-- run: tests/x/test_y.py::test_z -->  that test, which takes the block's text from `commands`
    <!-- not run: a reason -->               nobody

so a reader of the page sees nothing of it, and no command stands in a document that nobody has thought about.
"""

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

CHECKOUT: Final = Path(__file__).resolve().parents[1]
# Nobody's documents, or those of others.
PASSED_OVER: Final = {".venv", ".git", "build", "dist", "node_modules"}
HERE: Final = "here"
FENCE: Final = re.compile(r"^( *)(```+|~~~+) *(\S*)")
MARK: Final = re.compile(r"^<!-- (run|not run): (.+) -->$")


@dataclass(frozen=True)
class Block:
    """A fenced block: `verb` is `run`, `not run` or `""`, `about` who runs it or why nobody does."""

    document: str
    line: int
    language: str
    text: str
    verb: str
    about: str

    @property
    def place(self) -> str:
        return f"{self.document}:{self.line}"


def documents() -> list[Path]:
    """Every Markdown file of the project."""
    found = []
    for folder, folders, files in os.walk(CHECKOUT):
        folders[:] = [name for name in folders if name not in PASSED_OVER]
        found += [Path(folder, name) for name in files if name.endswith(".md")]
    return sorted(found)


def blocks(path: Path) -> list[Block]:
    """All fenced blocks of a document, whatever their language."""
    found = []
    lines = path.read_text(encoding="utf-8").splitlines()
    at = 0
    while at < len(lines):
        fence = FENCE.match(lines[at])
        if fence is None:
            at += 1
            continue
        indent, marks, language = fence.groups()
        end = next((n for n in range(at + 1, len(lines)) if lines[n].strip() == marks), len(lines))
        body = [line.removeprefix(indent) for line in lines[at + 1 : end]]
        mark = MARK.match(lines[at - 1].strip()) if at else None
        verb, about = (mark[1], mark[2]) if mark else ("", "")
        name = str(path.relative_to(CHECKOUT)) if path.is_relative_to(CHECKOUT) else path.name
        found.append(Block(name, at + 1, language, "\n".join(body) + "\n", verb, about))
        at = end + 1
    return found


def all_blocks() -> list[Block]:
    return [block for path in documents() for block in blocks(path)]


def commands(test: str) -> str:
    """The text of the blocks that name this test (`tests/x/test_y.py::test_z`), in the order of the documents."""
    text = "".join(block.text for block in all_blocks() if (block.verb, block.about) == ("run", test))
    assert text, f"no document has a block that says <!-- run: {test} -->"
    return text


def make_place(folder: Path) -> dict[str, str]:
    """Makes `gatewatch` and `.venv/bin/gatewatch` be this very package in `folder`; gives the environment for it."""
    for place in (folder / "bin", folder / ".venv" / "bin"):
        place.mkdir(parents=True, exist_ok=True)
        command = place / "gatewatch"
        command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -P -m monitor.cli.main "$@"\n')
        command.chmod(0o755)
    own = {"HOME": folder, "XDG_CACHE_HOME": folder / "cache", "RUNTIME_DIRECTORY": folder / "run"}
    path = f"{folder / 'bin'}:{os.environ.get('PATH', '/usr/bin:/bin')}"
    return {**os.environ, **{key: str(value) for key, value in own.items()}, "PATH": path}


def run_text(text: str, folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """As it is written, by a shell that stops at the first command that fails."""
    return subprocess.run(
        ["sh", "-eu"],
        input=text,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
