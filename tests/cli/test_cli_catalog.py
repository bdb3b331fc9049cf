"""`catalog`: what a ban may name, with names in every script and sizes, as a table and as JSON."""

import json
from pathlib import Path
from typing import Any

import pytest
from shell import gatewatch

pytestmark = pytest.mark.slow


def catalog(*arguments: object) -> list[dict[str, Any]]:
    ran = gatewatch("catalog", "--json", *arguments)
    assert (ran.code, ran.err) == (0, "")
    rows: list[dict[str, Any]] = json.loads(ran.out)["catalog"]
    return rows


def test_everything_that_a_ban_may_name_is_listed_with_its_size() -> None:
    rows = {row["subject"]: row for row in catalog()}
    tiktok, vpn = rows["bytedance/tiktok"], rows["category:vpn-proxy"]
    assert (tiktok["kind"], tiktok["name"]) == ("service", "TikTok")
    assert tiktok["names"] > 50
    assert (rows["bytedance"]["kind"], rows["bytedance"]["aliases"][0]) == ("vendor", "字节跳动")
    assert rows["bytedance"]["names"] > tiktok["names"]
    assert rows["bytedance"]["prefixes"] > 0
    assert (vpn["kind"], "VPN" in vpn["aliases"], "Tor" in vpn["parts"]) == ("category", True, True)
    assert "category:vpn-proxy/tor" not in rows


def test_a_word_shows_what_it_means_and_what_has_it_in_a_name() -> None:
    assert [row["subject"] for row in catalog("抖音")] == ["bytedance/douyin"]
    assert [row["subject"] for row in catalog("titkok")] == ["bytedance/tiktok"]
    assert [row["subject"] for row in catalog("https://www.tiktok.com/@user")] == ["bytedance/tiktok"]
    assert {"microsoft/copilot", "microsoft/github-copilot"} <= {row["subject"] for row in catalog("copilot")}
    services = [row["subject"] for row in catalog("ByteDance")]
    assert {"bytedance", "bytedance/tiktok", "bytedance/douyin"} <= set(services)


def test_the_table_is_for_people() -> None:
    ran = gatewatch("catalog", "WeChat")
    assert (ran.code, ran.err) == (0, "")
    head, line, pay, end = ran.out.splitlines()
    assert head.split()[:2] == ["SUBJECT", "NAME"]
    assert line.split()[:2] == ["tencent/wechat", "WeChat"]
    assert "微信" in line
    assert pay.split()[:3] == ["tencent/wechat-pay", "WeChat", "Pay"]
    assert end == "2 entries of the catalogue"
    assert "\\u5fae\\u4fe1" in gatewatch("catalog", "WeChat", PYTHONIOENCODING="latin-1", PYTHONUTF8="0").out


def test_what_is_not_there_is_1_and_one_line() -> None:
    ran = gatewatch("catalog", "wibblr")
    assert (ran.code, ran.out) == (1, "")
    assert ran.complaints == ["no list knows 'wibblr', it is not in the catalogue, which `gatewatch catalog` lists"]


def test_lists_of_the_user_are_in_it(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("one.example\ntwo.example\n")
    config = tmp_path / "gatewatch.toml"
    config.write_text('[[list]]\nname = "mine"\nurl = "mine.txt"\nvendor = "acme/maps"\n')
    rows = {row["subject"]: row["names"] for row in catalog("acme", "--config", config)}
    assert rows == {"acme": 2, "acme/maps": 2}
