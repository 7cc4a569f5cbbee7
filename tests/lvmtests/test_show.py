# SPDX-License-Identifier: GPL-2.0
"""daxlinear lvm status, show and check."""

import os
import re

import pytest

from lib.command import run
from lib.lvm.conf import configured
from lib.lvm.volume import Group
from lib.module import TOP
from lib.tool.tool import FOUND, USAGE, ask, call, daxlinear, refused


def test_status(bed):
    a, b = bed.nvdimms[:2]
    assert ask("lvm", "status") == {"volumes": []}
    with configured("attach = vg/d*", "convert = vg/dawn"):
        group = bed.enter(Group("vg", a, b))
        group.create("data", "-l", "1", a)
        run("lvextend", "-l", "+1", group.create("dawn", "-l", "1", a).full_name, b)
        group.create("other", "-l", "1", b)
        assert ask("lvm", "status") == {"volumes": [
            {"volume": f"vg/{name}", "dax": True,
             "attached": sorted(child.name for child in children), "converted": name == "dawn",
             "attach_wanted": bool(children), "convert_wanted": name == "dawn"}
            for name, children in (("data", [a]), ("dawn", [a, b]), ("other", []))]}
        assert [line.split() for line in daxlinear("lvm", "status").splitlines()] == [
            ["volume", "dax", "attached", "to", "converted", "wanted"],
            ["vg/data", "yes", a.name, "no", "attached"],
            ["vg/dawn", "yes", ",".join(sorted([a.name, b.name])), "yes", "converted"],
            ["vg/other", "yes", "-", "no", "-"]]


def test_manual(bed):
    # the example of daxlinear-lvm.conf(5)
    assert bed.nvdimms
    with open(os.path.join(TOP, "tools/lvm/daxlinear-lvm.conf.5"), encoding="utf-8") as file:
        (example,) = re.findall(r"\.nf\n((?:.*\n)+?)\.fi", file.read())
    with configured(*example.splitlines()):
        assert call("lvm", "status").err == ""
    with configured(*example.splitlines(), "fast/log"):
        assert ":4: " in call("lvm", "status").err


def test_check(bed):
    a, b, c = bed.nvdimms[:3]
    with Group("good", a) as group:
        group.create("data", "-l", "1")
        assert call("lvm", "check", "good") == (0, "", "")
    with Group("bad", a, b, c, align="1M") as group:
        group.create("raid", "--type", "raid0", "-i", "2", "-L", "16M")
        volume = group.create("old", "-L", "200M")
        run("mkfs.xfs", "-q", "-f", "-m", "rmapbt=0", "--unsupported", volume.path)
        run("lvchange", "-an", group.create("origin", "-l", "1").full_name)
        run("lvcreate", "--yes", "-qq", "-s", "-n", "copy", "-l", "1", "bad/origin")
        said = daxlinear("lvm", "check", "bad", code=FOUND).splitlines()
    assert len(said) == 12
    found, ways = said[::2], said[1::2]
    assert sorted(line.split(",")[0] for line in found) == sorted([
        *[f"{child.path}: its extents begin at 1 MiB of the disk" for child in (a, b, c)],
        "bad/raid: it is of the kind raid", "bad/old: its XFS has no rmapbt",
        "bad/origin: it has snapshots"])
    assert all(way.startswith("  ") for way in ways)
    assert "no volume group" in refused("lvm", "check", "none")


def make_xfs(volume, reflink):
    """Make a filesystem of groups of 160 MiB."""
    run("mkfs.xfs", "-q", "-f", "-m", f"rmapbt=1,reflink={int(reflink)}",
        "-d", "agsize=160m,noalign", volume.path)


def test_check_seams(bed):
    # where copy-on-write mixes data: cured by a conversion, or else by a filesystem without reflink
    a, b = bed.nvdimms[:2]
    group = bed.enter(Group("vg", a, b))
    volume = group.create("data", "-L", "200M", a)
    run("lvextend", "-L", "+200M", volume.full_name, b)
    make_xfs(volume, True)
    what, way_out = daxlinear("lvm", "check", "vg", code=FOUND).splitlines()
    assert what.startswith("vg/data: two pieces of vg-data meet at 200 MiB, inside allocation")
    assert "/etc/daxlinear/lvm.conf, and run daxlinear lvm reconcile vg/data" in way_out
    assert "daxlinear lvm reconcile vg/data" in daxlinear("check", "vg-data", code=FOUND)
    with configured("convert = vg/data"):
        daxlinear("lvm", "reconcile", "vg/data")
    assert call("lvm", "check", "vg") == (0, "", "")
    run("lvchange", "--refresh", volume.full_name)
    assert volume.targets()[0] == {"linear"}
    make_xfs(volume, False)
    assert call("lvm", "check", "vg") == (0, "", "")


def test_check_stripes(bed):
    a, b = bed.nvdimms[:2]
    group = bed.enter(Group("vg", a, b))
    volume = group.create("wide", "-i", "2", "-I", "64k", "-L", "400M")
    make_xfs(volume, True)
    what, way_out = daxlinear("lvm", "check", "vg", code=FOUND).splitlines()
    assert what.startswith('vg/wide: from 0 B on, vg-wide lies in the pieces of a target "striped"')
    assert "-m reflink=0" in way_out
    daxlinear("mkfs", "--force", volume.path)
    assert call("lvm", "check", "vg") == (0, "", "")


@pytest.mark.parametrize("words", [
    [], ["x"], ["event"], ["event", "x"], ["tidy", "x"], ["status", "x"], ["check"],
    ["check", "-x"], ["check", "a b"]])
def test_bad_input(words):
    assert refused("lvm", *words, code=USAGE)
