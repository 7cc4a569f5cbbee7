# SPDX-License-Identifier: GPL-2.0
"""Orders to attach and detach that come while devices go, or from where devices are denied."""

import contextlib
import itertools
import os
import threading
import time

import pytest

from lib.command import run, write_file
from lib.dm.device import Device
from lib.dm.target import Linear
from lib.holders import attach
from lib.holders.attach import listed
from lib.units import pages

pytestmark = pytest.mark.at_once

ENOUGH_SECONDS = 20


@contextlib.contextmanager
def devices_cgroup(folder, *numbers):
    """Yield a file for each block device; a process whose number is in it may not read that."""
    run("mount", "-t", "cgroup", "-o", "devices", "devices", folder)
    groups = [f"{folder}/{number}" for number in numbers]
    try:
        for group, number in zip(groups, numbers):
            os.mkdir(group)
            write_file(f"{group}/devices.deny", f"b {number} r")
        yield [f"{group}/cgroup.procs" for group in groups]
    finally:
        for group in groups:
            with contextlib.suppress(FileNotFoundError):
                os.rmdir(group)
        run("umount", folder)


# the debug kernel has no cgroups
@pytest.mark.needs("/proc/cgroups")
def test_attaching_takes_devices_that_may_be_read(bed):
    """The cgroup of a container may deny one of them, as it may deny opening it."""
    child, other = bed.nvdimms[:2]
    device = bed.device(Linear(pages(8), child))

    def attach_in(procs, below):
        return run("sh", "-c", f"echo $$ >{procs} && exec tee {attach.FOLDER}/attach",
                   stdin=f"{device.number} {below.number}", check=False)

    with devices_cgroup(bed.folder(), device.number, child.number) as (above, below):
        for procs in (above, below):
            assert attach_in(procs, child).endswith("Operation not permitted\n")
            assert not listed()
        # the other devices are not concerned
        attach_in(below, other)
        assert listed() == [(other.name, device.disk)]
        attach.detach(device, other)


class Orders(threading.Thread):
    """Attaches and detaches by the same orders until the end of its `with` block."""

    def __init__(self, *texts):
        super().__init__(daemon=True)
        self._texts = [text.encode() for text in texts]
        self._ending = threading.Event()
        self.taken = 0

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self._ending.set()
        self.join()

    def run(self):
        files = [os.open(f"{attach.FOLDER}/{verb}", os.O_WRONLY) for verb in ("attach", "detach")]
        while not self._ending.is_set():
            for file, text in itertools.product(files, self._texts):
                # the device may be gone, or not attached
                with contextlib.suppress(OSError):
                    os.write(file, text)
                    self.taken += 1
        for file in files:
            os.close(file)


def repeat_beside(texts, step):
    """Take a step a hundred times, or for a while, and until some orders were taken, beside them.

    On 7.3 a step takes a second and more beside orders, of which hundreds meet it.
    """
    end = time.monotonic() + ENOUGH_SECONDS
    with Orders(*texts) as orders:
        for number in range(1000):
            step()
            if (number >= 100 or time.monotonic() > end) and orders.taken > 10:
                break
    assert orders.taken > 10


@pytest.mark.usefixtures("hurry")
def test_attaching_opens_nothing(bed):
    """A device can be removed while an order for it is carried out."""
    child = bed.nvdimms[0]
    device = Device(Linear(pages(8), child))
    with device:
        number = device.number

    def make_and_remove():
        with Device(Linear(pages(8), child)) as device:
            assert device.number == number
            # without --retry, as a user would
            device.remove()

    repeat_beside([f"{number} {child.number}"], make_and_remove)
    # what was attached when its device went is dropped
    with pytest.raises(FileNotFoundError):
        attach.detach(device, child)
    assert not listed()
    assert bed.probe.is_free(child)


def test_a_partition_that_goes_while_it_is_attached(bed):
    child = bed.nvdimms[0]
    device = bed.device(Linear(pages(8), bed.nvdimms[1]))
    with child.partition(pages(512), pages(1024)) as part:
        major, minor = (int(text) for text in part.number.split(":"))
    # it is given a free one each time
    numbers = [f"{major}:{minor + more}" for more in range(256)]

    def add_and_delete():
        with child.partition(pages(512), pages(1024)) as part:
            assert part.number in numbers

    repeat_beside([f"{device.number} {number}" for number in numbers], add_and_delete)
    # a partition stands for its disk, which is still there
    with contextlib.suppress(FileNotFoundError):
        attach.detach(device, child)
    assert not listed()
    assert bed.probe.is_free(child)
