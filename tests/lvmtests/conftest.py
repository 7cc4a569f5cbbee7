# SPDX-License-Identifier: GPL-2.0
"""The bed of the dmtests, in a guest with systemd and udev."""

import pytest

from lib.bed import Bed
from lib.module import Module


@pytest.fixture(scope="session", autouse=True)
def _modules():
    """Have the target there: the rule loads what attaching takes, but not for these tests."""
    for name in ("dax-holder/dax_holder.ko", "dm-daxlinear/dm-daxlinear.ko"):
        module = Module(name)
        if not module.loaded:
            module.insert()


def pytest_collection_modifyitems(items):
    """Leave volumes for after the reboot when nobody else wants the NVDIMMs any more."""
    items.sort(key=lambda item: item.path.stem == "test_reboot")


@pytest.fixture(name="bed")
def _bed():
    with Bed() as bed:
        yield bed
