"""What `blocklists/README.md` and `migrating.md` show, done as written."""

from pathlib import Path

import pytest
from documents import commands, make_place, run_text

pytestmark = pytest.mark.slow


def test_a_list_is_spoiled(tmp_path: Path) -> None:
    text = commands("tests/lists/test_update_documents.py::test_a_list_is_spoiled")
    done = run_text(text, tmp_path, make_place(tmp_path))
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
    assert "none of its lines is an entry (1), the first: line 1: a public suffix, under which anybody" in done.stderr
    assert "; the last good copy with 1 entry stays" in done.stderr
    assert "games: 1 entry, 1 added (tracker.example)" in done.stdout
    assert "cdn.tracker.example: games" in done.stdout
    assert (tmp_path / "state" / "lists" / "games.list").read_text() == "tracker.example\n"
