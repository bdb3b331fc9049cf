"""Changes at run time, typed as an administrator does: felt at once, told with who asked, kept over a restart."""

import json
import os
from pathlib import Path

import pytest
from banned import configuration, works

from monitor.lab.gateway import LabDaemon
from monitor.lab.lab import Lab

pytestmark = pytest.mark.netns

# What every ban that holds makes grow.
GROWING = ("sinkhole_queries_total", "kernel_transactions_total", "dns_blocked_queries_total")
GROUP = '[[group]]\nname = "phones"\nmembers = ["{mac}"]\n'


def observing(lab: Lab) -> str:
    return '[capture]\ninterfaces = ["br-lan"]\n\n' + GROUP.format(mac=lab.client("phone").mac)


def type_in(daemon: LabDaemon, *arguments: str) -> dict[str, object]:
    """What a changing verb says with `--json`; it must succeed."""
    done = daemon.run(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def test_a_ban_typed_in_holds_until_it_is_lifted(lab: Lab) -> None:
    daemon = lab.daemon(observing(lab))
    assert works(lab)
    type_in(daemon, "ban", "bytedance", "--group", "phones", "--reason", "a test")
    assert not works(lab)
    assert lab.client("laptop").dig("www.tiktok.com").good
    type_in(daemon, "pause", "--for", "10m")
    assert works(lab)
    type_in(daemon, "resume")
    assert not works(lab)
    type_in(daemon, "unban", "bytedance")
    assert works(lab)
    assert daemon.stop() == 0
    told = [event["policy"] for event in daemon.eve("policy")]
    assert [one["action"] for one in told] == ["ban", "pause", "resume", "unban"]
    assert {(one["uid"], one["user"]) for one in told} == {(os.geteuid(), "root")}
    assert all(one["pid"] > 1 for one in told)
    assert (told[0]["vendor"], told[0]["group"], told[0]["reason"]) == ("bytedance", "phones", "a test")
    assert "bytedance is banned for phones: enforce, dns, sni, ip (by root, process" in daemon.log.read_text()


def counted(daemon: LabDaemon) -> dict[str, float]:
    return {name: daemon.metric(name) for name in (*GROWING, "kernel_repairs_total")}


def test_what_was_counted_stays_when_a_ban_is_lifted_and_goes_on_with_the_next(lab: Lab) -> None:
    daemon = lab.daemon(observing(lab))
    before = counted(daemon)
    assert set(before.values()) == {0.0}

    def has_grown() -> bool:
        now = counted(daemon)
        return all(now[name] > before[name] for name in GROWING)

    for _ in range(2):
        type_in(daemon, "ban", "bytedance", "--group", "phones")
        assert not works(lab)
        daemon.wait_for("counted", has_grown)
        banned = counted(daemon)
        type_in(daemon, "unban", "bytedance")
        daemon.wait_for("let go", lambda: not daemon.metrics().get("gatewatch_enforcement_up"))
        before = counted(daemon)
        assert all(before[name] >= banned[name] for name in before)
    assert daemon.stop() == 0


def test_a_ban_ends_by_itself(lab: Lab) -> None:
    daemon = lab.daemon(observing(lab))
    type_in(daemon, "ban", "bytedance", "--group", "phones", "--for", "3s")
    assert not works(lab)
    daemon.wait_for("let go", lambda: works(lab))
    assert daemon.ask("status")["policy"]["bans"] == []
    daemon.stop()


def test_the_configured_ban_is_lifted_and_an_exception_made(lab: Lab) -> None:
    daemon = lab.daemon(configuration(lab))
    phone = lab.client("phone")
    assert not works(lab)
    type_in(daemon, "allow", "www.tiktok.com", "--device", phone.mac, "--for", "1h", "--reason", "press")
    assert phone.dig("www.tiktok.com").good
    assert not phone.dig("www.capcut.com").good
    said = daemon.run("why", "www.tiktok.com", "--device", phone.mac).stdout
    assert "dns: pass, exception: press" in said
    assert (
        "dns: block by bytedance-phones (enforce)" in daemon.run("why", "www.capcut.com", "--device", phone.mac).stdout
    )
    type_in(daemon, "allow", "www.tiktok.com", "--device", phone.mac, "--for", "0", "--reason", "over")
    assert not phone.dig("www.tiktok.com").good
    phone.dhcp("Anns-Pixel")
    daemon.wait_for("host name", lambda: "Anns-Pixel" in daemon.run("devices").stdout)
    answer = type_in(daemon, "allow", "TikTok", "--device", "anns-pixel", "--until", "23:59:59", "--reason", "press")
    assert f"anns-pixel is {phone.mac}" in str(answer["says"])
    assert "TikTok is bytedance/tiktok" in str(answer["says"])
    assert phone.dig("www.tiktok.com").good
    assert not phone.dig("www.capcut.com").good
    type_in(daemon, "allow", "tik tok", "--device", phone.mac.replace(":", ""), "--for", "0", "--reason", "over")
    assert not phone.dig("www.tiktok.com").good
    said = str(type_in(daemon, "unban", "bytedance")["says"])
    assert "lifted the configured ban of bytedance for phones" in said
    assert works(lab)
    type_in(daemon, "resume", "--all")
    assert not works(lab)
    daemon.stop()


def test_orders_hold_over_a_restart_and_a_damaged_file_is_named(lab: Lab) -> None:
    daemon = lab.daemon(observing(lab))
    type_in(daemon, "ban", "bytedance", "--group", "phones")
    os.kill(daemon.child.pid, 9)
    daemon.child.stop()
    daemon.start()
    assert not works(lab)
    daemon.stop()
    orders = Path(daemon.folder / "state" / "orders.json")
    orders.write_text(orders.read_text()[:-20])
    daemon.start()
    assert works(lab)
    assert daemon.stop() == 0
    assert f"{orders}: damaged (not JSON), set aside as {orders}.damaged" in daemon.log.read_text()
    assert not orders.exists()
