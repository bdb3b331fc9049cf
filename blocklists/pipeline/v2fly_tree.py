"""v2fly's include tree: `include:FILE`, with `@attribute` (rules that have it), `@-attribute` (that lack it)."""

from collections.abc import Iterator
from pathlib import Path


def read_tree(folder: Path, name: str) -> Iterator[tuple[str, list[str]]]:
    """The files that `name` consists of, each with its rules without includes. An absent file gives nothing."""
    seen: set[tuple[str, tuple[str, ...]]] = set()
    waiting: list[tuple[str, tuple[str, ...]]] = [(name, ())]
    while waiting:
        file, filters = waiting.pop(0)
        path = folder / file
        if (file, filters) in seen or not path.is_file():
            continue
        seen.add((file, filters))
        rules: list[str] = []
        for line in path.read_text().splitlines():
            words = line.partition("#")[0].split()
            if words and words[0].startswith("include:"):
                further = tuple(word for word in words[1:] if word.startswith("@"))
                waiting.append((words[0].removeprefix("include:"), tuple(sorted({*filters, *further}))))
            elif words and passes(words[1:], filters):
                rules.append(" ".join(words))
        yield file, rules


def passes(attributes: list[str], filters: tuple[str, ...]) -> bool:
    """Whether a rule with these attributes passes every filter of the includes on the way to it."""
    for filter in filters:
        if filter.startswith("@-"):
            if f"@{filter[2:]}" in attributes:
                return False
        elif filter not in attributes:
            return False
    return True
