"""The manual pages: gatewatch(1) from the help of every verb, gatewatch.toml(5) from the example with every key."""

import gzip
import subprocess
import sys
from pathlib import Path

SHORT = "shows which vendors each device behind this gateway talks to, and bans vendors"
TITLE = "gatewatch"


def write_pages(folder: Path, example: Path, version: str) -> None:
    """Writes both below `folder`, compressed as Debian requires."""
    pages = {"man1/gatewatch.1": command_page(version), "man5/gatewatch.toml.5": settings_page(example, version)}
    for name, text in pages.items():
        path = folder / f"{name}.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(text.encode(), mtime=0))


def command_page(version: str) -> str:
    command = [
        *(sys.executable, "-P", "-c", "from argparse_manpage.cli import main; main()"),
        *("--module", "monitor.cli.parser.parser", "--function", "build_parser", "--prog", "gatewatch"),
        *("--project-name", "gatewatch", "--version", version, "--description", SHORT, "--manual-title", TITLE),
    ]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def settings_page(example: Path, version: str) -> str:
    """Returns the unchanged example as a page, because its comments are the reference."""
    lines = [roff(line) for line in example.read_text().splitlines()]
    return "\n".join(
        [
            f'.TH GATEWATCH.TOML 5 "" "gatewatch {version}" "{TITLE}"',
            ".SH NAME",
            "gatewatch.toml \\- the configuration of gatewatch",
            ".SH DESCRIPTION",
            "Every key with its default and the reason for it.",
            ".PP",
            ".nf",
            *lines,
            ".fi",
            ".SH SEE ALSO",
            ".BR gatewatch (1)",
            "",
        ]
    )


def roff(line: str) -> str:
    """Escapes a line, so that roff prints it literally."""
    text = line.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{text}" if text.startswith((".", "'")) else text
