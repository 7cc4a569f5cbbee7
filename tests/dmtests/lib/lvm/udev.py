# SPDX-License-Identifier: GPL-2.0
"""udev's rules, and when udev reads volumes."""

import contextlib
import os

from ..command import run, write_file

RULE = "/usr/lib/udev/rules.d/94-daxlinear-lvm.rules"
_SLOW = "/run/udev/rules.d/93-slow.rules"


def reload_rules():
    """Make udev read its rules again."""
    run("udevadm", "control", "--reload")


@contextlib.contextmanager
def without_file(path):
    """Take a file away for a `with` block, from all that udev reads and runs."""
    os.rename(path, f"{path}.off")
    reload_rules()
    try:
        yield
    finally:
        os.rename(f"{path}.off", path)
        reload_rules()


def without_rule():
    """Take our rule away for a `with` block: stock LVM."""
    return without_file(RULE)


@contextlib.contextmanager
def slow_udev(seconds):
    """Delay udev for each event of a mapped device before it gets to our rule."""
    os.makedirs(os.path.dirname(_SLOW), exist_ok=True)
    write_file(_SLOW, f'KERNEL=="dm-*", RUN+="/usr/bin/sleep {seconds}"')
    reload_rules()
    try:
        yield
    finally:
        os.unlink(_SLOW)
        reload_rules()


@contextlib.contextmanager
def partition(child, start, sectors):
    """Yield a partition; udev has read it before, and has read its removal after."""
    with child.partition(start, sectors) as part:
        run("udevadm", "settle")
        yield part
        run("udevadm", "settle")
