# SPDX-License-Identifier: GPL-2.0
"""The bed of the dmtests, in a guest with systemd and udev."""

import pytest

from lib.bed import Bed
from lib.holders.record import clear_all
from lib.module import Module


@pytest.fixture(scope="session", autouse=True)
def _modules():
    """Load the target: the rule loads dax_holder only, and these tests need both."""
    for name in ("dax-holder/dax_holder.ko", "dm-daxlinear/dm-daxlinear.ko"):
        module = Module(name)
        if not module.loaded:
            module.insert()


def pytest_addoption(parser):
    """Add the option of which boot this is, the first being 1."""
    parser.addoption("--boot", type=int, default=1)


def _boots(item):
    """Return the boots in which a test runs."""
    mark = item.get_closest_marker("after_reboot")
    return mark.args if mark else (1,)


def pytest_collection_modifyitems(config, items):
    """Take the tests of this boot; those of reboots come last, as they leave something behind."""
    boot = config.getoption("--boot")
    others = [item for item in items if boot not in _boots(item)]
    config.hook.pytest_deselected(items=others)
    items[:] = [item for item in items if boot in _boots(item)]
    items.sort(key=lambda item: item.path.stem == "test_reboot")


@pytest.fixture(name="bed")
def _bed():
    clear_all()
    with Bed() as bed:
        yield bed
