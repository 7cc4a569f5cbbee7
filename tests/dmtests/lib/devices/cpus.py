# SPDX-License-Identifier: GPL-2.0
"""The CPUs of the guest: one, or all that there are."""

import glob

from ..command import read_file, write_file


def use(several):
    """Have all CPUs online, or only the first, which cannot be taken away."""
    for path in glob.glob("/sys/devices/system/cpu/cpu[0-9]*/online"):
        if not path.endswith("/cpu0/online") and read_file(path) != str(int(several)):
            write_file(path, int(several))
