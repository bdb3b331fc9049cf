"""What every test shares: the captures are optional, everything else is not."""

import corpus
import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if corpus.present():
        return
    skip = pytest.mark.skip(reason="the captures of shared/ are absent")
    for item in items:
        if item.get_closest_marker("corpus"):
            item.add_marker(skip)
