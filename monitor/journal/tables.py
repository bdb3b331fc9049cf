"""Defines the tables of the journal file and opens it: SQLite in WAL mode, so that readers never block the writer.

Deleted data is overwritten (`secure_delete`), so that no day past its retention time remains in the file.
"""

import os
import sqlite3
import stat
from typing import Final
from urllib.parse import quote

from monitor.journal.entries import join_words

FILE_NAME: Final = "journal.db"
APPLICATION: Final = 0x67775701  # SQLite's application_id: "gw" and the kind of file
VERSION: Final = 1
FOLDER_MODE: Final = 0o700
FILE_MODE: Final = 0o640  # members of the daemon's group may read reports
PAGE_BYTES: Final = 4_096
WAL_BYTES: Final = 1_048_576
BUSY_SECONDS: Final = 2.0

TABLES: Final = """
CREATE TABLE traffic (
    day TEXT NOT NULL, device TEXT NOT NULL, grp TEXT NOT NULL, vendor TEXT NOT NULL, service TEXT NOT NULL,
    evidence TEXT NOT NULL, bytes_up INTEGER NOT NULL, bytes_down INTEGER NOT NULL, flows INTEGER NOT NULL,
    blocked INTEGER NOT NULL, leaked INTEGER NOT NULL, first REAL NOT NULL, last REAL NOT NULL, names TEXT NOT NULL,
    PRIMARY KEY (day, device, grp, vendor, service, evidence)
) WITHOUT ROWID;
CREATE TABLE identity (
    day TEXT NOT NULL, device TEXT NOT NULL, hostname TEXT NOT NULL, addresses TEXT NOT NULL,
    PRIMARY KEY (day, device)
) WITHOUT ROWID;
"""


class DamagedError(Exception):
    """The file is not a journal, or is corrupt; the text gives the fault."""


class EmptyError(Exception):
    """The file has no tables yet: a writer has created it and not committed its first transaction."""


def open_writer(path: str, max_bytes: int) -> sqlite3.Connection:
    """Opens the file for its one writer; creates it if it is missing. Raises OSError, sqlite3.Error or DamagedError."""
    os.makedirs(os.path.dirname(path), FOLDER_MODE, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, FILE_MODE)
    try:
        if os.geteuid() == 0:  # the service must be able to continue a file that root created
            owner = os.stat(os.path.dirname(path))
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
        if os.geteuid() in (0, os.fstat(descriptor).st_uid):
            os.fchmod(descriptor, FILE_MODE)  # independent of the umask; SQLite gives its log the same mode
    finally:
        os.close(descriptor)
    database = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        _prepare(database, max_bytes)
    except BaseException:
        database.close()
        raise
    return database


def _prepare(database: sqlite3.Connection, max_bytes: int) -> None:
    is_new = has_no_tables(database)
    if is_new:
        database.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        database.execute("PRAGMA auto_vacuum = INCREMENTAL")
    else:
        check(database)  # before any change, because the file may belong to another program
    database.execute("PRAGMA secure_delete = ON")
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = NORMAL")
    database.execute(f"PRAGMA journal_size_limit = {WAL_BYTES}")
    database.execute(f"PRAGMA max_page_count = {max(16, max_bytes // PAGE_BYTES)}")
    database.create_function("join_words", 3, join_words, deterministic=True)
    if is_new:
        head = f"BEGIN IMMEDIATE; PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {VERSION};"
        database.executescript(f"{head}{TABLES}COMMIT;")


def open_reader(path: str) -> sqlite3.Connection:
    """Opens the file read-only, whether a daemon writes to it or not.

    Raises OSError, sqlite3.Error, DamagedError, or EmptyError if the file has no tables yet.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # SQLite's error does not contain the reason
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise DamagedError("no file")
    finally:
        os.close(descriptor)
    place = f"file:{quote(path)}?mode=ro"
    try:
        return _checked(sqlite3.connect(place, uri=True, timeout=BUSY_SECONDS, isolation_level=None))
    except sqlite3.OperationalError:
        # A reader without write permission cannot create the WAL files. No other process uses the file now.
        if os.path.exists(path + "-wal"):
            raise
        return _checked(sqlite3.connect(place + "&immutable=1", uri=True, isolation_level=None))


def _checked(database: sqlite3.Connection) -> sqlite3.Connection:
    """Returns `database` if the file is a journal. Otherwise closes it, because no caller has it yet, and raises
    DamagedError or EmptyError.
    """
    try:
        (application,) = database.execute("PRAGMA application_id").fetchone()
        if application == 0 and has_no_tables(database):
            raise EmptyError
        check(database)
    except BaseException:
        database.close()
        raise
    return database


def has_no_tables(database: sqlite3.Connection) -> bool:
    return bool(database.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,))


def check(database: sqlite3.Connection) -> None:
    """Checks that the file is a journal of this version. Raises DamagedError."""
    (application,) = database.execute("PRAGMA application_id").fetchone()
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION:
        raise DamagedError("not a journal of gatewatch")
    if version != VERSION:
        raise DamagedError(f"of version {version}, not {VERSION}")


def is_damage(error: Exception) -> bool:
    """Whether SQLite reports that the file itself is corrupt, not a fault of the disk or the path."""
    if isinstance(error, DamagedError):
        return True
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
