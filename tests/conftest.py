"""What every test shares: the engine under test, and captures that are optional."""

import os
from pathlib import Path

import corpus
import pytest

import monitor

# Programs that tests start run the engine that the tests themselves run.
os.environ["PYTHONPATH"] = str(Path(monitor.__file__).resolve().parents[1])
os.environ["PYTHONSAFEPATH"] = "1"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if corpus.present():
        return
    skip = pytest.mark.skip(reason="the captures of shared/ are absent")
    for item in items:
        if item.get_closest_marker("corpus"):
            item.add_marker(skip)
