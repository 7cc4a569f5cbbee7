# SPDX-License-Identifier: GPL-2.0
"""Rows of counts, and the program that counts a process's accesses."""

import os
import subprocess
from collections import namedtuple

from lib.holders.victim import PROGRAM as VICTIM

PROGRAM = os.path.join(os.path.dirname(VICTIM), "dax-bench")

INSTRUCTIONS = "instructions"

# `value` of `what` over a `stack` of so many ranges (of dm-linear: targets) and mapped devices, or
# over a table of tables.py
Row = namedtuple("Row", "what stack ranges devices value unit table", defaults=("",))


def instructions(what, stack, ranges, value, devices=1, table=""):
    """Return a row; a mean has a digit after the point."""
    return Row(what, stack, ranges, devices, round(value, 1), INSTRUCTIONS, table)


def count(*words):
    """Return the cost of each access that dax-bench makes."""
    output = subprocess.run([PROGRAM, *map(str, words)], check=True, stdout=subprocess.PIPE,
                            text=True).stdout
    return [int(line) for line in output.split()]


def typical(samples):
    """Return the median: a few samples include a page table or a slab that later ones use."""
    return sorted(samples)[len(samples) // 2]
