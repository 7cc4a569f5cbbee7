# SPDX-License-Identifier: GPL-2.0
"""An attachment keeps the memory of two disks allocated, and pins none of their drivers."""

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

# exists if the driver is a module; a built-in one cannot be unloaded
MODULE = "/sys/module/{}/initstate"


def unload(module):
    """Unload a module, after the modules that use it, such as other tests' targets."""
    for user in os.listdir(f"/sys/module/{module}/holders"):
        unload(user)
    run("rmmod", module)


@contextlib.contextmanager
def without(driver):
    """Unload a driver of the kernel for a `with` block; nothing of it may be in use."""
    ioctl.close()
    unload(driver)
    try:
        yield
    finally:
        run("modprobe", driver)


def leave_behind(child, *others):
    """Attach a device to children, and remove it; return it."""
    with Device(Linear(pages(8), child)) as device:
        for one in (child, *others):
            attach.attach(device, one)
    return device


def give_back(device, children, detached):
    """Have all attachments dropped."""
    if detached:
        for child in children:
            # dead attachments are dropped before the one to detach is looked up
            with pytest.raises(FileNotFoundError):
                attach.detach(device, child)
    # the module goes once it has dropped the rest
    with Beside("rmmod", HOLDER.name) as removing:
        removing.end()


@pytest.mark.usefixtures("unloaded")
@pytest.mark.parametrize("detached", [True, False], ids=["detached", "unloaded"])
@pytest.mark.parametrize("driver", [
    pytest.param(name, marks=pytest.mark.needs(MODULE.format(name)))
    for name in ("dm_mod", "nd_pmem")])
def test_attached_devices_drivers_can_be_unloaded(bed, driver, detached):
    """Only memory is kept: the disk's own driver is gone when that is freed."""
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
    """The child's driver is unbound, then unloaded, then loaded again."""
    child, other = bed.nvdimms[:2]
    HOLDER.insert()
    device = leave_behind(child, other)
    Unplugged(child).unplug()
    # loading the driver binds it again
    with without("nd_pmem"):
        assert attach.attribute(device, child, "alive") == "0"
        give_back(device, (child, other), True)


def test_attached_devices_are_released_as_they_go(bed):
    """The disks are released as they go, and not by the next order that drops the attachment."""
    children = bed.nvdimms[:2]
    with Kprobe("disk_release") as released:
        device = leave_behind(*children)
        wait_for(lambda: len(released.lines()) == 1, "the mapped device is not released")
        with Unplugged(children[0]):
            wait_for(lambda: len(released.lines()) == 2, "the child is not released")
            # dropping the attachments needs neither disk
            for child in children:
                with pytest.raises(FileNotFoundError):
                    attach.detach(device, child)
    assert not attach.listed()
