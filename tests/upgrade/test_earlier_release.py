"""What a release left behind is taken up by this one, and stays readable for the release before.

`make_state.py` made the folders `state-VERSION` beside this file with the daemon of that version.
"""

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import documented
import pytest
from cable import FAR_MAC, Cable, cable
from make_state import connection

from monitor.config.parse import load
from monitor.lab.gateway import LabDaemon

EARLIER = Path(__file__).parent / "state-0.1.0"
REPORT = json.loads((EARLIER / "report.json").read_text())
ORDERS = json.loads((EARLIER / "state/orders.json").read_text())
NAMES = json.loads((EARLIER / "names.json").read_text())
# What its key in the state directory made of FAR_MAC.
PSEUDONYM = "c7ef416e942a"


@pytest.fixture(scope="module")
def wire() -> Iterator[Cable]:
    with cable() as ends:
        yield ends


@pytest.fixture
def daemon(wire: Cable, tmp_path: Path) -> Iterator[LabDaemon]:
    """Of this release, in the folder of the earlier one."""
    made = LabDaemon(wire.near, tmp_path / "daemon", "", ())
    shutil.copytree(EARLIER / "state", made.folder / "state")
    made.configure((EARLIER / "gatewatch.toml").read_text())
    yield made
    if hasattr(made, "child"):
        made.stop()


def tables(journal: Path) -> dict[str, Any]:
    """What another release looks at before it reads the file, and its tables."""
    with closing(sqlite3.connect(journal)) as database:
        pragmas = {name: database.execute(f"PRAGMA {name}").fetchone() for name in ("application_id", "user_version")}
        return {**pragmas, "tables": sorted(database.execute("SELECT name, sql FROM sqlite_master").fetchall())}


@pytest.mark.netns
def test_state_and_configuration_are_taken_up(daemon: LabDaemon, wire: Cable) -> None:
    """Changes at run time, host names, the journal, the key of the pseudonyms and the copy of a subscription."""
    assert daemon.report() == REPORT
    daemon.start()
    policy = daemon.ask("status")["policy"]
    assert policy["orders"] == ORDERS["orders"]
    assert [ban["ban"] for ban in policy["bans"]] == [
        "runtime.tencent.wechat-phones",
        "runtime.category.encrypted-dns-all",
    ]
    assert [(one["device"], one["name"]) for one in policy["exceptions"]] == [(FAR_MAC, "www.tiktok.com")]
    kept = json.loads(daemon.run("lists", "--json", "--config", str(daemon.configuration)).stdout)
    assert [(one["entries"], one["error"]) for one in kept["lists"] if one["list"] == "mine"] == [(2, None)]
    assert "damaged" not in daemon.log.read_text()
    assert daemon.stop() == 0

    daemon.configure((EARLIER / "gatewatch.toml").read_text().replace('"full"', '"pseudonym"'))
    daemon.start()
    wire.send_frames(connection(5003))
    daemon.wait_for("seen it", lambda: daemon.metric("flows_total", vendor="bytedance") == 1)
    assert daemon.stop() == 0
    mine = [row for row in daemon.report() if (row["device"], row["vendor"]) == (PSEUDONYM, "bytedance")]
    before = [row for row in REPORT if (row["device"], row["vendor"]) == (PSEUDONYM, "bytedance")]
    assert sum(row["flows"] for row in mine) == sum(row["flows"] for row in before) + 1


@pytest.mark.netns
def test_the_earlier_release_can_read_what_this_one_writes(daemon: LabDaemon, tmp_path: Path) -> None:
    """A downgrade: the orders keep their form and the journal its tables."""
    state = daemon.folder / "state"
    daemon.start()
    done = daemon.run("ban", "huawei", "--reason", "a later one")
    assert done.returncode == 0, done.stderr
    assert daemon.stop() == 0
    orders = json.loads((state / "orders.json").read_text())
    assert orders["version"] == ORDERS["version"]
    assert orders["orders"][:-1] == ORDERS["orders"]
    assert orders["orders"][-1].keys() <= {key for order in ORDERS["orders"] for key in order}
    assert tables(state / "journal.db") == tables(EARLIER / "state/journal.db")
    for name in ("orders.json", "journal.db"):
        (state / name).unlink()
    daemon.start()
    assert daemon.stop() == 0
    assert tables(state / "journal.db") == tables(EARLIER / "state/journal.db"), "a journal that begins here"


@pytest.mark.netns
def test_state_of_a_later_release_is_set_aside_in_a_line_each(daemon: LabDaemon) -> None:
    """A downgrade from a release that has changed the forms: nothing is lost, and the daemon runs."""
    state = daemon.folder / "state"
    later = json.dumps({**ORDERS, "version": 2})
    (state / "orders.json").write_text(later)
    with closing(sqlite3.connect(state / "journal.db")) as database:
        database.execute("PRAGMA user_version = 2")
        database.commit()
    refused = daemon.run("report", "--config", str(daemon.configuration))
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert "of version 2, not 1" in refused.stderr
    daemon.start()
    assert daemon.ask("status")["policy"]["orders"] == []
    daemon.wait_for("begun another journal", lambda: (state / "journal.db.damaged").exists())
    assert daemon.stop() == 0
    lines = [line for line in daemon.log.read_text().splitlines() if "set aside" in line]
    assert [line for line in lines if "orders.json" in line and "not of version 1" in line] == lines[:1]
    assert [line for line in lines if "journal.db" in line and "of version 2, not 1" in line] == lines[1:]
    assert (state / "orders.json.damaged").read_text() == later


def test_a_configuration_with_every_key_still_loads() -> None:
    config = load(str(EARLIER / "every-key.toml"))
    assert [len(part) for part in (config.groups, config.bans, config.exceptions, config.lists)] == [1, 1, 1, 1]


@pytest.mark.parametrize("kind", ["commands", "settings", "metrics"])
def test_every_name_that_people_use_is_still_there(kind: str) -> None:
    """Verbs with their options, sections with their keys, metrics with their labels."""
    now: dict[str, Any] = getattr(documented, kind)()
    gone = {name: set(parts) - set(now.get(name, ())) for name, parts in NAMES[kind].items()}
    assert {name: parts for name, parts in gone.items() if parts or name not in now} == {}
