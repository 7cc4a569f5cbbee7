# SPDX-License-Identifier: GPL-2.0
"""The labels of members, as the tool and other programs read them."""

import fcntl
import os
import re

from ..command import log, run
from ..devices import nvdimm
from ..units import HUGE, MIB, MIB_SECTORS, SECTOR
from .tool import ask, daxlinear

# the exit code about a set with a member of before an extend
STALE = 7

# where the data of a member begins on the NVDIMMs, and what its length is a multiple of
FRONT = max(HUGE, 2 * MIB) // SECTOR
_GRANULE = 128 * MIB_SECTORS

_BLKRRPART = 0x125f
# the whole of a label is in so much of either end of a disk
_SPAN = 2 * 1024 * 1024


def read_again(child):
    """Have the kernel read the partition table of a disk."""
    log.info("$ blockdev --rereadpt %s", child.path)
    with open(child.path, "rb") as disk:
        fcntl.ioctl(disk.fileno(), _BLKRRPART)


def save(child):
    """Return what is in the place of a label."""
    with open(child.path, "rb") as disk:
        first = disk.read(_SPAN)
        disk.seek(-_SPAN, os.SEEK_END)
        return first, disk.read(_SPAN)


def restore(child, label):
    """Put a label back, or on another disk of the same size."""
    log.info("the label of %s is restored", child.path)
    first, last = label
    with open(child.path, "r+b") as disk:
        disk.write(first)
        disk.seek(-_SPAN, os.SEEK_END)
        disk.write(last)
        os.fsync(disk.fileno())


def erase(child):
    """Leave no label on a disk, nor a partition in the kernel."""
    child.wipe(2 * _SPAN)
    if any(re.fullmatch(rf"{child.name}p\d+", name) for name in os.listdir("/sys/class/block")):
        read_again(child)


def spoil(child, copy):
    """Damage a copy of the partition table, 1 or 2, by its header."""
    log.info("the GPT of %s, copy %d, is damaged", child.path, copy)
    sector = int(run("blockdev", "--getss", child.path))
    with open(child.path, "r+b") as disk:
        if copy == 1:
            disk.seek(sector + 20)
        else:
            disk.seek(-sector + 20, os.SEEK_END)
        disk.write(b"damaged")
        os.fsync(disk.fileno())


def members():
    """Return what is said of each disk with a label, by its path."""
    return {member["disk"]: member for member in ask("members")["members"]}


def sets():
    """Return all sets, by their names; of two of one name one is returned."""
    return {found["name"]: found for found in ask("members")["sets"]}


def state(name):
    """Return the state of a set, or None."""
    found = sets().get(name)
    return found and found["state"]


def make(name, *words):
    """Make a device of members; return its table."""
    daxlinear("create", name, *words)
    return table(name)


def table(name):
    """Return the one line of a table."""
    line, = run("dmsetup", "table", name).splitlines()
    return line


def blank():
    """Return the NVDIMMs without labels."""
    found = nvdimm.discover()
    for child in found:
        erase(child)
    return found


def whole_table(children):
    """Return the table of a device of these members."""
    lengths = [(child.sectors - FRONT - 2048) // _GRANULE * _GRANULE for child in children]
    words = " ".join(f"{child.number} {FRONT} {length}"
                     for child, length in zip(children, lengths, strict=True))
    return f"0 {sum(lengths)} daxlinear {len(children)} {words} 1 align_pmd"
