"""Every command block of every document is run by a test, or says why it is not: `documents.py` has the marks."""

import ast
import re
from pathlib import Path

import pytest
from documents import CHECKOUT, HERE, Block, all_blocks, blocks, documents, make_place, run_text

BLOCKS = all_blocks()
COMMANDS = [block for block in BLOCKS if block.language == "sh"]
# How a block of commands may not be fenced, because nobody would look into it.
OTHER_SHELLS = {"bash", "shell", "console", "zsh", "shell-session"}
# Usage lines and output begin with the name of a program, too.
IS_COMMANDS = re.compile(r"^(\$ |# apt|sudo |\.venv/bin/gatewatch |apt(-get)? install|systemctl |make [a-z]+$)", re.M)
LOOKS_LIKE_COMMANDS = re.compile(
    r"^(\$ |# apt|sudo |(\.venv/bin/)?gatewatch |apt(-get)? |systemctl |make |curl )", re.M
)
PLAIN_LANGUAGE = re.compile(r"[a-z]*")
RUN_HERE = sorted({block.document for block in COMMANDS if block.about == HERE})


def place(block: Block) -> str:
    return block.place


@pytest.mark.parametrize("block", COMMANDS, ids=place)
def test_every_command_block_says_who_runs_it(block: Block) -> None:
    assert block.verb, (
        f"{block.place}: needs <!-- run: here -->, <!-- run: TEST --> or <!-- not run: REASON --> before it"
    )
    if block.verb == "not run":
        assert len(block.about.split()) >= 3, f"{block.place}: '{block.about}' is no reason"


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.language != "sh"], ids=place)
def test_no_other_block_holds_commands(block: Block) -> None:
    assert block.language not in OTHER_SHELLS, f"{block.place}: fence commands as sh"
    assert PLAIN_LANGUAGE.fullmatch(block.language), f"{block.place}: the language is one word"
    if not block.language:
        assert not LOOKS_LIKE_COMMANDS.search(block.text), f"{block.place}: fence commands as sh"
    assert block.language != "text" or not IS_COMMANDS.search(block.text), f"{block.place}: fence commands as sh"


@pytest.mark.parametrize("block", [b for b in COMMANDS if b.verb == "run" and b.about != HERE], ids=place)
def test_the_test_that_runs_a_block_exists_and_reads_it(block: Block) -> None:
    """It takes the text from the document, so that the two cannot drift apart."""
    path, _, name = block.about.partition("::")
    assert (CHECKOUT / path).is_file(), f"{block.place}: there is no {path}"
    source = (CHECKOUT / path).read_text()
    functions = {node.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)}
    assert name in functions, f"{block.place}: {path} has no test {name}"
    assert f'commands("{block.about}")' in source, f'{path}: must take its commands from commands("{block.about}")'


@pytest.mark.parametrize("document", RUN_HERE)
def test_the_blocks_that_need_nothing_run_as_written(document: str, tmp_path: Path) -> None:
    """All of one document, one after the other in one folder, so that a later one may build on an earlier one."""
    environment = make_place(tmp_path)
    for block in blocks(CHECKOUT / document):
        if block.language == "sh" and block.about == HERE:
            done = run_text(block.text, tmp_path, environment)
            assert done.returncode == 0, f"{block.place}: {done.stderr}{done.stdout}"


def test_a_block_is_read_with_its_mark(tmp_path: Path) -> None:
    text = (
        "a\n\n<!-- not run: it would format the disk -->\n```sh\nmkfs /dev/sda  # no\n```\n1. b\n   ~~~\n   x\n   ~~~\n"
    )
    (tmp_path / "a.md").write_text(text)
    first, second = blocks(tmp_path / "a.md")
    assert (first.place, first.language, first.text) == ("a.md:4", "sh", "mkfs /dev/sda  # no\n")
    assert (first.verb, first.about) == ("not run", "it would format the disk")
    assert (second.language, second.text, second.verb) == ("", "x\n", "")


def test_pages_of_the_site_are_among_the_documents() -> None:
    """Those of docs/ in every folder, which README leads to."""
    known = {str(path.relative_to(CHECKOUT)) for path in documents()}
    pages = {str(path.relative_to(CHECKOUT)) for path in (CHECKOUT / "docs").rglob("*.md")}
    assert pages
    assert pages | {"README.md"} <= known
