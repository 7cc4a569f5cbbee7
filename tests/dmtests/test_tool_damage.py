# SPDX-License-Identifier: GPL-2.0
"""daxlinear damage: bad ranges, and their owners."""

import os

import pytest

from lib.command import run
from lib.devices.unplug import Unplugged
from lib.dm.target import DaxLinear
from lib.kernel import HAS_PARENT_POINTERS
from lib.tool.monitor import Monitor
from lib.tool.mounted import MountedTool
from lib.tool.terminal import terminal
from lib.tool.tool import BAD_NAMES, FOUND, ToolDevice, ask, call, daxlinear, refused
from lib.units import MIB, MIB_SECTORS, PAGE, SECTOR


def test_nothing(clean):
    device = clean.enter(ToolDevice(clean.nvdimms[1]))
    found = ask("damage", device.name)
    assert (found["name"], found["bad"]) == (device.name, [])
    (child,) = found["children"]
    assert (child["child"], child["gone"], child["recorded"], child["overflow"],
            child["media_cut"]) == (clean.nvdimms[1].name, False, True, 0, False)
    assert daxlinear("damage", device.name) == "no bad range is on record\n"


def test_without_a_filesystem(clean):
    # bad blocks in and around the ranges, at their edges, and on a partition
    a, c = clean.nvdimms[1], clean.nvdimms[3]
    part = clean.enter(c.partition(64 * MIB_SECTORS, 64 * MIB_SECTORS))
    device = clean.named_device(DaxLinear(MIB_SECTORS, a, 8 * MIB_SECTORS),
                                DaxLinear(MIB_SECTORS, part, 2 * MIB_SECTORS),
                                DaxLinear(MIB_SECTORS, a, 9 * MIB_SECTORS))
    for sector, count in ((0, 8), (8 * MIB_SECTORS - 1, 2), (9 * MIB_SECTORS - 1, 2),
                          (10 * MIB_SECTORS, 8)):
        a.add_badblocks(sector, count)
    c.add_badblocks(66 * MIB_SECTORS + 7, 3)
    found = ask("damage", device.name, code=FOUND)["bad"]
    keys = ("offset_bytes", "length_bytes", "child", "child_offset_bytes", "known_by")
    assert [tuple(bad[key] for key in keys) for bad in found] == [
        (0, SECTOR, a.name, 8 * MIB, "media"),
        (MIB - SECTOR, SECTOR, a.name, 9 * MIB - SECTOR, "media"),
        (MIB + 7 * SECTOR, 3 * SECTOR, part.name, 2 * MIB + 7 * SECTOR, "media"),
        (2 * MIB, SECTOR, a.name, 9 * MIB, "media")]
    assert all(bad["owners"] == [] and "not mounted" in bad["owners_unknown"] for bad in found)
    # a failure in a page with a bad block
    clean.probe.inject(c, 66 * MIB)
    clean.probe.inject(a, 8 * MIB + 10 * PAGE)
    found = ask("damage", device.name, code=FOUND)["bad"]
    assert [tuple(bad[key] for key in keys) for bad in found[1:4:2]] == [
        (10 * PAGE, PAGE, a.name, 8 * MIB + 10 * PAGE, "failure"),
        (MIB, 10 * SECTOR, part.name, 2 * MIB, "media, failure")]
    done = call("damage", device.name)
    assert done.code == FOUND and "owners are not known: it is not mounted" in done.err
    assert [line.split()[0] for line in done.out.splitlines()] == [
        "offset", "0x0", "0xa000", hex(MIB - SECTOR), hex(MIB), hex(2 * MIB)]


def test_nested(clean):
    a = clean.nvdimms[1]
    below = clean.named_device(DaxLinear(8 * MIB_SECTORS, a, 8 * MIB_SECTORS))
    above = clean.named_device(DaxLinear(MIB_SECTORS, below, MIB_SECTORS))
    a.add_badblocks(9 * MIB_SECTORS + 8, 8)
    (found,) = ask("damage", above.name, code=FOUND)["bad"]
    assert (found["offset_bytes"], found["child_offset_bytes"]) == (PAGE, 9 * MIB + PAGE)


def test_gone(clean):
    a, b = clean.nvdimms[1:3]
    device = clean.named_device(DaxLinear(MIB_SECTORS, a), DaxLinear(MIB_SECTORS, b))
    with Unplugged(b):
        (found,) = ask("damage", device.name, code=FOUND)["bad"]
        assert (found["offset_bytes"], found["length_bytes"], found["known_by"]) == (
            MIB, MIB, "gone")
        assert (found["child"], found["sources"]) == (b.name, ["gone"])
        (line,) = daxlinear("damage", device.name, code=FOUND).splitlines()
        assert line.startswith(f"all of {b.name}") and f": gone since {found['since']}" in line
        assert [child["gone"] for child in ask("damage", device.name, code=FOUND)["children"]] == [
            False, True]
        device.remove()


def owners(found):
    """Return the kind of each owner, for each bad range."""
    return [[(owner["what"], owner.get("path"), owner.get("file_offset_bytes"))
             for owner in bad["owners"]] for bad in found]


def test_files(clean):
    setup = MountedTool(clean)
    fs = setup.fs
    os.mkdir(fs.path("folder"))
    fs.write("folder/one", b"x" * MIB)
    fs.reserve("big", 400 * MIB)
    fs.clone("folder/one", "two\nwords")
    os.link(fs.path("big"), fs.path("other name"))
    os.sync()
    in_one = fs.place("folder/one", 5 * PAGE)
    extent = next((offset, place) for offset, place, length in fs.extents("big")
                  if place >= setup.first and length > MIB)
    for place in sorted((in_one, extent[1] + 7 * PAGE)):
        setup.spoil(place)
    found = ask("damage", setup.device.name, code=FOUND)["bad"]
    by_place = dict(zip([bad["offset_bytes"] for bad in found], owners(found), strict=True))
    assert sorted(by_place[in_one]) == [("data", fs.path("folder/one"), 5 * PAGE),
                                        ("data", fs.path("two\nwords"), 5 * PAGE)]
    ((what, path, offset),) = by_place[extent[1] + 7 * PAGE]
    assert what == "data" and offset == extent[0] + 7 * PAGE
    assert path in (fs.path("big"), fs.path("other name"))
    inode = os.stat(fs.path("big")).st_ino
    text = daxlinear("damage", setup.device.name, code=FOUND)
    assert f"data at 0x{offset:x} (inode {inode})" in text
    # a name may hold anything, and stays in its line
    assert "two\\012words" in text and len(text.splitlines()) == 4


def test_part_of_a_record(clean):
    # the range begins and ends within the blocks of a file, and next to it
    setup = MountedTool(clean)
    setup.fs.write("file", b"x" * MIB)
    setup.fs.write("another", b"y" * MIB)
    (_, place, _), = setup.fs.extents("file")
    setup.spoil(place + 3 * PAGE, 2 * PAGE)
    (found,) = ask("damage", setup.device.name, code=FOUND)["bad"]
    (owner,) = found["owners"]
    assert (owner["offset_bytes"], owner["length_bytes"], owner["file_offset_bytes"]) == (
        place + 3 * PAGE, 2 * PAGE, 3 * PAGE)


def test_metadata(clean):
    setup = MountedTool(clean)
    setup.fs.reserve("file", 8 * MIB)
    free = setup.fs.place("file", 4 * MIB)
    os.truncate(setup.fs.path("file"), 0)
    os.sync()
    root = os.stat(setup.fs.folder).st_ino
    setup.spoil(0)
    setup.spoil(setup.first)
    setup.spoil(free)
    setup.spoil(root // 8 * PAGE)
    whats = {bad["offset_bytes"]: [owner["what"] for owner in bad["owners"]]
             for bad in ask("damage", setup.device.name, code=FOUND)["bad"]}
    assert whats[0] == whats[setup.first] == ["superblock or allocation group header"]
    assert whats[free] == ["free space"]
    assert whats[root // 8 * PAGE] == ["inodes"]
    assert "free space" in daxlinear("damage", setup.device.name, code=FOUND)


def test_file_without_a_path(clean):
    setup = MountedTool(clean)
    setup.fs.write("file", b"x" * MIB)
    place = setup.fs.place("file", PAGE)
    with open(setup.fs.path("file"), "rb"):
        os.unlink(setup.fs.path("file"))
        setup.spoil(place)
        assert owners(ask("damage", setup.device.name, code=FOUND)["bad"]) == [
            [("data", None, PAGE)]]
        assert "a file without a path" in daxlinear("damage", setup.device.name, code=FOUND)


def test_shut_down(clean):
    setup = MountedTool(clean)
    clean.probe.inject(setup.children[0], 0)
    assert setup.fs.is_shut_down()
    (found,) = ask("damage", setup.device.name, code=FOUND)["bad"]
    assert found["owners"] == [] and "has shut down" in found["owners_unknown"]
    assert (found["shutdown"], found["result"]) == (True, "handled")
    done = call("damage", setup.device.name)
    assert done.code == FOUND and "metadata: XFS has shut down" in done.out
    assert f"xfs_repair -n {setup.device.path} lists" in done.err
    # the record has it when nothing can be asked any more
    setup.fs.unmount()
    done = call("damage", setup.device.name)
    assert "metadata: XFS has shut down" in done.out and "it is not mounted" in done.err


def test_other_filesystem(clean):
    device = clean.enter(ToolDevice(clean.nvdimms[1]))
    run("mkfs.ext4", "-q", device.path)
    folder = clean.folder()
    run("mount", device.path, folder)
    try:
        clean.nvdimms[1].add_badblocks(80, 8)
        done = call("damage", device.name)
        assert done.code == FOUND and "ext4 can't be asked" in done.err
    finally:
        run("umount", folder)


def test_every_range(clean):
    # of one line: each failure is reported by its place; the last one is in the status
    children = clean.nvdimms[1:4]
    device = clean.enter(ToolDevice(*children))
    (target,) = ask("status", device.name)["devices"][0]["targets"]
    starts = [part["start_bytes"] for part in target["ranges"]]
    assert len(starts) == 3
    with Monitor(device.name) as monitor:
        for child, start in [*zip(children, starts, strict=True)][::-1]:
            clean.probe.inject(child, 5 * PAGE)
            found = monitor.line()
            assert (found["child"], found["offset_bytes"], found["child_offset_bytes"]) == (
                child.name, start + 5 * PAGE, 5 * PAGE)
            bad = ask("damage", device.name, code=FOUND)["bad"][0]
            assert (bad["child"], bad["offset_bytes"]) == (child.name, start + 5 * PAGE)
    (target,) = ask("status", device.name)["devices"][0]["targets"]
    assert target["received"] == 3 and target["last_failure_bytes"] == 5 * PAGE


def test_progress(clean):
    # on a terminal, and in no pipe
    setup = MountedTool(clean, *(["-n", "parent=0"] if HAS_PARENT_POINTERS else []))
    setup.fs.write("file", b"x" * PAGE)
    place = setup.fs.place("file", 0)
    for number in range(3):
        os.mkdir(setup.fs.path(f"d{number}"))
    with open(setup.fs.path("file"), "rb"):
        # so that the walk finds no path
        os.unlink(setup.fs.path("file"))
        setup.spoil(place)
        # each open of a folder takes a fifth of a second
        slowly = ["strace", "-qq", "-o", "/dev/null", "-e", "trace=getdents64", "-e",
                  "inject=getdents64:delay_exit=200000"]
        shown = terminal("damage", setup.device.name, prefix=slowly)
        assert "looking for the paths of 1 files" in shown
        # it is erased before the result
        assert shown.rindex("\r\033[K") < shown.index("offset")
        done = call("damage", setup.device.name, prefix=slowly)
        assert "looking for" not in done.out + done.err


@pytest.mark.parametrize("words, code, text", BAD_NAMES)
def test_bad_input(bed, words, code, text):
    assert bed.nvdimms
    assert text in refused("damage", *words, code=code)
