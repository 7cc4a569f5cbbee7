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
def without_rule():
    """Take our rule away for a `with` block: stock LVM."""
    os.rename(RULE, f"{RULE}.off")
    reload_rules()
    try:
        yield
    finally:
        os.rename(f"{RULE}.off", RULE)
        reload_rules()


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
