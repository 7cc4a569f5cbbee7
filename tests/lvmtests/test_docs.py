# SPDX-License-Identifier: GPL-2.0
"""The commands of Documentation/lvm.rst, run as they are."""

import contextlib
import os
import re

from lib.command import run
from lib.devices import nvdimm
from lib.fs.xfs import Xfs
from lib.lvm.mounted import Mounted
from lib.lvm.volume import Group, Volume
from lib.module import TOP
from lib.tool.tool import FOUND, ask
from lib.units import MIB

PMEMS = ["/dev/pmem0", "/dev/pmem1"]


def blocks():
    """Return the literal blocks of the page."""
    with open(os.path.join(TOP, "Documentation/lvm.rst"), encoding="utf-8") as file:
        found = re.findall(r"::\n\n((?: {4}.*\n|\n)+)", file.read())
    return [re.sub(r"^ {4}", "", block, flags=re.MULTILINE).strip() for block in found]


@contextlib.contextmanager
def _made_by_hand(bed):
    """Remove in the end what the commands make."""
    try:
        yield
    finally:
        run("umount", "/srv/data", check=False)
        run("vgremove", "-qq", "-ff", "--yes", "fast", check=False)
        run("pvremove", "-qq", *PMEMS, check=False)
        run("rmdir", "/srv/data", check=False)
        for child in bed.nvdimms:
            if child.path in PMEMS:
                run("ndctl", "create-namespace", "-f", "-e", child.namespace, "-m", "fsdax",
                    "-M", "mem")
        bed.nvdimms = nvdimm.discover()
        run("udevadm", "settle")


def test_commands(bed):
    commands = blocks()
    # the last ones replace a disk
    assert len(commands) == 7
    # without signatures that LVM and XFS find
    run("wipefs", "-aq", *PMEMS)
    bed.enter(_made_by_hand(bed))
    for command in commands[:-1]:
        run("bash", "-exc", command)
    bed.nvdimms = nvdimm.discover()
    group = Group("fast", *[child for child in bed.nvdimms if child.path in PMEMS])
    volume = Volume(group, "data")
    Volume(group, "log").check(bed)
    fs = Xfs(volume, "/srv/data", make=False)
    fs.reserve("most", 600 * MIB)
    with Mounted(volume, fs) as mounted:
        hit = {mounted.fail("most", segment.start, segment.end).path
               for segment in volume.segments()}
    assert hit == set(PMEMS)
    (found,) = ask("status", "fast-data")["devices"]
    assert sum(one["handled"] for one in found["attached"]) == 2
    owners = [bad["owners"] for bad in ask("damage", "fast-data", code=FOUND)["bad"]]
    assert [owner["path"] for (owner,) in owners] == ["/srv/data/most"] * 2
