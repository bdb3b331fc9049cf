"""`replay` from the outside: table, JSON, events, and everything that can be wrong with what it is given."""

import json
import os
import signal
import subprocess
from pathlib import Path

import documents
import phone
import pytest
from privileges import as_nobody
from shell import COMMAND, gatewatch

pytestmark = pytest.mark.slow


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    return phone.write(tmp_path / "phone.pcap")


def test_the_table_says_who_talks_to_whom(capture: Path) -> None:
    ran = gatewatch("replay", capture)
    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert lines[0].split() == ["VENDOR", "SERVICE", "DEVICES", "UPLOAD", "DOWNLOAD", "EVIDENCE"]
    assert lines[1].split() == ["bytedance", "tiktok", "02:00:0b:00:00:07", "180", "B", "3.1", "KiB", "dns"]
    assert lines[2].split()[:2] == ["unknown", "unknown"]
    assert "9 packets in 1 file" in ran.out
    assert "DNS queries: bytedance 1" in ran.out


def test_json_is_one_object_with_the_rows(capture: Path) -> None:
    ran = gatewatch("replay", "--json", capture)
    result = json.loads(ran.out)
    row = result["rows"][0]
    assert row == {
        "device": "02:00:0b:00:00:07", "group": "none", "vendor": "bytedance", "service": "tiktok", "evidence": "dns",
        "bytes_up": 180, "bytes_down": 3_200, "flows": 1, "first": phone.START + 2.25, "last": phone.START + 8.25,
    }  # fmt: skip
    assert result["files"] == [{"file": str(capture), "packets": 9, "bytes": capture.stat().st_size, "complaint": None}]


def test_events_are_written_as_eve(capture: Path, tmp_path: Path) -> None:
    eve = tmp_path / "eve.json"
    eve.write_text("of the last time\n")
    assert gatewatch("replay", capture, "--eve", eve).code == 0
    events = [json.loads(line) for line in eve.read_text().splitlines()]
    assert [(event["event_type"], event["pcap_cnt"]) for event in events[:2]] == [("dns", 1), ("dns", 2)]
    assert {(event["event_type"], event["pcap_cnt"]) for event in events[2:]} == {("flow", 2), ("flow", 9)}
    assert all(event["pcap_filename"] == str(capture) for event in events)
    assert events[0]["timestamp"] == "2026-11-22T15:20:00.250000+0000"
    assert events[1]["dns"]["answers"] == [
        {"rrname": "www.tiktok.com", "rrtype": "A", "ttl": 60, "rdata": "203.0.113.5"}
    ]
    (flow,) = [event for event in events if event.get("flow", {}).get("reason") == "rst"]
    assert flow["gatewatch"] == {
        "device": "02:00:0b:00:00:07", "group": "none", "vendor": "bytedance", "service": "tiktok", "evidence": "dns",
        "list": "bytedance", "entry": "tiktok.com",
    }  # fmt: skip


def test_events_on_standard_output_have_it_for_themselves(capture: Path) -> None:
    ran = gatewatch("replay", capture, "--eve", "-")
    assert [json.loads(line)["event_type"] for line in ran.out.splitlines()] == ["dns", "dns", "flow", "flow"]
    assert ran.err.startswith("VENDOR")
    refused = gatewatch("replay", capture, "--eve", "-", "--json")
    assert refused.code == 2
    assert refused.complaints == ["--json and --eve - both write to standard output: give --eve a file"]


def test_separate_files_are_added_up_and_each_stands_for_itself(capture: Path, tmp_path: Path) -> None:
    frames = phone.conversation()
    only_tcp = phone.write(tmp_path / "later.pcap", frames[2:])
    result = json.loads(gatewatch("replay", "--json", "--separate", capture, only_tcp, capture).out)
    volumes = {(row["vendor"], row["evidence"]): row["bytes_down"] for row in result["rows"]}
    assert volumes["bytedance", "dns"] == 6_400
    assert volumes["unknown", "none"] == 3_200 + 2 * (len(frames[1]) - 14)


def test_a_capture_that_was_rotated_is_one_timeline(capture: Path, tmp_path: Path) -> None:
    """tcpdump -C cuts a connection in two: the answer is in one file, the connection in the next."""
    frames = phone.conversation()
    later = phone.write(tmp_path / "capture-2.pcap", frames[2:], after=2)
    first = phone.write(tmp_path / "capture-1.pcap", frames[:2])
    whole = json.loads(gatewatch("replay", "--json", capture).out)
    cut = json.loads(gatewatch("replay", "--json", later, first).out)
    assert cut["rows"] == whole["rows"]
    events = [json.loads(line) for line in gatewatch("replay", "--eve", "-", later, first).out.splitlines()]
    assert [(event["event_type"], Path(event["pcap_filename"]).name) for event in events] == [
        ("dns", "capture-1.pcap"), ("dns", "capture-1.pcap"), ("flow", "capture-1.pcap"), ("flow", "capture-2.pcap"),
    ]  # fmt: skip
    assert [event["pcap_cnt"] for event in events][:2] == [1, 2]


def test_groups_of_the_configuration_apply(capture: Path, tmp_path: Path) -> None:
    config = tmp_path / "gatewatch.toml"
    config.write_text('[[group]]\nname = "phones"\nmembers = ["02:00:0b:00:00:07"]\n[privacy]\ndevice = "none"\n')
    rows = json.loads(gatewatch("replay", "--json", "--config", config, capture).out)["rows"]
    assert {row["group"] for row in rows} == {"phones"}
    assert "02:00:0b:00:00:07" not in {row["device"] for row in rows}


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"", "the file is empty"),
        (b"not a capture at all", "this is neither a pcap nor a pcapng file (it begins with 6e 6f 74 20)"),
    ],
)
def test_what_is_no_capture_is_one_line(tmp_path: Path, content: bytes, line: str) -> None:
    file = tmp_path / "x.pcap"
    file.write_bytes(content)
    ran = gatewatch("replay", file)
    assert (ran.code, ran.complaints) == (1, [f"{file}: {line}"])


def test_a_capture_that_breaks_off_is_shown_as_far_as_it_goes(capture: Path) -> None:
    capture.write_bytes(capture.read_bytes()[:-20])
    ran = gatewatch("replay", capture)
    assert ran.code == 1
    (line,) = ran.complaints
    assert line.startswith(f"{capture}: ")
    assert line.endswith("; 8 packets before that were read")
    assert "bytedance" in ran.out


def test_a_damaged_file_keeps_no_other_from_being_read(capture: Path, tmp_path: Path) -> None:
    ran = gatewatch("replay", tmp_path / "absent.pcap", capture)
    assert ran.code == 1
    assert ran.complaints == [f"{tmp_path}/absent.pcap: cannot be read: No such file or directory"]
    assert "bytedance" in ran.out


def test_an_event_file_that_cannot_be_written_is_refused_at_once(capture: Path, tmp_path: Path) -> None:
    ran = gatewatch("replay", capture, "--eve", tmp_path / "absent" / "eve.json")
    assert (ran.code, ran.out) == (2, "")
    assert ran.complaints == [f"{tmp_path}/absent/eve.json: events cannot be written: No such file or directory"]


def test_a_full_disk_costs_events_and_nothing_else(capture: Path) -> None:
    ran = gatewatch("replay", capture, "--eve", "/dev/full")
    assert ran.code == 1
    assert ran.complaints == ["/dev/full: events cannot be written and are dropped: No space left on device"]
    assert "bytedance" in ran.out
    assert "events that could not be written: 4" in ran.out


def test_a_reader_that_goes_away_is_no_error(capture: Path) -> None:
    for arguments in (["replay", str(capture)], ["replay", str(capture), "--eve", "-"]):
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run([*COMMAND, *arguments], stdout=writer, stderr=subprocess.PIPE, timeout=60)
        os.close(writer)
        assert done.returncode == 0
        assert b"Traceback" not in done.stderr
        assert b"Exception" not in done.stderr


def test_an_interruption_shows_what_was_read(capture: Path, tmp_path: Path) -> None:
    """The capture comes through a pipe that stays open, so that the process waits in the middle of it."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    ready = phone.write(tmp_path / "ready.pcap")
    eve = tmp_path / "eve.json"
    process = subprocess.Popen(
        [*COMMAND, "replay", "--separate", ready, pipe, "--eve", eve],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with open(pipe, "wb"):
        # Opening returns once the process has come to the second file.
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "bytedance" in out
    assert "gatewatch: interrupted: the result covers what was read until then" in err
    assert len(eve.read_text().splitlines()) == 4


def test_standard_input_is_a_capture_too(capture: Path) -> None:
    with capture.open("rb") as file:
        done = subprocess.run([*COMMAND, "replay", "-"], stdin=file, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert "bytedance" in done.stdout


def test_no_privilege_is_needed(capture: Path, tmp_path: Path) -> None:
    """As nobody, from a folder that anybody may enter."""
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    ran = gatewatch("replay", capture, prefix=as_nobody())
    assert ran.code == 0, ran.err


def test_the_commands_of_the_documents(capture: Path, tmp_path: Path) -> None:
    capture.rename(tmp_path / "capture.pcap")
    text = documents.commands("tests/cli/test_cli_replay.py::test_the_commands_of_the_documents")
    done = documents.run_text(text, tmp_path, documents.make_place(tmp_path))
    assert (done.returncode, done.stdout.count("VENDOR"), done.stderr.count("VENDOR")) == (0, 1, 1)
    events = [json.loads(line) for line in done.stdout.splitlines() if line[:1] == "{"]
    assert events[0]["event_type"] == "dns"
