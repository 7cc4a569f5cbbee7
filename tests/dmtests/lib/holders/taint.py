# SPDX-License-Identifier: GPL-2.0
"""The kernel's taint."""

from ..command import read_file

# bits, by the letters of an oops
MACHINE_CHECK = 1 << 4  # M
WARNED = 1 << 9  # W
OUT_OF_TREE = 1 << 12  # O
UNSIGNED = 1 << 13  # E


def taint():
    """Return the bits that are set; none is ever cleared."""
    return int(read_file("/proc/sys/kernel/tainted"))
