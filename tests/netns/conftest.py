"""One lab for all tests that need no special plan."""

from collections.abc import Iterator

import pytest

from monitor.lab.lab import Lab


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    with Lab() as running:
        yield running


@pytest.fixture(autouse=True)
def stop_daemons(request: pytest.FixtureRequest) -> Iterator[None]:
    """A daemon that a failed test left running would take the next one's port, and connections of a flood its time."""
    yield
    if "lab" in request.fixturenames:
        lab: Lab = request.getfixturevalue("lab")
        for daemon in lab.daemons:
            daemon.stop()
        lab.gateway.run(["conntrack", "-F"])
