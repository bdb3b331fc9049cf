"""Changes of policy asked of the real daemon: what it refuses and why, what it says it did, and what it cannot keep."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from cable import cable

from monitor.lab.gateway import LabDaemon

pytestmark = pytest.mark.netns

CONFIG = """
[[group]]
name = "students"
members = ["10.9.0.0/16"]
[[ban]]
vendors = ["bytedance", "tencent"]
groups = ["students"]
mode = "enforce"
"""


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabDaemon]:
    with cable() as wire:
        running = LabDaemon(wire.near, tmp_path_factory.mktemp("verbs") / "daemon", CONFIG, ("-i", "v0"))
        running.start()
        yield running
        running.stop()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ("ban bytedanse", 2, "no list knows 'bytedanse', the nearest is 'bytedance'"),
        ("ban bytedance/tiktik", 2, "no list knows 'bytedance/tiktik', the nearest is 'bytedance/tiktok'"),
        ("ban bytedance --group student", 2, "no group 'student', the nearest is 'students'"),
        ("ban bytedance --group all", 2, "no group is called 'all': leave --group out for everyone"),
        ("ban AS138699", 2, "'AS138699' is a part of 'bytedance': name a vendor, a service or a category instead"),
        ("ban 71.18.0.1", 2, "'71.18.0.1' is a part of 'bytedance': name a vendor"),
        ("ban foo.example", 2, "not in the catalogue: to ban it, name it in the file of a [[list]] of your own"),
        ("allow a.example --device 10.9.0.0/24 --for 1h --reason r", 2, "for a prefix write an [[exception]]"),
        ("allow *.a.example --device 10.9.0.1 --for 1h --reason r", 2, "got '*.a.example': write 'a.example'"),
        ("ban bytedance --layers dns,tls", 2, "layers: expected dns, sni, ip, got 'tls'"),
        ("ban bytedance --for 0", 2, "--for must be more than 0"),
        ("ban bytedance --reason \x1b[2J", 2, "reason must be printable"),
        ("unban google", 1, "google is not banned for anyone"),
        (
            "unban bytedance/tiktok",
            1,
            "bytedance/tiktok is not banned for anyone; "
            "there is the configured ban of bytedance, tencent for students",
        ),
        ("allow tiktook --device 10.9.0.1 --for 1h --reason r", 2, "no list knows 'tiktook'"),
        ("allow a..example --device 10.9.0.1 --for 1h --reason r", 2, "expected a domain name, got 'a..example'"),
        ("allow a.example --device ann --for 1h --reason r", 2, "got 'ann': no host name of a device is known"),
        ("allow a.example --device 10.9.0.1 --for 99999d --reason r", 2, "up to ten years"),
    ],
)  # fmt: skip
def test_what_is_refused_says_why_and_changes_nothing(daemon: LabDaemon, arguments: str, code: int, said: str) -> None:
    before = daemon.ask("status")["policy"]
    done = daemon.run(*arguments.split())
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (code, "", 1)
    assert said in done.stderr
    assert daemon.ask("status")["policy"] == before


def test_what_is_done_is_said_and_shown(daemon: LabDaemon) -> None:
    done = daemon.run("ban", "tencent", "--group", "students", "--shadow", "--for", "1h", "--reason", "trying\nout")
    assert (done.returncode, done.stderr) == (0, "")
    first, second = done.stdout.splitlines()
    assert first.startswith("tencent is banned for students: shadow, dns, sni, ip until 20")
    assert second == "  in the place of the configured ban of bytedance, tencent for students"
    shown = daemon.run("status").stdout
    assert "ban at run time: tencent for students: shadow, dns, sni, ip for 59 min more" in shown
    assert "ban: bytedance for students: enforce, dns, sni, ip" in shown
    assert [ban["active"] for ban in daemon.ask("status")["policy"]["bans"]] == [True, True]
    assert daemon.run("pause").stdout == "all bans pause until `gatewatch resume`: 2 bans\n"
    assert "bans: all paused until `resume`" in daemon.run("status").stdout
    assert [ban["active"] for ban in daemon.ask("status")["policy"]["bans"]] == [False, False]
    assert daemon.run("resume", "--all").stdout.endswith("the configuration alone rules: 1 ban\n")
    assert daemon.ask("status")["policy"]["orders"] == []
    assert "(by root, process " in daemon.log.read_text()
    assert ": trying out)" in daemon.log.read_text()


def test_words_mean_subjects_and_the_answer_states_which(daemon: LabDaemon) -> None:
    last = date.today() + timedelta(days=30)
    done = daemon.run("ban", "TikTok", "微信", "https://x.com/home", "tik-tok", "--until", str(last))
    assert done.returncode == 0
    assert "at present the ban of tencent/wechat is ineffective: " in done.stderr  # nothing is forwarded here
    lines = done.stdout.splitlines()
    until = f" until {last + timedelta(days=1)} 00:00:00 "
    assert [line.partition(until)[0] for line in lines] == [
        "bytedance/tiktok is banned for everyone: enforce, dns, sni, ip",
        "  TikTok is bytedance/tiktok",
        "tencent/wechat is banned for everyone: enforce, dns, sni, ip",
        "  微信 is tencent/wechat",
        "  tencent/wechat: 8 prefixes of tencent stay open, because other services of tencent use them; bytes to them "
        'without a known name count in gatewatch_blind_bytes_total{reason="shared_prefix"}; [[ban]].blind = "reject" '
        "refuses such connections",
        "x-twitter is banned for everyone: enforce, dns, sni, ip",
        "  https://x.com/home is x-twitter",
    ]
    bans = daemon.ask("status")["policy"]["bans"]
    assert [ban["vendors"] for ban in bans[:3]] == [["bytedance/tiktok"], ["tencent/wechat"], ["x-twitter"]]
    assert [len(ban["notes"]) for ban in bans[:3]] == [0, 1, 0]
    assert "  note: tencent/wechat: 8 prefixes of tencent stay open" in daemon.run("status").stdout
    shared = daemon.run("why", "203.205.160.1", "--device", "10.8.0.7").stdout
    assert "left open by" in shared
    outside = daemon.run("why", "weixin.qq.com", "www.tiktok.com", "--device", "10.8.0.7").stdout
    assert "(enforce), refused at learned addresses\n" in outside
    assert "(enforce), refused at the vendor's own and at learned addresses\n" in outside
    lifted = daemon.run("unban", "www.tiktok.com", "WeChat", "Twitter")
    assert (lifted.returncode, lifted.stdout.count("is no longer banned for anyone")) == (0, 3)
    assert len(daemon.ask("status")["policy"]["bans"]) == 1


def test_one_word_that_is_unknown_or_not_banned_leaves_all_as_it_was(daemon: LabDaemon) -> None:
    before = daemon.ask("status")["policy"]
    assert daemon.run("ban", "tiktok", "wibblr").returncode == 2
    assert daemon.run("unban", "bytedance", "google").returncode == 1
    assert daemon.ask("status")["policy"] == before


def test_why_reads_words_urls_and_devices_in_every_notation(daemon: LabDaemon) -> None:
    for device in ("10.9.0.7", "::ffff:10.9.0.7", "[10.9.0.7]"):
        said = daemon.run("why", "https://www.tiktok.com/@user", "--device", device).stdout
        assert "https://www.tiktok.com/@user: bytedance/tiktok\n" in said
        assert "dns: block by bytedance-students (enforce)" in said
        assert "the device (10.9.0.7) is in students" in said
    said = daemon.run("why", "tik tok", "--device", "2:0:0:0:0:7").stdout
    assert "tik tok: bytedance/tiktok\n  TikTok, a service of ByteDance: " in said
    assert "the device (02:00:00:00:00:07) is in no group" in said
    assert "sni: block by bytedance-students" in daemon.run("why", "tiktok", "--device", "10.9.0.7").stdout
    assert "nearest is 'bytedance/tiktok'" in daemon.run("why", "titkok", "--device", "10.9.0.7").stdout
    unknown = daemon.run("why", "nonsense", "--device", "10.9.0.7").stdout
    assert "not in the catalogue" in unknown
    assert "pass" not in unknown
    odd = daemon.run("why", "é" * 100 + ".example", "a..b", "AS138699", "--device", "0200.0000.0007")
    assert (odd.returncode, odd.stdout.count("no vendor"), odd.stdout.count("AS138699: bytedance")) == (0, 2, 1)
    wrong = daemon.run("why", "tiktok", "--device", "the phone")
    assert wrong.returncode == 2
    assert "expected a MAC address, an address or the host name of a device, got 'the phone'" in wrong.stderr


def test_what_cannot_be_kept_holds_until_a_restart(tmp_path: Path) -> None:
    with cable() as wire:
        folder = tmp_path / "daemon"
        daemon = LabDaemon(wire.near, folder, CONFIG, ("-i", "v0"))
        (folder / "state").write_text("a file where the state directory should be")
        daemon.start()
        try:
            done = daemon.run("ban", "xai")
            line = "cannot be written, the change holds until a restart"
            assert (done.returncode, done.stdout) == (1, "xai is banned for everyone: enforce, dns, sni, ip\n")
            assert line in done.stderr
            policy = daemon.ask("status")["policy"]
            assert policy["bans"][0]["ban"] == "runtime.xai-all"
            assert line in policy["orders_fault"]
            assert daemon.log.read_text().count(line) == 1
        finally:
            daemon.stop()
