"""Every capture of the corpus through `replay`: nothing breaks, and the numbers agree with each other."""

import json
from pathlib import Path

import corpus
import pytest
from shell import gatewatch

pytestmark = pytest.mark.slow

TYPES = {"dns", "tls", "quic", "flow", "dhcp"}


@pytest.mark.corpus
def test_the_whole_corpus_is_replayed(tmp_path: Path) -> None:
    """Files that are no captures at all are said to be so; everything else is read, and every line is JSON."""
    captures = list(corpus.captures())
    eve = tmp_path / "eve.json"
    ran = gatewatch("replay", "--json", "--eve", eve, *(capture.path for capture in captures))
    result = json.loads(ran.out)
    assert len(result["files"]) == len(captures)
    assert ran.code == (1 if ran.err else 0)
    assert all(str(corpus.CORPUS) in line for line in ran.complaints)
    assert not [error for error in result["decode_errors"] if error["layer"] == "decoder"]
    kinds: dict[str, int] = {}
    frames = {entry["file"]: entry["packets"] for entry in result["files"]}
    with eve.open() as lines:
        for line in lines:
            event = json.loads(line)
            kinds[event["event_type"]] = kinds.get(event["event_type"], 0) + 1
            assert 1 <= event["pcap_cnt"] <= frames[event["pcap_filename"]]
    assert kinds.keys() == TYPES
    assert sum(kinds.values()) == result["events"]
    assert kinds["flow"] >= sum(row["flows"] for row in result["rows"]) > 0
