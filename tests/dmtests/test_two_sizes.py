# SPDX-License-Identifier: GPL-2.0
"""A clone that is mapped in huge pages and in single ones at once, on a bare NVDIMM."""

import os

import pytest

from lib import kernel
from lib.command import run
from lib.fs.xfs import Xfs
from lib.units import HUGE, MIB, PAGE

PROGRAM = os.path.join(os.path.dirname(__file__), "../programs/dax-two-sizes")
TEXT = b"data" * (HUGE // 4)


@pytest.mark.control
@pytest.mark.parametrize("how, stripe_huge", [
    pytest.param("read", True, id="read",
                 marks=pytest.mark.alone(kernel.READ_BY_TWO_SIZES_SPLAT)),
    # it happens on filesystems that do not align files, too
    pytest.param("write", False, id="write",
                 marks=pytest.mark.alone(kernel.WRITE_BY_TWO_SIZES_SPLAT))])
def test_clone(bed, how, stripe_huge):
    bed.kmsg.expect_known()
    # room for the file, the clone, and a log in front of them
    fs = bed.enter(Xfs(bed.nvdimms[3], bed.folder(), size=max(128 * MIB, 12 * HUGE),
                       stripe_huge=stripe_huge))
    fs.write("file", TEXT * 2)
    # any two huge pages in one piece have one that is aligned
    skip = -fs.place("file", 0) % HUGE
    assert stripe_huge == (skip == 0)
    fs.clone("file", "clone", skip, HUGE)
    assert fs.place("clone", 0) % HUGE == 0

    run(PROGRAM, how, fs.path("clone"), HUGE)
    read = fs.read("clone", HUGE)
    assert read == (TEXT if how == "read" else TEXT[:2 * PAGE] + b"x" + TEXT[2 * PAGE + 1:])
    assert fs.read("file", 2 * HUGE) == TEXT * 2
    os.unlink(fs.path("clone"))
    fs.unmount()
