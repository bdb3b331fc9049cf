"""The documents are plain technical English: words that make a sentence hard to read once do not come back."""

import re
from pathlib import Path

import pytest
from generate.pages import PAGES

CHECKOUT = Path(__file__).resolve().parents[1]
WORDS = re.compile(
    r"\b(whoever|whomever|whom|nobody|somebody|anew|tells?|told|says?|said|whereupon|thereof|therein)\b", re.IGNORECASE
)
GENERATED = {CHECKOUT / "docs" / "reference" / name for name in PAGES}
DOCUMENTS = sorted(
    {
        *(path for path in (CHECKOUT / "docs").rglob("*.md") if path not in GENERATED),
        *(CHECKOUT / ".github").rglob("*.md"),
        *(CHECKOUT / name for name in ("README.md", "SECURITY.md", "CONTRIBUTING.md", "RELEASING.md")),
        CHECKOUT / "CODE_OF_CONDUCT.md",
    }
)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_a_document_has_none_of_the_words(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    found = [f"{path.name}:{number}: {line.strip()}" for number, line in enumerate(lines, 1) if WORDS.search(line)]
    assert found == []
