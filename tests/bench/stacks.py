# SPDX-License-Identifier: GPL-2.0
"""The stacks that are compared: a bare NVDIMM, dm-linear, and daxlinear."""

import contextlib

from lib.dm import ioctl
from lib.dm.device import Device
from lib.dm.target import DaxLinear, Linear, table

RAW, LINEAR, DAXLINEAR = "raw pmem", "dm-linear", "daxlinear"


def targets(stack, ranges):
    """Return the targets that map (child, offset, sectors) ranges: one daxlinear or many linear."""
    if stack == DAXLINEAR:
        return [DaxLinear.ranges(ranges)]
    return [Linear(sectors, child, offset) for child, offset, sectors in ranges]


@contextlib.contextmanager
def device(stack, ranges):
    """Yield the path of the device that maps ranges; raw is the child of the first one."""
    if stack == RAW:
        yield ranges[0][0].path
        return
    with Device(*targets(stack, ranges)) as made:
        yield made.path


def request(name, stack, ranges):
    """Return the buffer of the system call that loads such a table."""
    return ioctl.load_request(name, table(*targets(stack, ranges)))
