# SPDX-License-Identifier: GPL-2.0
"""What daxlinear lvm tells of volumes."""

import pytest

from lib.lvm import Group, configured
from lib.tool import USAGE, ask, daxlinear, refused


def test_status(bed):
    a, b = bed.nvdimms[:2]
    assert ask("lvm", "status") == {"volumes": []}
    with configured("attach = vg/d*"):
        group = bed.enter(Group("vg", a, b))
        group.create("data", "-l", "1", a)
        group.create("dawn", "-i", "2", "-l", "2")
        group.create("other", "-l", "1", b)
        assert ask("lvm", "status") == {"volumes": [
            {"volume": f"vg/{name}", "dax": True,
             "attached": sorted(child.name for child in children), "attach_wanted": bool(children)}
            for name, children in (("data", [a]), ("dawn", [a, b]), ("other", []))]}
        assert [line.split() for line in daxlinear("lvm", "status").splitlines()] == [
            ["volume", "dax", "attached", "to", "wanted"],
            ["vg/data", "yes", a.name, "attached"],
            ["vg/dawn", "yes", ",".join(sorted([a.name, b.name])), "attached"],
            ["vg/other", "yes", "-", "-"]]


@pytest.mark.parametrize("words", [
    [], ["x"], ["event"], ["event", "x"], ["status", "x"]])
def test_bad_input(words):
    assert refused("lvm", *words, code=USAGE)
