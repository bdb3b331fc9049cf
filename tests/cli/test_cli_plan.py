"""`plan`: a table that nft takes, from a configuration alone, without privileges and without changing anything."""

import json
import subprocess
from pathlib import Path

import pytest
from privileges import as_nobody
from shell import gatewatch

pytestmark = pytest.mark.slow

CONFIG = """
[capture]
interfaces = ["br-nowhere"]
nat64 = ["64:ff9b::/96"]
[[group]]
name = "students"
members = ["10.9.0.0/16", "aa:bb:cc:dd:ee:ff", "host:x*", "2001:db8:5::/48"]
[[ban]]
vendors = ["bytedance"]
groups = ["students"]
mode = "enforce"
on_failure = "closed"
allow = ["newsroom.tiktok.com"]
reason = "Policy 7"
[[ban]]
vendors = ["tencent"]
mode = "shadow"
layers = ["sni", "ip"]
[sinkhole]
exempt = ["10.9.0.53"]
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "c.toml"
    path.write_text(CONFIG)
    return path


@pytest.mark.programs
def test_nft_takes_what_is_printed_and_nothing_is_made(config: Path, tmp_path: Path) -> None:
    ran = gatewatch("plan", "--config", config)
    assert (ran.code, ran.err) == (0, "")
    head = ran.out.splitlines()
    assert head[0] == (
        "# bytedance-students: enforce bytedance for students by dns, sni, ip, closed on failure (Policy 7); in force"
    )
    assert head[1] == "# tencent-all: shadow tencent for everyone by sni, ip, open on failure; in force"
    rules = tmp_path / "plan.nft"
    rules.write_text(ran.out)
    take = f"nft --check --file {rules} && nft list tables"
    done = subprocess.run(["unshare", "--net", "sh", "-c", take], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_anybody_may_ask(config: Path) -> None:
    for folder in (config.parent, *config.parents[:3]):
        folder.chmod(0o755)
    ran = gatewatch("plan", "--config", config, "--json", prefix=as_nobody(), XDG_CACHE_HOME="/nonexistent")
    assert (ran.code, ran.err) == (0, "")
    plan = json.loads(ran.out)
    assert (plan["table"], plan["interfaces"]) == ("inet gatewatch", ["br-nowhere"])
    assert [(ban["ban"], ban["active"]) for ban in plan["bans"]] == [
        ("bytedance-students", True),
        ("tencent-all", True),
    ]
    assert plan["sets"]["lan"] == ['"br-nowhere"', '"gw-probe0"']
    assert plan["sets"]["exempt4"] == ["10.9.0.53"]
    assert any("71.18." in element and "goto v_bytedance" in element for element in plan["sets"]["net4"])
    assert any("aa:bb:cc:dd:ee:ff" in elements for elements in plan["sets"].values())


def test_bans_that_only_observe_need_no_table(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text('[capture]\ninterfaces = ["br-nowhere"]\n[[ban]]\nvendors = ["bytedance"]\n')
    ran = gatewatch("plan", "--config", path)
    assert ran.out.splitlines()[-1] == "# empty: no ban does more than observe"
    assert json.loads(gatewatch("plan", "--config", path, "--json").out)["table"] is None
