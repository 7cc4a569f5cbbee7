# SPDX-License-Identifier: GPL-2.0
"""Forty pages of three files, of metadata and of free space, on two children of a device."""

import json
import os
import subprocess

from lib.devices.poison import fail_page
from lib.fs.xfs import Xfs
from lib.units import MIB, MIB_SECTORS, PAGE

NAME = "forty"
FOLDER = "/forty"
FILES = ("ledger", "letters", "pictures")

# what Documentation/using.rst leaves of two children
_CHILDREN = ("/dev/pmem1", "/dev/pmem2")
_START, _SIZE = 400 * MIB_SECTORS, 64 * MIB_SECTORS


def make():
    """Make the device."""
    ranges = " ".join(f"{child} {_START} {_SIZE}" for child in _CHILDREN)
    subprocess.run(["dmsetup", "create", NAME, "--table", f"0 {2 * _SIZE} daxlinear 2 {ranges}"],
                   check=True)


def remove():
    """Remove it again."""
    subprocess.run(["dmsetup", "remove", "--retry", NAME], check=True)


def damage():
    """Return what daxlinear damage lists."""
    text = subprocess.run(["daxlinear", "damage", "--json", NAME], stdout=subprocess.PIPE,
                          check=False, text=True).stdout
    return json.loads(text)["bad"]


def damaged_pages(found=None):
    """Return the offset of each page that it lists."""
    return sorted(place for bad in (damage() if found is None else found)
                  for place in range(bad["offset_bytes"],
                                     bad["offset_bytes"] + bad["length_bytes"], PAGE))


def _fail(place):
    text = subprocess.run(["daxlinear", "resolve", "--json", NAME, str(place)],
                          stdout=subprocess.PIPE, check=True, text=True).stdout
    memory = [step["memory_bytes"] for step in _steps(json.loads(text))][-1]
    try:
        fail_page(memory // PAGE)
    except OSError:
        # what memory_failure() returns when the filesystem has shut down
        pass


def _steps(found):
    if isinstance(found, dict):
        if "memory_bytes" in found:
            yield found
        for value in found.values():
            yield from _steps(value)
    elif isinstance(found, list):
        for value in found:
            yield from _steps(value)


def mounted():
    """Return the filesystem, made if it is not there."""
    new = not os.path.isdir(FOLDER)
    os.makedirs(FOLDER, exist_ok=True)
    return Xfs(f"/dev/mapper/{NAME}", FOLDER, make=new, reflink=False, agsize=64 * MIB)


def fail(fs):
    """Have forty pages fail; return their places, ascending."""
    for name in FILES:
        fs.write(name, os.urandom(16 * PAGE))
    fs.reserve("space", 4 * MIB)
    space = fs.place("space", MIB)
    os.truncate(fs.path("space"), 0)
    os.sync()
    places = [fs.place(name, 1 + page * PAGE) // PAGE * PAGE
              for name in FILES for page in range(10)]
    places += [space // PAGE * PAGE + number * 2 * PAGE for number in range(6)]
    # the heads of the second allocation group; XFS shuts down, so they come last
    places += [_SIZE * 512 + number * PAGE for number in range(4)]
    for place in places:
        _fail(place)
    assert len(set(places)) == 40
    return sorted(places)
