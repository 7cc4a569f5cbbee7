# SPDX-License-Identifier: GPL-2.0
"""A test is a function with one fixture, the bed."""

import pytest

from lib.bed import Bed


def pytest_addoption(parser):
    """Declare our own options."""
    parser.addoption("--alone", action="store_true",
                     help="run tests that bring the kernel down, and no others: name one")
    parser.addoption("--alone-list", metavar="FILE",
                     help="write there what is left to be run alone, a test and its splat a line")


def pytest_configure(config):
    """Declare our own marks."""
    config.addinivalue_line("markers", "last(why): run after all others")
    config.addinivalue_line("markers", "alone(splat): run in a guest that the test brings down, "
                                       "the splat being a pattern; None: this kernel stays up")


def _splat(item):
    """Return the splat that a test ends in, or None."""
    mark = item.get_closest_marker("alone")
    return mark.args[0] if mark else None


def pytest_collection_modifyitems(config, items):
    """Put those last that ask for it, and leave out those that no other could follow."""
    items.sort(key=lambda item: item.get_closest_marker("last") is not None)
    wanted = config.getoption("alone")
    left = [item for item in items if bool(_splat(item)) != wanted]
    items[:] = [item for item in items if item not in left]
    config.hook.pytest_deselected(items=left)
    if config.getoption("alone_list"):
        with open(config.getoption("alone_list"), "w", encoding="utf-8") as file:
            file.writelines(f"{item.nodeid}\t{_splat(item)}\n" for item in left)


@pytest.fixture(name="bed")
def _bed():
    with Bed() as bed:
        yield bed
