"""One browser for all tests that look at pages."""

from collections.abc import Iterator

import pytest
from browser import Browser


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with Browser() as running:
        yield running
