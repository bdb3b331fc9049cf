"""Fails where a page of a site loads anything from another server: `offline.py FOLDER`. A link is no load."""

import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

REMOTE = re.compile(r"^\s*(https?:)?//", re.IGNORECASE)
STYLE_LOADS = re.compile(r"""(?:url\(|@import)\s*["']?((?:https?:)?//[^"')]+)""", re.IGNORECASE)
# Attributes by element that a browser fetches by itself (HTML, section 4).
LOADED = {
    "audio": ("src",), "embed": ("src",), "iframe": ("src",), "img": ("src", "srcset"), "input": ("src",),
    "object": ("data",), "script": ("src",), "source": ("src", "srcset"), "track": ("src",), "video": ("src", "poster"),
}  # fmt: skip
# Of `link`, what only names a page.
NAMED = {"alternate", "author", "canonical", "edit", "help", "license", "next", "prev", "search"}


class Loads(HTMLParser):
    """Collects the URLs that a browser fetches for a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "link" and not set(values.get("rel", "").lower().split()) & NAMED:
            self.found.append(values.get("href", ""))
        self.found += [values[name] for name in LOADED.get(tag, ()) if name in values]
        self.found += STYLE_LOADS.findall(values.get("style", ""))
        if "mermaid" in values.get("class", "").split():
            self.found.append("//mermaid (the theme's script fetches it for such a diagram)")


def remote_loads(site: Path) -> Iterator[str]:
    """A line for each URL of another server that a page or a style sheet loads."""
    for page in sorted(site.rglob("*.html")):
        loads = Loads()
        loads.feed(page.read_text(encoding="utf-8"))
        yield from (f"{page.relative_to(site)}: {url}" for url in loads.found if REMOTE.match(url))
    for sheet in sorted(site.rglob("*.css")):
        yield from (f"{sheet.relative_to(site)}: {url}" for url in STYLE_LOADS.findall(sheet.read_text("utf-8")))


if __name__ == "__main__":
    found = list(remote_loads(Path(sys.argv[1])))
    for line in found:
        print(f"offline.py: loads from another server: {line}", file=sys.stderr)
    sys.exit(1 if found else 0)
