"""`doctor` as an administrator types it on the gateway."""

import json
import shlex

import pytest
from banned import configuration
from documents import commands

from monitor.lab.lab import Lab

pytestmark = pytest.mark.netns

# What the machine under the lab may lack, and nobody can mend from inside.
OF_THE_MACHINE = {"clock", "disk"}


def test_the_commands_of_the_documents(lab: Lab) -> None:
    text = commands("tests/netns/test_netns_doctor.py::test_the_commands_of_the_documents")
    looking, trying = [shlex.split(line, comments=True)[1:] for line in text.splitlines()]
    daemon = lab.daemon(configuration(lab))
    try:
        done = daemon.run(*looking, "--config", str(daemon.configuration), "--json")
        found = json.loads(done.stdout)["findings"]
        assert [finding for finding in found if finding["topic"] not in OF_THE_MACHINE] == []
        assert done.returncode == (1 if found else 0)
        said = daemon.run(*looking, "--config", str(daemon.configuration)).stdout
        assert all(f"{finding['topic']}: {finding['what']}\n    {finding['mend']}\n" in said for finding in found)
        tried = daemon.run(*trying)
        assert tried.returncode == 0, tried.stdout
        passed = [line for line in tried.stdout.splitlines() if " pass " in line]
        # One ordinary question for each interface and family of which a neighbour is known.
        ordinary = [line for line in passed if "an ordinary question on br-lan" in line]
        assert (len(passed) - len(ordinary), len(ordinary) in (1, 2)) == (10, True), tried.stdout
    finally:
        daemon.stop()
