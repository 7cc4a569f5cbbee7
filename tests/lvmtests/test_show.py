# SPDX-License-Identifier: GPL-2.0
"""daxlinear lvm status, show and check."""

import os
import re

import pytest

from lib.command import CommandError, run
from lib.fs.xfs import Xfs
from lib.holders.attach import detach, listed
from lib.lvm.conf import configured
from lib.lvm.findings import all_good, bad
from lib.lvm.module import without_module
from lib.lvm.udev import without_rule
from lib.lvm.volume import Group
from lib.module import TOP
from lib.tool.tool import FOUND, USAGE, ask, call, daxlinear, refused
from lib.units import MIB


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


def test_names(bed):
    # each command that takes a NAME takes what people and LVM call a volume
    a = bed.nvdimms[0]
    volume = bed.enter(Group("my-vg", a)).create("a-volume", "-L", "16M")
    assert volume.mapped_name == "my--vg-a--volume"
    names = [volume.full_name, volume.path, volume.mapped_name, f"/dev/mapper/{volume.mapped_name}"]
    for words in (["status"], ["damage"], ["show"]):
        assert len({daxlinear(*words, name) for name in names}) == 1
    for name in names:
        assert ask("status", name)["devices"][0]["number"] == volume.number
        assert [place["device"] for place in ask("resolve", name, "1M")["below"]] == [a.path]
        assert "lvremove my-vg/a-volume" in refused("remove", name)
        assert "LVM's, which activates it at boot" in refused("tab", "--print", name)
    for name in ("my-vg/volume", "my--vg/a--volume", "my-vg/a-volume/x", "my-vg/", "/a-volume"):
        assert f"{name}: " in refused("status", name)


@pytest.mark.parametrize("words", [["-l", "100%FREE"], ["-i", "2", "-l", "100%FREE"]])
def test_damage(bed, words):
    # by LVM's name, with the file; also when it is mounted no more, or inactive and active again
    volume = bed.enter(Group("vg", *bed.nvdimms[:2])).create("data", *words)
    run("mkfs.xfs", "-q", "-f", "-m", "rmapbt=1,reflink=0", "-d", "noalign", volume.path)
    fs = Xfs(volume, bed.folder(), make=False)
    fs.mount()
    try:
        fs.reserve("most", 900 * MIB)
        places = [fs.place("most", offset) for offset in (MIB, 450 * MIB, 890 * MIB)]
        children = []
        for place in places:
            child, byte = volume.place(place)
            children.append(child.name)
            bed.probe.inject(child, byte)
        found = ask("damage", "vg/data", code=FOUND)["bad"]
        assert {one["offset_bytes"]: one["child"] for one in found} == dict(
            zip(places, children, strict=True))
        assert all(one["result"] == "handled" for one in found)
        assert sorted(one["owners"][0]["file_offset_bytes"] for one in found) == [
            MIB, 450 * MIB, 890 * MIB]
    finally:
        fs.unmount()
    run("lvchange", "-an", "vg/data")
    run("lvchange", "-ay", "vg/data")
    found = ask("damage", "vg/data", code=FOUND)["bad"]
    assert sorted(one["offset_bytes"] for one in found) == sorted(places)
    assert all("not mounted" in one["owners_unknown"] for one in found)


def test_check(bed):
    a, b, c = bed.nvdimms[:3]
    with Group("good", a) as group:
        group.create("data", "-l", "1")
        assert call("lvm", "check", "good") == call("lvm", "check") == all_good("good", 1)
        run("lvchange", "-an", "good/data")
        assert call("lvm", "check", "good") == (0, "ok   good: no volume with DAX is active\n", "")
    with Group("bad", a, b, c, align="1M") as group:
        group.create("raid", "--type", "raid0", "-i", "2", "-L", "16M")
        volume = group.create("old", "-L", "200M")
        run("mkfs.xfs", "-q", "-f", "-m", "rmapbt=0", "--unsupported", volume.path)
        run("lvchange", "-an", group.create("origin", "-l", "1").full_name)
        run("lvcreate", "--yes", "-qq", "-s", "-n", "copy", "-l", "1", "bad/origin")
        found = bad("lvm", "check", "bad")
        assert found == bad("lvm", "check")
        asked = ask("lvm", "check", "bad", code=FOUND)
    assert sorted((subject, text.split(",")[0]) for subject, text in found) == sorted([
        *[(child.path, "its extents begin at 1 MiB of the disk") for child in (a, b, c)],
        ("bad/raid", "it is of the kind raid"), ("bad/old", "its XFS has no rmapbt"),
        ("bad/origin", "it has snapshots")])
    assert all("; " in text for _, text in found)
    assert asked["groups"] == ["bad"] and not asked["good"]
    checks = [(one["subject"], one["check"], one["good"]) for one in asked["checks"]]
    assert sorted(checks) == sorted([
        *[(child.path, "extents_pmd", False) for child in (a, b, c)], ("bad/raid", "dax", False),
        ("bad/old", "rmapbt", False), ("bad/origin", "snapshots", False)])
    assert "no volume group" in refused("lvm", "check", "none")


def test_check_all(bed):
    """Without a group, each group on persistent memory is checked."""
    a, b = bed.nvdimms[:2]
    text = "ok   no volume group is on persistent memory with DAX\n"
    assert call("lvm", "check") == (0, text, "")
    assert ask("lvm", "check")["groups"] == []
    with Group("one", a) as one, Group("two", b, align="1M") as two:
        one.create("data", "-l", "1")
        two.create("data", "-l", "1")
        asked = ask("lvm", "check", code=FOUND)
        assert asked["groups"] == ["one", "two"]
        assert [(found["subject"], found["check"], found["good"]) for found in asked["checks"]] == [
            ("one", "group", True), (b.path, "extents_pmd", False)]


def test_check_not_attached(bed):
    """A volume that is not notified of failures is found, with what attaches it."""
    a, b = bed.nvdimms[:2]
    group = bed.enter(Group("vg", a, b))
    with without_rule():
        data = group.create("data", "-i", "2", "-L", "16M")
    with configured("attach = vg/log"):
        (subject, text), = bad("lvm", "check")
        assert subject == "vg/data" and "name it in /etc/daxlinear/lvm.conf" in text
    (subject, text), = bad("lvm", "check")
    assert subject == "vg/data" and text.startswith("it is not attached")
    assert text.endswith("; daxlinear lvm reconcile vg/data attaches it")
    (found,) = ask("lvm", "check", code=FOUND)["checks"]
    assert (found["check"], found["good"]) == ("attached", False)
    daxlinear("lvm", "reconcile", "vg/data")
    data.check(bed)
    assert call("lvm", "check") == all_good("vg", 1)
    # attached to one of its two disks only
    detach(data, a)
    (subject, text), = bad("lvm", "check")
    assert text.startswith("it is not attached")


def test_check_without_the_module(bed):
    group = bed.enter(Group("vg", bed.nvdimms[0]))
    with without_module():
        group.create("data", "-l", "1")
        (subject, text), = bad("lvm", "check")
        assert subject == "vg/data" and text.startswith("it is not attached")
        assert text.endswith("; modprobe dax_holder loads the module and attaches it")


def test_check_not_converted(bed):
    group = bed.enter(Group("vg", bed.nvdimms[0]))
    group.create("data", "-l", "1")
    # the rule converts the volume at any later event
    run("udevadm", "settle")
    with without_rule(), configured("convert = */*"):
        (subject, text), = bad("lvm", "check")
        assert subject == "vg/data" and text.startswith("it is not converted")
        daxlinear("lvm", "reconcile")
        assert call("lvm", "check") == all_good("vg", 1)


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
    (subject, text), = bad("lvm", "check", "vg")
    assert subject == "vg/data"
    assert text.startswith("two pieces of vg-data meet at 200 MiB, inside allocation")
    assert "/etc/daxlinear/lvm.conf, and run daxlinear lvm reconcile vg/data" in text
    assert "daxlinear lvm reconcile vg/data" in daxlinear("check", "vg-data", code=FOUND)
    with configured("convert = vg/data"):
        daxlinear("lvm", "reconcile", "vg/data")
    assert call("lvm", "check", "vg") == all_good("vg", 1)
    run("lvchange", "--refresh", volume.full_name)
    assert volume.targets()[0] == {"linear"}
    make_xfs(volume, False)
    assert call("lvm", "check", "vg") == all_good("vg", 1)


def test_check_stripes(bed):
    a, b = bed.nvdimms[:2]
    group = bed.enter(Group("vg", a, b))
    volume = group.create("wide", "-i", "2", "-I", "64k", "-L", "400M")
    make_xfs(volume, True)
    (subject, text), = bad("lvm", "check", "vg")
    assert subject == "vg/wide"
    assert text.startswith('from 0 B on, vg-wide lies in the pieces of a target "striped"')
    assert "-m reflink=0" in text
    daxlinear("mkfs", "--force", volume.path)
    assert call("lvm", "check", "vg") == all_good("vg", 1)


@pytest.mark.parametrize("words", [
    [], ["x"], ["event"], ["event", "x"], ["tidy", "x"], ["status", "x"],
    ["check", "-x"], ["check", "a b"]])
def test_bad_input(words):
    assert refused("lvm", *words, code=USAGE)


def test_hidden_layers(bed):
    """What LVM hides below a volume is neither attached nor a volume of its own."""
    a, b = bed.nvdimms[:2]
    group = bed.enter(Group("vg", a, b))
    data = group.create("data", "-l", "1", a)
    group.create("mir", "--type", "raid1", "-m", "1", "--nosync", "-L", "16M")
    assert "vg-mir_rimage_0" in run("dmsetup", "ls")
    # by the rule, by the command, and by what is done when the module is loaded
    for words in ((), ("attach", "--all"), ("lvm", "event", "--loaded"), ("lvm", "reconcile")):
        if words:
            daxlinear(*words)
        assert listed() == [(a.name, data.disk)]
    assert [found["volume"] for found in ask("lvm", "status")["volumes"]] == ["vg/data", "vg/mir"]


def hidden_parts():
    """Return the parts of names by which the tool knows a hidden layer."""
    with open(os.path.join(TOP, "tools/device/dm.c"), encoding="utf-8") as file:
        return re.findall(r'"(_[a-z]+)"', file.read())


def test_hidden_names(bed):
    """LVM refuses the names of hidden layers for volumes of users, so none of these is missed."""
    group = bed.enter(Group("vg", bed.nvdimms[0]))
    names = [f"data{part}_0" for part in hidden_parts()] + ["pvmove0"]
    assert len(names) == 17
    for name in names:
        with pytest.raises(CommandError, match="[Rr]eserved|not permitted"):
            group.create(name, "-l", "1")


def test_picture(bed):
    """Other volumes are not unused space, and LVM knows which extents are free."""
    a, b = bed.nvdimms[:2]
    group = bed.enter(Group("vg", a, b))
    group.create("data", "-L", "64M", a)
    group.create("log-1", "-L", "32M", a)
    group.create("wide", "-i", "2", "-L", "64M")
    _, line, legend = daxlinear("show", "vg-data").splitlines()
    assert "  64 MiB, 64 MiB of vg-log--1, vg-wide, " in line
    assert line.endswith("MiB in no active volume")
    assert legend == "  = used  - used by others  . in no active volume  x bad"
    lines = daxlinear("show", "vg-wide").splitlines()
    assert [line.split()[0] for line in lines[1:3]] == [a.path, b.path]
    assert "#" in lines[1].split()[1] and "#" in lines[2].split()[1]
    assert "  32 MiB, 96 MiB of vg-data, vg-log--1, " in lines[1]
