"""One lab for all tests that need no special plan."""

from collections.abc import Iterator

import pytest

from monitor.lab.lab import Lab


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    with Lab() as running:
        yield running
