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


def pytest_collection_modifyitems(items):
    """Run the tests of the reboot last: they leave volumes on the NVDIMMs."""
    items.sort(key=lambda item: item.path.stem == "test_reboot")


@pytest.fixture(name="bed")
def _bed():
    clear_all()
    with Bed() as bed:
        yield bed
