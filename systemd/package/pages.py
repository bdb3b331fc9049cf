"""The pages of docs/ for /usr/share/doc, where no site generator puts the included files into them."""

import re
import shutil
from pathlib import Path

INCLUDE = re.compile(r'^--8<-- "([^":]+)(?::\w+)?"$', re.MULTILINE)


def add_pages(checkout: Path, target: Path) -> None:
    """Copies the pages and pictures, with the text of each included file in its place."""
    shutil.copytree(checkout / "docs", target, ignore=shutil.ignore_patterns("generate", "__pycache__"))
    for page in target.rglob("*.md"):
        text = page.read_text(encoding="utf-8")
        whole = INCLUDE.sub(lambda found: (checkout / found[1]).read_text(encoding="utf-8").rstrip(), text)
        page.write_text(whole, encoding="utf-8")
