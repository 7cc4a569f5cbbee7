# SPDX-License-Identifier: GPL-2.0
"""Persistent memory without synchronous faults: virtio-pmem."""

import glob
import os

from ..beside import wait_for
from ..command import CommandError, read_file, run, write_file
from .nvdimm import Child

# A new dax_device may get the memory of one that is gone, and with it the flag of its promise.
ATTEMPTS = 300

_SHRINK = "/sys/kernel/slab/dax_cache/shrink"
_DRIVER = "/sys/bus/nd/drivers/nd_pmem"


def asynchronous(bed):
    """Return the virtio-pmem device, which has a bus of its own."""
    run("modprobe", "virtio_pmem")
    buses = [bus for bus in glob.glob("/sys/bus/nd/devices/ndbus*")
             if read_file(f"{bus}/provider") == "virtio-pmem"]
    assert buses, ("no virtio-pmem: QEMU needs -object memory-backend-memfd,id=async,size=64M "
                   "-device virtio-pmem-pci,memdev=async")
    # "dev" appears last, after the disk's name in /sys/class/block
    number = f"{buses[0]}/region*/namespace*/block/*/dev"
    for _ in range(ATTEMPTS):
        path = os.path.dirname(
            wait_for(lambda: glob.glob(number), "virtio-pmem has no block device")[0])
        child = Child(os.path.basename(path))
        if not bed.probe.is_synchronous(child):
            return child
        # its memory is that of one that was synchronous: give it to another new device
        write_file(_SHRINK, 1)
        namespace = path.split("/")[-3]
        write_file(f"{_DRIVER}/unbind", namespace)
        bed.probe.reset()
        bed.device()
        write_file(f"{_DRIVER}/bind", namespace)
    raise AssertionError(f"virtio-pmem has the flag of another device, {ATTEMPTS} times")


def new_device(bed, *targets):
    """Return a device that promises nothing yet; devices with a stale promise stay around."""
    # memory that comes from the page allocator is cleared
    write_file(_SHRINK, 1)
    for _ in range(ATTEMPTS):
        try:
            return bed.device(*targets)
        except CommandError:
            # memory that has just been freed is used first, so another device uses it up
            bed.device()
    raise AssertionError(f"{ATTEMPTS} new devices have the flag of another one")
