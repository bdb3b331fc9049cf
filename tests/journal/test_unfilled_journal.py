"""A reader that opens the journal while its writer creates it: there are no rows, and there is no damage."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from monitor.errors import GatewatchError
from monitor.journal.reader import Wanted, read_rows
from monitor.journal.tables import FILE_NAME, open_writer


def begun(file: Path, *statements: str) -> None:
    """The steps of `open_writer` before its first transaction."""
    file.touch()
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        for statement in statements:
            database.execute(statement)


@pytest.mark.parametrize(
    "statements",
    [(), ("PRAGMA auto_vacuum = INCREMENTAL", "PRAGMA journal_mode = WAL")],
    ids=["created", "has a head"],
)
def test_a_journal_without_tables_gives_no_rows(tmp_path: Path, statements: tuple[str, ...]) -> None:
    file = tmp_path / FILE_NAME
    begun(file, *statements)
    assert list(read_rows(str(file), Wanted())) == []
    open_writer(str(file), 1 << 24).close()
    assert list(read_rows(str(file), Wanted())) == []


def test_an_empty_database_of_another_program_is_no_journal(tmp_path: Path) -> None:
    file = tmp_path / FILE_NAME
    begun(file, "PRAGMA application_id = 7")
    with pytest.raises(GatewatchError, match="not a journal of gatewatch"):
        list(read_rows(str(file), Wanted()))
