"""What every test shares: the engine under test, golden files, and captures that are optional."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import corpus
import pytest
from hypothesis import settings

import monitor

# No test is timed, because the machine may have other work; and the same commit gives the same result everywhere.
settings.register_profile("here", deadline=None)
settings.register_profile("integration", deadline=None, derandomize=True)
settings.load_profile("integration" if os.environ.get("CI") else "here")

# Programs that tests start run the engine that the tests themselves run.
os.environ["PYTHONPATH"] = str(Path(monitor.__file__).resolve().parents[1])
os.environ["PYTHONSAFEPATH"] = "1"

# A shell's background job ignores SIGINT, and so would every program that a test starts and interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)


GOLDEN = Path(__file__).parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--golden-update", action="store_true", help="rewrite the golden files instead of comparing")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compares a text with what a person last agreed with, in `tests/golden/`."""

    def compare(name: str, text: str) -> None:
        if request.config.getoption("--golden-update"):
            (GOLDEN / name).write_text(text)
        assert text == (GOLDEN / name).read_text(), (
            f"tests/golden/{name} differs; if meant, --golden-update rewrites it"
        )

    return compare


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if corpus.present():
        return
    skip = pytest.mark.skip(reason="the captures of shared/ are absent")
    for item in items:
        if item.get_closest_marker("corpus"):
            item.add_marker(skip)
