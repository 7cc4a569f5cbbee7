# SPDX-License-Identifier: GPL-2.0
"""The bed finds what a test leaves behind; otherwise a test could change the next one's result."""

from lib.bed import sweep
from lib.command import run
from lib.dm import ioctl
from lib.dm.target import DaxLinear
from lib.units import MIB_SECTORS


def test_devices_that_are_left(bed):
    child = bed.nvdimms[0]
    # without a table there is no block device
    left = {bed.device(*targets).name for targets in ([], [DaxLinear(MIB_SECTORS, child, 0)])}
    listed = run("dmsetup", "info", "-c", "--noheadings", "-o", "name").split()
    assert set(ioctl.names()) == set(listed) == left
    assert set(sweep()) == left
    assert ioctl.names() == []
