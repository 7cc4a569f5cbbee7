# SPDX-License-Identifier: GPL-2.0
"""What `daxlinear lvm check` prints."""

from ..tool.tool import FOUND, daxlinear


def all_good(vg, number):
    """Return what check says of a group with so many volumes, if it has nothing to report."""
    return (0, f"ok   {vg}: active volumes with DAX: {number}, each is notified of memory "
            "failures\n", "")


def bad(*words):
    """Return the (subject, text) of each line of what a check prints that finds only bad things."""
    lines = daxlinear(*words, code=FOUND).splitlines()
    assert all(line.startswith("BAD  ") for line in lines)
    return [line.removeprefix("BAD  ").split(": ", 1) for line in lines]
