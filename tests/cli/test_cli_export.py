"""`export`: what the configuration bans, read by the programs that it is for."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import adblock
import dns.name
import dns.rdatatype
import dns.zone
import pytest
import resolvers
from shell import Ran, gatewatch

pytestmark = [pytest.mark.slow, pytest.mark.programs]

CONFIG = """
[capture]
nat64 = ["64:ff9b::/96"]
[[group]]
name = "students"
members = ["10.9.0.0/16", "aa:bb:cc:dd:ee:ff", "iface:br-s", "host:x*", "2001:db8:5::/48"]
[[list]]
name = "mine"
url = "mine.txt"
format = "domains"
vendor = "mine"
[[list]]
name = "theirs"
url = "theirs.txt"
format = "domains"
vendor = "theirs"
[[list]]
name = "again"
url = "again.txt"
format = "domains"
vendor = "again"
[[ban]]
vendors = ["bytedance", "mine", "category:encrypted-dns", "apple"]
groups = ["students"]
mode = "enforce"
allow = ["newsroom.tiktok.com", "a.b.mine.example"]
[[ban]]
vendors = ["tencent", "again"]
mode = "enforce"
schedule = "mon-fri"
[[ban]]
vendors = ["google"]
mode = "shadow"
[[exception]]
device = "aa:bb:cc:dd:ee:ff"
name = "www.tiktok.com"
"""
BANNED = (
    "tiktok.com", "www.tiktok.com", "a.b.c.tiktok.com", "apple.com", "www.apple.com", "wechat.com", "dns.quad9.net",
    "mine.example", "x.mine.example", "b.mine.example", "c.b.mine.example", "back.a.b.mine.example",
    "x.back.a.b.mine.example",
)  # fmt: skip
FREE = (
    "nottiktok.com", "newsroom.tiktok.com", "x.newsroom.tiktok.com", "captive.apple.com", "www.google.com", "example",
    "a.b.mine.example", "x.a.b.mine.example", "debian.org", "above.dns.quad9.net",
)  # fmt: skip


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "mine.txt").write_text("mine.example\n")
    (tmp_path / "theirs.txt").write_text("a.b.mine.example\n")
    (tmp_path / "again.txt").write_text("back.a.b.mine.example\n")
    path = tmp_path / "c.toml"
    path.write_text(CONFIG)
    return path


@pytest.fixture
def upstream() -> Iterator[int]:
    with resolvers.internet() as port:
        yield port


def assert_bans(port: int) -> None:
    """The resolver keeps back what gatewatch bans, and nothing else."""
    assert [name for name in BANNED if not resolvers.is_blocked(port, name)] == []
    assert [name for name in FREE if resolvers.is_blocked(port, name)] == []


def export(config: Path, form: str, *more: str) -> Ran:
    ran = gatewatch("export", form, "--config", config, *more)
    assert ran.code == 0, ran.err
    return ran


def is_rewritten(zone: dns.zone.Zone, text: str) -> bool:
    """As a name server finds a name in a zone: itself, else the wildcard at its closest encloser (RFC 4592)."""
    name = dns.name.from_text(text, dns.name.empty)
    existing = {zone_name for node in zone.nodes for zone_name in ancestors(node)}
    while name not in existing:
        encloser = name.parent()
        name = dns.name.from_text("*", encloser) if encloser in existing else encloser
        if name not in existing and name.is_wild():
            return False
    answer = zone.get_rdataset(name, dns.rdatatype.CNAME)
    return answer is not None and answer[0].target == dns.name.root


def ancestors(name: dns.name.Name) -> list[dns.name.Name]:
    return [dns.name.Name(name.labels[at:]) for at in range(len(name.labels) + 1)]


def test_rpz_bans_what_gatewatch_bans_and_no_more(config: Path) -> None:
    ran = export(config, "rpz", "--group", "students")
    zone = dns.zone.from_text(ran.out, origin="rpz.", relativize=True)
    assert [name for name in BANNED if not is_rewritten(zone, name)] == []
    assert [name for name in FREE if is_rewritten(zone, name)] == []
    assert ran.complaints == [
        "tencent-all: has a schedule, but the export always applies",
        "1 exception left out",
        "members of students by host name are left out",
    ]


def test_a_list_that_is_missing_is_no_success(config: Path) -> None:
    """Whoever writes this over yesterday's file must be told that less is in it."""
    (config.parent / "mine.txt").unlink()
    config.write_text(config.read_text() + '[[ban]]\nvendors = ["bytedanc"]\nmode = "enforce"\n')
    number = config.read_text().count("[[ban]]")
    ran = gatewatch("export", "hosts", "--config", config)
    assert (ran.code, "0.0.0.0 wechat.com" in ran.out) == (1, True)
    assert ran.complaints[:2] == [
        f"{config.parent}/mine.txt: list mine: cannot be read: No such file or directory",
        f"ban {number}.vendors: no list knows 'bytedanc', the nearest is 'bytedance'",
    ]
    assert gatewatch("plan", "--config", config).code == 1


def test_without_a_group_only_what_holds_for_everyone(config: Path) -> None:
    ran = export(config, "hosts")
    lines = ran.out.splitlines()
    assert {"0.0.0.0 wechat.com", ":: wechat.com"} <= set(lines)
    assert "tiktok.com" not in ran.out
    assert ran.complaints[0] == "1 ban for other groups left out; --group names one"
    students = export(config, "hosts", "--group", "students").out.splitlines()
    assert "0.0.0.0 tiktok.com" in students
    assert not any("newsroom" in line or line.endswith(" google.com") for line in students)


def test_rpz_is_loaded_by_bind_and_unbound(config: Path, tmp_path: Path, upstream: int) -> None:
    rules = tmp_path / "rpz.zone"
    rules.write_text(export(config, "rpz", "--group", "students").out)
    done = subprocess.run(["named-checkzone", "rpz.gatewatch", rules], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "OK"), done.stdout
    zone = f"rpz:\n name: rpz.gatewatch\n zonefile: {rules}\n"
    with resolvers.unbound(upstream, tmp_path, zone, "respip iterator") as port:
        assert_bans(port)


def test_dnsmasq_answers_so(config: Path, tmp_path: Path, upstream: int) -> None:
    rules = tmp_path / "rules.conf"
    rules.write_text(export(config, "dnsmasq", "--group", "students").out)
    done = subprocess.run(["dnsmasq", "--test", f"--conf-file={rules}"], capture_output=True, text=True, check=False)
    assert (done.returncode, "syntax check OK" in done.stderr) == (0, True), done.stderr
    with resolvers.dnsmasq(upstream, tmp_path, f"--conf-file={rules}") as port:
        assert_bans(port)
    lines = rules.read_text().splitlines()
    for line in ("local=/tiktok.com/", "server=/newsroom.tiktok.com/#", "host-record=dns.quad9.net,0.0.0.0,::"):
        assert line in lines


def test_unbound_answers_so(config: Path, tmp_path: Path, upstream: int) -> None:
    rules = tmp_path / "rules.conf"
    rules.write_text(export(config, "unbound", "--group", "students").out)
    with resolvers.unbound(upstream, tmp_path, f'include: "{rules}"') as port:
        assert_bans(port)
    lines = rules.read_text().splitlines()
    for line in (
        '    local-zone: "tiktok.com." always_nxdomain',
        '    local-zone: "newsroom.tiktok.com." transparent',
        "    local-data: 'dns.quad9.net. 60 A 0.0.0.0'",
        '    local-zone: "back.a.b.mine.example." always_nxdomain',
    ):
        assert line in lines


def test_a_hosts_file_bans_the_names_themselves(config: Path, tmp_path: Path, upstream: int) -> None:
    """A hosts file has no word for what lies below a name: so much the program is asked, and no more."""
    rules = tmp_path / "hosts"
    rules.write_text(export(config, "hosts", "--group", "students").out)
    with resolvers.dnsmasq(upstream, tmp_path, f"--addn-hosts={rules}") as port:
        listed = ("tiktok.com", "apple.com", "wechat.com", "dns.quad9.net", "mine.example", "back.a.b.mine.example")
        assert [name for name in listed if not resolvers.is_blocked(port, name)] == []
        assert [name for name in FREE if resolvers.is_blocked(port, name)] == []


def test_adblock_is_matched_by_a_blocker(config: Path) -> None:
    """The engine of a browser reads `|name^` as the beginning of a whole URL, so names alone are left to their text."""
    lines = export(config, "adblock", "--group", "students").out.splitlines()
    rules = adblock.FilterSet()
    rules.add_filters(lines)
    engine = adblock.Engine(rules)

    def is_blocked(name: str) -> bool:
        return bool(engine.check_network_urls(f"https://{name}/", "https://elsewhere.example/", "document").matched)

    assert [name for name in BANNED if not is_blocked(name)] == ["dns.quad9.net"]
    assert [name for name in FREE if is_blocked(name)] == []
    for line in (
        "||tiktok.com^", "@@||newsroom.tiktok.com^", "@@||captive.apple.com^", "|dns.quad9.net^", "||mine.example^",
        "@@||a.b.mine.example^", "||back.a.b.mine.example^$important",
    ):  # fmt: skip
        assert line in lines
    assert "||www.tiktok.com^" not in lines


@pytest.mark.parametrize("group", ["students", ""])
def test_nft_takes_the_table(config: Path, tmp_path: Path, group: str) -> None:
    """Once to check it, and twice for real, because a list that is renewed is loaded over the old one."""
    rules = tmp_path / "table.nft"
    ran = export(config, "nft", *(("--group", group) if group else ()))
    rules.write_text(ran.out)
    load = f"nft --check --file {rules} && nft --file {rules} && nft --file {rules} && nft list tables"
    nft = ["unshare", "--net", "sh", "-c", load]
    done = subprocess.run(nft, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "table inet gatewatch_export\n", "")
    assert ("aa:bb:cc:dd:ee:ff" in ran.out, "ip saddr 10.9.0.0/16" in ran.out) == (bool(group), bool(group))
    assert ("71.18." in ran.out) == bool(group)


def test_an_unknown_group_or_format_is_2(config: Path) -> None:
    ran = gatewatch("export", "rpz", "--config", config, "--group", "student")
    assert (ran.code, ran.complaints) == (2, ["no group 'student', the nearest is 'students'"])
    assert gatewatch("export", "bind", "--config", config).code == 2


def test_nothing_banned_is_an_empty_zone() -> None:
    ran = gatewatch("export", "rpz")
    assert ran.code == 0
    assert "CNAME" not in ran.out
