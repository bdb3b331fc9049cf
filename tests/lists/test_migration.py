"""`blocklists/migrating.md` as written, from databases and files as Pi-hole and AdGuard Home keep them."""

import sqlite3
import subprocess
from pathlib import Path

import adblock
import pytest
from documents import commands, make_place, run_text
from subscribed import Subscribed

from monitor.config.parse import load

pytestmark = [pytest.mark.slow, pytest.mark.programs]

HOSTS = b"# StevenBlack\n127.0.0.1 localhost\n0.0.0.0 ads.example\n0.0.0.0 metrics.ads.example tracker.example\n"
FILTERS = b"""! Title: AdGuard DNS filter
||ads.example^
||banner.example^$important
@@||good.ads.example^
/ads[0-9]+\\.example/
||rewritten.example^$dnsrewrite=NOERROR;A;192.0.2.1
example.org##.banner
"""
# As Pi-hole 6 makes them (advanced/Templates/gravity.db.sql), without unused columns.
GRAVITY = """
CREATE TABLE adlist (id INTEGER PRIMARY KEY AUTOINCREMENT, address TEXT NOT NULL, enabled BOOLEAN NOT NULL DEFAULT 1,
    comment TEXT, type INTEGER NOT NULL DEFAULT 0, UNIQUE(address, type));
CREATE TABLE domainlist (id INTEGER PRIMARY KEY AUTOINCREMENT, type INTEGER NOT NULL DEFAULT 0, domain TEXT NOT NULL,
    enabled BOOLEAN NOT NULL DEFAULT 1, comment TEXT, UNIQUE(domain, type));
INSERT INTO domainlist (type, domain, enabled) VALUES (0, 'good.ads.example', 1), (0, 'fine.example', 1),
    (1, 'denied.example', 1), (1, 'off.example', 0), (3, '(^|\\.)shop\\.example$', 1);
"""
# As AdGuard Home writes it.
YAML = """http:
  address: 0.0.0.0:3000
filters:
  - enabled: true
    url: {filters}
    name: AdGuard DNS filter
    id: 1
  - enabled: false
    url: https://lists.example/off.txt
    name: Off
    id: 2
  - enabled: true
    url: {hosts}
    name: 'Hosts: all of them'
    id: 1700000000
whitelist_filters: []
user_rules:
  - '@@||good.ads.example^$important'
  - '||denied.example^'
  - "# a note"
  - /regex[0-9]/
dhcp:
  enabled: false
"""
PI_HOLE = commands("tests/lists/test_migration.py::test_from_pi_hole")
ADGUARD_HOME = commands("tests/lists/test_migration.py::test_from_adguard_home")
FOR_BOTH = commands("tests/lists/test_migration.py::test_then_for_both")


def typed(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    return run_text(text, folder, make_place(folder))


@pytest.fixture
def pi_hole(subscribed: Subscribed, tmp_path: Path) -> Path:
    """A folder with its database."""
    subscribed.server.pages.update({"/hosts.txt": HOSTS, "/filters.txt": FILTERS})
    with sqlite3.connect(tmp_path / "gravity.db") as database:
        database.executescript(GRAVITY)
        database.executemany(
            "INSERT INTO adlist (address, enabled, type) VALUES (?, ?, ?)",
            [
                (subscribed.url("/hosts.txt"), 1, 0),
                ("https://lists.example/off.txt", 0, 0),
                (subscribed.url("/filters.txt"), 1, 0),
                ("https://lists.example/allowed.txt", 1, 1),
            ],
        )
    database.close()
    return tmp_path


@pytest.fixture
def adguard_home(subscribed: Subscribed, tmp_path: Path) -> Path:
    """A folder with its configuration."""
    subscribed.server.pages.update({"/hosts.txt": HOSTS, "/filters.txt": FILTERS})
    text = YAML.format(filters=subscribed.url("/filters.txt"), hosts=subscribed.url("/hosts.txt"))
    (tmp_path / "AdGuardHome.yaml").write_text(text)
    return tmp_path


def test_from_pi_hole(pi_hole: Path, subscribed: Subscribed) -> None:
    done = typed(pi_hole, PI_HOLE)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "3|(^|\\.)shop\\.example$\n")
    config = load(str(pi_hole / "gatewatch.toml"))
    assert [(source.name, source.url, source.vendor) for source in config.lists] == [
        ("pihole-1", subscribed.url("/hosts.txt"), "blocked"),
        ("pihole-3", subscribed.url("/filters.txt"), "blocked"),
        ("denied", str(pi_hole / "denied.hosts"), "blocked"),
    ]
    assert [(list(map(str, ban.subjects)), ban.mode, ban.allow) for ban in config.bans] == [
        (["blocked"], "shadow", (b"good.ads.example", b"fine.example"))
    ]
    assert (pi_hole / "denied.hosts").read_text() == "0.0.0.0 denied.example\n"


def test_from_adguard_home(adguard_home: Path, subscribed: Subscribed) -> None:
    done = typed(adguard_home, ADGUARD_HOME)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "")
    config = load(str(adguard_home / "gatewatch.toml"))
    assert [(source.name, source.url) for source in config.lists] == [
        ("adguard-1", subscribed.url("/filters.txt")),
        ("adguard-1700000000", subscribed.url("/hosts.txt")),
        ("own-rules", str(adguard_home / "own-rules.txt")),
    ]
    assert config.bans[0].allow == (b"good.ads.example",)
    assert (adguard_home / "own-rules.txt").read_text().splitlines() == [
        "@@||good.ads.example^$important", "||denied.example^", "# a note", "/regex[0-9]/",
    ]  # fmt: skip


def test_then_for_both(adguard_home: Path) -> None:
    done = typed(adguard_home, ADGUARD_HOME + FOR_BOTH)
    assert done.returncode == 0, done.stderr
    about = "state/lists/adguard-1.list"
    for line in (
        "adguard-1: 2 entries, 2 added (ads.example, banner.example)",
        f"{about}:4: an exception: use allow or [[exception]] in the configuration: @@||good.ads.example^",
        f"{about}:5: an expression, not a whole name: /ads[0-9]+\\.example/",
        f"{about}:6: an option that a name cannot have: dnsrewrite=NOERROR;A;192.0.2.1: "
        "||rewritten.example^$dnsrewrite=NOERROR;A;192.0.2.1",
        f"{about}:7: about parts of a page, not about a name: example.org##.banner",
        "own-rules.txt:4: an expression, not a whole name: /regex[0-9]/",
    ):
        assert line in done.stdout.splitlines(), line
    assert "www.ads.example: blocked" in done.stdout
    # The other way round: what the old resolver is given.
    assert "0.0.0.0 metrics.ads.example" in (adguard_home / "for-pihole.txt").read_text().splitlines()
    rules = adblock.FilterSet()
    rules.add_filters((adguard_home / "for-adguard.txt").read_text().splitlines())
    engine = adblock.Engine(rules)

    def is_blocked(name: str) -> bool:
        return bool(engine.check_network_urls(f"https://{name}/", "https://elsewhere.example/", "document").matched)

    names = ("ads.example", "x.ads.example", "denied.example", "good.ads.example", "example.org")
    assert [is_blocked(name) for name in names] == [True, True, True, False, False]
