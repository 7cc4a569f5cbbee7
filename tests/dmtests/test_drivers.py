# SPDX-License-Identifier: GPL-2.0
"""Who is attached keeps memory of two disks and nothing else: not the drivers that made them."""

import contextlib
import os

import pytest

from lib.beside import Beside, wait_for
from lib.command import run
from lib.devices.unplug import Unplugged
from lib.dm import ioctl
from lib.dm.device import Device
from lib.dm.target import Linear
from lib.holders import attach
from lib.holders.trace import Kprobe
from lib.module import HOLDER
from lib.units import pages

pytestmark = pytest.mark.last("all NVDIMMs and device-mapper itself are made anew")

# is there if that is a module; what is built in stays
MODULE = "/sys/module/{}/initstate"


def unload(module):
    """Unload a module, and those before that use it: other tests' targets, for instance."""
    for user in os.listdir(f"/sys/module/{module}/holders"):
        unload(user)
    run("rmmod", module)


@contextlib.contextmanager
def without(driver):
    """Have a driver of the kernel's unloaded, as it can be where nothing of it is in use."""
    ioctl.close()
    unload(driver)
    try:
        yield
    finally:
        run("modprobe", driver)


def leave_behind(child, *others):
    """Attach a device to a child, and remove it."""
    with Device(Linear(pages(8), child)) as device:
        for one in (child, *others):
            attach.attach(device, one)
    return device


def give_back(device, children, detached):
    """Have all be forgotten that is attached."""
    if detached:
        for child in children:
            # dead, it is forgotten before it is looked for
            with pytest.raises(FileNotFoundError):
                attach.detach(device, child)
    # the module goes when nothing is left to be given back
    with Beside("rmmod", HOLDER.name) as removing:
        removing.end()


@pytest.mark.usefixtures("unloaded")
@pytest.mark.parametrize("detached", [True, False], ids=["detached", "unloaded"])
@pytest.mark.parametrize("driver", [
    pytest.param(name, marks=pytest.mark.needs(MODULE.format(name)))
    for name in ("dm_mod", "nd_pmem")])
def test_attached_devices_drivers_can_be_unloaded(bed, driver, detached):
    """Nothing is held but memory: the disk's own driver is gone when that is given back."""
    children = bed.nvdimms[:2]
    HOLDER.insert()
    device = leave_behind(*children)
    assert attach.listed() == sorted((child.name, device.disk) for child in children)
    with without(driver):
        give_back(device, children, detached)
    assert not HOLDER.loaded


@pytest.mark.needs(MODULE.format("nd_pmem"))
@pytest.mark.usefixtures("unloaded")
def test_attached_to_a_child_that_was_unbound(bed):
    """The child's driver has no device any more, then is unloaded, then comes back."""
    child, other = bed.nvdimms[:2]
    HOLDER.insert()
    device = leave_behind(child, other)
    Unplugged(child).unplug()
    # which plugs it in again
    with without("nd_pmem"):
        assert attach.attribute(device, child, "alive") == "0"
        give_back(device, (child, other), True)


def test_attached_devices_are_released_as_they_go(bed):
    """Their drivers hear of it then, and not when somebody happens to detach what is gone."""
    children = bed.nvdimms[:2]
    with Kprobe("disk_release") as released:
        device = leave_behind(*children)
        wait_for(lambda: len(released.lines()) == 1, "the mapped device is not released")
        with Unplugged(children[0]):
            wait_for(lambda: len(released.lines()) == 2, "the child is not released")
            # to be forgotten takes nothing of theirs
            for child in children:
                with pytest.raises(FileNotFoundError):
                    attach.detach(device, child)
    assert not attach.listed()
