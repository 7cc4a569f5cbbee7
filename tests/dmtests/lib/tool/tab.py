# SPDX-License-Identifier: GPL-2.0
"""The table of the devices that are made at boot."""

import contextlib
import glob
import os

BOOT = "/etc/daxlineartab"


def lines_of(path):
    """Return the lines of a file, the last being empty if all of them are ended."""
    with open(path, encoding="utf-8") as file:
        return file.read().split("\n")


@contextlib.contextmanager
def boot_table(*lines):
    """Have one of these lines for a `with` block; yield its path."""
    assert not os.path.exists(BOOT)
    if lines:
        with open(BOOT, "w", encoding="utf-8") as file:
            file.writelines(line.rstrip("\n") + "\n" for line in lines)
    try:
        yield BOOT
    finally:
        for path in glob.glob(f"{BOOT}*"):
            os.unlink(path)
