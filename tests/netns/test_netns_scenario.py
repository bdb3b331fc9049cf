"""`gatewatch lab`, as a person runs it."""

import os
import signal
import subprocess
import time

import pytest

from monitor.lab.child import environment, python_module
from monitor.lab.leftovers import known_labs
from monitor.lab.live_ban import AFTER_IT, UNDER_THE_BAN
from monitor.lab.traffic import ACTS

pytestmark = pytest.mark.netns

LAB = python_module("monitor.cli.main", "lab", "--seconds", "1")


def test_the_lab_tells_its_story_and_goes() -> None:
    done = subprocess.run(LAB, capture_output=True, text=True, timeout=100, env=environment(), check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    for act in (*ACTS, *UNDER_THE_BAN, *AFTER_IT):
        assert act.title in done.stdout
    assert done.stdout.count(": NXDOMAIN") == 2
    assert done.stdout.count(": stopped: ") == 2
    assert "NOT STOPPED" not in done.stdout
    assert ": failed: " not in done.stdout
    told = [line.split() for line in done.stdout.splitlines()]
    for client, vendor in (("phone", "bytedance"), ("laptop", "google"), ("laptop", "meta"), ("phone", "telegram")):
        assert any(words[:2] == [client, vendor] for words in told), done.stdout
    assert told[0][:2] == ["The", "lab"]
    assert told[0][2].rstrip(":") not in known_labs()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_lab_leaves_nothing(number: signal.Signals) -> None:
    with subprocess.Popen(LAB, stdout=subprocess.PIPE, text=True, env=environment()) as process:
        assert process.stdout is not None
        lab = process.stdout.readline().split()[2].rstrip(":")
        while "phone" not in process.stdout.readline():
            assert process.poll() is None
        assert lab in known_labs()
        time.sleep(0.2)
        os.kill(process.pid, number)
        rest = process.stdout.read()
    assert process.returncode == 1
    assert "Interrupted" in rest
    assert lab not in known_labs()
