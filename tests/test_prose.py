"""Documents, docstrings, comments and messages are plain technical English: words that do not come back.

The list of clean places grows until it names the whole project. A text is searched as a reader sees it: Markdown
without its blocks of code, Python by its comments and strings, other files whole.
"""

import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]
# Each word, and what stands there in plain English.
BANNED = {
    r"whoever|whomever|whom": "the technical noun: the client, the administrator, the process",
    r"nobody|somebody|no one|someone": "the technical noun, or the passive voice",
    r"anew": "again",
    r"say|says|said": "prints, shows, states, reports, contains",
    r"tell|tells|told": "returns, reports, shows, distinguishes",
}
# The value of one key or argument is a name, not prose: `"says"` is a key of the control socket.
NAME = re.compile(r"""["'][\w.-]+["']""")
WORDS = {word: better for words, better in BANNED.items() for word in words.split("|")}
PATTERN = re.compile(rf"\b({'|'.join(WORDS)})\b", re.IGNORECASE)
CLEAN = (
    ".ci",
    ".editorconfig",
    ".github",
    ".pre-commit-config.yaml",
    "CHANGELOG.md",
    "CODE_OF_CONDUCT.md",
    "CONTRIBUTING.md",
    "Makefile",
    "README.md",
    "RELEASING.md",
    "SECURITY.md",
    "bench/pictures.py",
    "blocklists/README.md",
    "blocklists/migrating.md",
    "changelog.d",
    "docs",
    "grafana",
    "monitor/__init__.py",
    "monitor/attribution",
    "monitor/capture",
    "monitor/catalog",
    "monitor/cli",
    "monitor/config",
    "monitor/control",
    "monitor/core",
    "monitor/daemon",
    "monitor/doctor",
    "monitor/enforcement",
    "monitor/errors.py",
    "monitor/events",
    "monitor/histogram.py",
    "monitor/journal",
    "monitor/kernel",
    "monitor/lab",
    "monitor/lan",
    "monitor/limits.py",
    "monitor/lists",
    "monitor/log.py",
    "monitor/metrics",
    "monitor/model.py",
    "monitor/periodic.py",
    "monitor/policy",
    "monitor/selftest",
    "monitor/sinkhole",
    "monitor/units.py",
    "monitor/web",
    "monitor/wire",
    "pyproject.toml",
    "setup.py",
    "systemd",
    "tests/attribution",
    "tests/capture",
    "tests/catalog",
    "tests/config/test_config_schema.py",
    "tests/doctor",
    "tests/documented.py",
    "tests/events",
    "tests/grafana",
    "tests/journal",
    "tests/lists",
    "tests/metrics",
    "tests/package/test_completion.py",
    "tests/test_locks.py",
    "tests/test_release.py",
    "tests/test_site.py",
    "tests/upgrade/make_state.py",
    "tests/upgrade/test_earlier_release.py",
    "tests/wire",
)
# Their text is that of places that are not clean yet.
GENERATED = ("cli.md", "configuration.md", "events.md", "gatewatch.schema.json", "metrics.md")
FENCE = re.compile(r"^ *(```+|~~~+)")
TEXTS = {".css", ".json", ".md", ".py", ".service", ".toml", ".txt", ".yaml", ".yml", ""}


def files() -> list[Path]:
    found: list[Path] = []
    for name in CLEAN:
        place = CHECKOUT / name
        found += [place] if place.is_file() else sorted(path for path in place.rglob("*") if path.is_file())
    generated = {CHECKOUT / "docs/reference" / name for name in GENERATED}
    return [
        path for path in found if path.suffix in TEXTS and "__pycache__" not in path.parts and path not in generated
    ]


def prose(path: Path, text: str) -> Iterator[tuple[int, str]]:
    """Lines or tokens that are text for people, each with its line number."""
    if path.suffix == ".md":
        yield from outside_fences(text)
    elif path.suffix == ".py":
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            text_types = (tokenize.COMMENT, tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", -1))
            if token.type in text_types and not NAME.fullmatch(token.string):
                yield token.start[0], token.string
    else:
        yield from enumerate(text.splitlines(), 1)


def outside_fences(text: str) -> Iterator[tuple[int, str]]:
    fence = ""
    for number, line in enumerate(text.splitlines(), 1):
        mark = FENCE.match(line)
        if mark and not fence:
            fence = mark[1]
        elif mark and line.strip() == fence:
            fence = ""
        elif not fence:
            yield number, line


def complaints(path: Path, text: str) -> list[str]:
    return [
        f"{path.name}:{number + part[: match.start()].count(chr(10))}: '{match[0]}': write {WORDS[match[0].lower()]}"
        for number, part in prose(path, text)
        for match in PATTERN.finditer(part)
    ]


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_no_banned_word_is_used(path: Path) -> None:
    assert complaints(path, path.read_text(encoding="utf-8")) == []


def test_each_clean_place_exists() -> None:
    assert [name for name in CLEAN if not (CHECKOUT / name).exists()] == []


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("a.md", "It is\nwhoever asks.\n", 2),
        ("a.py", '"""One line.\n\nIt tells.\n"""\n', 3),
        ("a.py", "x = 1  # Somebody has it\n", 1),
        ("a.py", 'x = f"{y} says so"\n', 1),
        ("a.toml", "# made anew\n", 1),
    ],
)
def test_a_banned_word_is_found(name: str, text: str, line: int) -> None:
    (complaint,) = complaints(Path(name), text)
    assert complaint.startswith(f"{name}:{line}: ")


@pytest.mark.parametrize(
    ("name", "text"),
    [("a.md", "```sh\nsay hello\n```\n"), ("a.py", "told = says()\n"), ("a.py", 'x["says"]\n'), ("a.md", "essays\n")],
)
def test_code_and_other_words_are_not_searched(name: str, text: str) -> None:
    assert complaints(Path(name), text) == []
