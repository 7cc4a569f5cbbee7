# SPDX-License-Identifier: GPL-2.0
"""daxlinear check and mkfs of logical volumes: attached ones pass as daxlinear devices do."""

import pytest

from lib.dm.target import Linear
from lib.fs.xfs import Xfs
from lib.lvm.conf import configured
from lib.lvm.volume import Group
from lib.tool.tool import FOUND, ask, call, daxlinear
from lib.units import MIB_SECTORS

WORDS = {"linear": ["-L", "400M"], "striped": ["-i", "2", "-I", "64k", "-L", "400M"]}


def bad(volume):
    """Return the names of the findings that are not good."""
    code = call("check", volume.path).code
    found = ask("check", volume.path, code=code)
    assert found["good"] == (code == 0)
    return {check["check"] for check in found["checks"] if not check["good"]}


@pytest.fixture(name="group", params=["disks", "floors"])
def _group(bed, request):
    """A group on two disks, or on two mapped devices that forward no failure by themselves."""
    children = bed.nvdimms[1:3]
    if request.param == "floors":
        children = [bed.named_device(Linear(480 * MIB_SECTORS, child, 2 * MIB_SECTORS))
                    for child in children]
    return bed.enter(Group("vg", *children))


@pytest.mark.parametrize("kind", WORDS)
def test_attached(bed, group, kind):
    volume = group.create("data", *WORDS[kind])
    assert call("mkfs", "--force", volume.path).code == 0
    assert bad(volume) == set()
    with Xfs(volume, bed.folder(), make=False):
        assert bad(volume) == set()
        daxlinear("detach", volume.path)
        assert bad(volume) == {"targets"}
        daxlinear("attach", volume.path)
        assert bad(volume) == set()


def test_not_attached(group):
    """An administrator may choose that, and the finding says what it costs."""
    with configured("attach = none/*"):
        volume = group.create("data", *WORDS["linear"])
        done = call("mkfs", "--force", volume.path)
    assert done.code == FOUND
    assert f"daxlinear attach {volume.mapped_name}" in done.err
