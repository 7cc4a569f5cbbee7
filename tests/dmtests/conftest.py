# SPDX-License-Identifier: GPL-2.0
"""A test is a function with one fixture, the bed."""

import pytest

from lib.bed import Bed


def pytest_configure(config):
    """Declare our own mark."""
    config.addinivalue_line("markers", "last(why): run after all others")


def pytest_collection_modifyitems(items):
    """Put those last that ask for it."""
    items.sort(key=lambda item: item.get_closest_marker("last") is not None)


@pytest.fixture(name="bed")
def _bed():
    with Bed() as bed:
        yield bed
