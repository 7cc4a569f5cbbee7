# SPDX-License-Identifier: GPL-2.0
"""Children that are copied to other devices, which take their places."""

import glob
import os
import re

import pytest

from lib.beside import wait_for
from lib.command import ENVIRONMENT, run
from lib.dm.ioctl import names
from lib.fs.xfs import Xfs
from lib.tool import labels
from lib.tool.monitor import state
from lib.tool.replace import MAPS, Held, content, fill, pages_of, plain
from lib.tool.steps import kill_at, steps_of
from lib.tool.tab import boot_table, lines_of
from lib.tool.tool import FOUND, USAGE, ask, call, daxlinear, refused
from lib.units import MIB, PAGE, PAGE_SECTORS, SECTOR

FIRST, SECOND = 32 * MIB, 64 * MIB


@pytest.fixture(name="kept")
def _kept(blank):
    """The bed, with an empty history, and a set of two small members."""
    blank.enter(state("8m"))
    b, c = blank.nvdimms[1:3]
    daxlinear("create", "mem", b, "--len", FIRST, c, "--len", SECOND, "--granule", FIRST)
    return blank


def lost(code=FOUND):
    """Return the lost ranges that damage lists."""
    return [(bad["offset_bytes"], bad["length_bytes"])
            for bad in ask("damage", "mem", code=code)["bad"] if bad["known_by"] == "lost"]


def test_hundred_bad_pages_and_five_kills(kept):
    c, d = kept.nvdimms[2:4]
    data = fill("/dev/mapper/mem", 1, FIRST + SECOND)
    wanted = bytearray(data)
    bad = set()
    for number in range(80):
        # a sector of a page: the others can be read
        sector = (2048 + number * 131) * PAGE_SECTORS + 3
        c.add_badblocks(labels.FRONT + sector, 1)
        bad.add(FIRST // SECTOR + sector)
    for number in range(20):
        page = number * 401 + 7
        # no filesystem is there to be notified
        assert kept.probe.inject(c, labels.FRONT * SECTOR + page * PAGE).rc < 0
        bad |= pages_of([(FIRST + page * PAGE, PAGE)])
    for sector in bad:
        wanted[sector * SECTOR:(sector + 1) * SECTOR] = bytes(SECTOR)
    folder = kept.folder()
    for number in range(5):
        with Held(folder, (number + 1) * 8 * MIB, "--to-larger", "mem", c, d,
                  slow=True) as replace:
            assert number * 7 * MIB <= replace.begun_with() <= number * 9 * MIB
            replace.kill()
        assert labels.table("mem").split()[7:9] == [c.number, str(labels.FRONT)]
        assert labels.members()[d.path]["is"] == "incoming"
        assert labels.state("mem") == "complete"
    out = daxlinear("replace", "--to-larger", "mem", c, d)
    assert f"{d.path} is in the place of {c.path}" in out and " lost " in out
    assert content("/dev/mapper/mem", FIRST + SECOND) == wanted
    assert pages_of(lost()) == bad
    assert labels.table("mem").split()[7:9] == [d.number, str(labels.FRONT)]
    assert {path: one["is"] for path, one in labels.members().items()} == {
        kept.nvdimms[1].path: "in place", c.path: "replaced", d.path: "in place"}
    assert not glob.glob(f"{MAPS}/*")
    # after a reboot
    daxlinear("remove", "mem")
    daxlinear("assemble", "mem")
    assert labels.table("mem").split()[7:9] == [d.number, str(labels.FRONT)]
    assert pages_of(lost()) == bad
    daxlinear("release", c)
    assert c.path not in labels.members()


def test_lost_files_are_named_and_repaired(kept):
    c, d = kept.nvdimms[2:4]
    backup = os.path.join(kept.folder(), "backup")
    data = os.urandom(40 * MIB)
    with open(backup, "wb") as file:
        file.write(data)
    fs = Xfs("/dev/mapper/mem", kept.folder(), agsize=FIRST)
    with fs:
        fs.write("file", data)
        (offset, place) = next((at, place) for at, place, length in fs.extents("file")
                               if place >= FIRST and length > 8 * PAGE)
    c.add_badblocks(labels.FRONT + (place - FIRST) // SECTOR + 2 * PAGE_SECTORS, 2 * PAGE_SECTORS)
    # and one in free space
    c.add_badblocks(labels.FRONT + (SECOND - MIB) // SECTOR, PAGE_SECTORS)
    out = call("replace", "--to-larger", "mem", c, d)
    assert out.code == 0 and "12 KiB could not be read, and is zeros now" in out.out
    assert "daxlinear damage mem names the files once it is mounted" in out.err
    with Xfs("/dev/mapper/mem", fs.folder, make=False):
        found, free = ask("damage", "mem", code=FOUND)["bad"]
        assert free["known_by"] == "lost" and free["owners"][0]["what"] == "free space"
        assert found["known_by"] == "lost" and found["child"] == d.name
        assert found["owners"][0]["path"] == fs.path("file")
        assert fs.read("file", 2 * PAGE, offset + 2 * PAGE) == bytes(2 * PAGE)
        out = daxlinear("repair", "mem", code=FOUND)
        assert "--file PATH --from BACKUP" in out and "--free" in out
        daxlinear("repair", "mem", "--file", fs.path("file"), "--from", backup)
        assert fs.read("file", len(data)) == data
        daxlinear("repair", "mem", "--free")
        assert ask("damage", "mem")["bad"] == []
    run("xfs_repair", "-n", "/dev/mapper/mem")


def test_first_member(kept):
    b, d = kept.nvdimms[1], kept.nvdimms[3]
    data = fill("/dev/mapper/mem", 2, FIRST)
    out = daxlinear("replace", "--to-larger", "mem", b, d)
    assert "nothing is lost" in out
    # of a member that is not the last, no command takes the rest
    rest = d.sectors * SECTOR - labels.FRONT * SECTOR - MIB - FIRST
    assert f"{rest // MIB} MiB of {d} are unused: they stay so, as" in out
    assert f"can grow, {kept.nvdimms[2]}\n" in out
    assert content("/dev/mapper/mem", FIRST) == data
    assert labels.members()[b.path]["is"] == "replaced"
    # the old one alone makes no set
    daxlinear("remove", "mem")
    kept_label = labels.save(d)
    labels.erase(d)
    assert "member 1" in refused("assemble", "mem", code=4)
    labels.restore(d, kept_label)
    daxlinear("assemble", "mem")


def test_written_to_between_two_runs(kept):
    # the map file says that it is copied, and it has changed since
    c, d = kept.nvdimms[2:4]
    fill("/dev/mapper/mem", 3, FIRST + SECOND)
    with Held(kept.folder(), 16 * MIB, "--to-larger", "mem", c, d):
        pass
    wait_for(lambda: run("dmsetup", "info", "-c", "--noheadings", "-o", "open", "mem").strip()
             == "0", "it is open")
    data = fill("/dev/mapper/mem", 4, FIRST + SECOND)
    daxlinear("replace", "--to-larger", "mem", c, d)
    assert content("/dev/mapper/mem", FIRST + SECOND) == data


def test_bad_words(kept):
    a, b, c, d = kept.nvdimms
    table = labels.table("mem")
    assert "give a NAME" in refused("replace", "mem", c, code=USAGE)
    assert 'there are "' in refused("replace", "mem", c, d, a, code=USAGE)
    assert "are the same device" in refused("replace", "mem", c, c, code=USAGE)
    assert "is no child of mem" in refused("replace", "mem", d, a)
    assert f"{b.path} is a child of mem already" in refused("replace", "mem", c, b)
    assert "No such file" in refused("replace", "mem", c, "/dev/missing")
    assert "is no block device" in refused("replace", "mem", c, "/dev/null")
    assert "what: no disk with DAX has a label of this set" in refused("replace", "what", c, d)
    assert "128 MiB" not in refused("replace", "mem", c, d)
    assert "give a device of the size of" in refused("replace", "mem", c, d)
    assert "daxlinear extend can take the rest then" in refused("replace", "mem", c, d)
    assert "only the last member can grow" in refused("replace", "mem", b, d)
    daxlinear("remove", "mem")
    assert "daxlinear assemble mem makes it" in refused("replace", "mem", c, d)
    daxlinear("assemble", "mem")
    assert labels.table("mem") == table and d.path not in labels.members()


def test_new_that_is_no_good(kept):
    b, c, d = kept.nvdimms[1:4]
    words = ["replace", "--to-larger", "mem", c, d]
    # bad itself, in the place of the data and elsewhere
    d.add_badblocks(labels.FRONT + 32 * 2048, 8)
    assert "is bad itself, its driver lists bad blocks" in refused(*words)
    assert d.path not in labels.members()
    d.renew()
    # what is on it
    run("mkfs.xfs", "-q", "-f", d.path)
    assert "holds xfs" in refused(*words)
    daxlinear("replace", "--force", *words[1:])
    assert labels.members()[d.path]["is"] == "in place"
    # one that was replaced is no free one
    assert "has been replaced" in refused("replace", "--to-larger", "mem", d, c)
    daxlinear("release", c)
    # a member of another set, in use or not
    daxlinear("create", "other", c)
    for _ in range(2):
        assert "is member 1 of other" in refused("replace", "--force", "--to-larger", "mem", d, c)
        if "other" in names():
            daxlinear("remove", "other")
    # in use without a label
    daxlinear("release", c)
    daxlinear("create", "--no-label", "other", c)
    assert "other has a part" in refused("replace", "--force", "--to-larger", "mem", d, c)
    daxlinear("remove", "other")
    run("mkfs.xfs", "-q", "-f", c.path)
    folder = kept.folder()
    run("mount", c.path, folder)
    assert f"is mounted on {folder}" in refused("replace", "--force", "mem", d, c)
    run("umount", folder)
    # one that has less room
    daxlinear("remove", "mem")
    for child in b, d:
        daxlinear("release", child)
    daxlinear("create", "mem", d)
    labels.erase(b)
    assert "has room for" in refused("replace", "mem", d, b)


def test_device_in_use(kept):
    c, d = kept.nvdimms[2:4]
    words = ["replace", "--to-larger", "mem", c, d]
    with Xfs("/dev/mapper/mem", kept.folder(), agsize=FIRST) as fs:
        assert f"mem is mounted on {fs.folder}: unmount it first" in refused(*words)
    with open("/dev/mapper/mem", "rb"):
        assert f"is open in python3 (process {os.getpid()})" in refused(*words)
    above = kept.named_device("0 2048 linear /dev/mapper/mem 0")
    assert f"mem is in use by {above.name}" in refused(*words)
    above.remove()
    assert d.path not in labels.members()


def settled(old, new):
    """Assert that the set is whole after a kill; return if it was live, and if it is the new."""
    live = "mem" in names() and labels.table("mem") != ""
    assert labels.state("mem") == "complete"
    if live:
        daxlinear("remove", "mem")
    # as the next boot does
    daxlinear("assemble", "mem")
    made = labels.table("mem")
    assert made in (old, new)
    return live, made == new


def test_kill_at_each_write(kept, monkeypatch):
    b, d = kept.nvdimms[1], kept.nvdimms[3]
    data = fill("/dev/mapper/mem", 5, FIRST)
    monkeypatch.setitem(ENVIRONMENT, "PATH", plain(kept.folder()))
    words = ["replace", "--to-larger", "mem", b, d]
    old = labels.table("mem")
    daxlinear("remove", "mem")
    label = labels.save(b)
    daxlinear("assemble", "mem")
    steps = steps_of(*words)
    new = labels.table("mem")
    assert new == old.replace(b.number, d.number)
    seen = set()
    for number in range(1, len(steps) + 1):
        daxlinear("remove", "mem")
        labels.erase(d)
        labels.restore(b, label)
        daxlinear("assemble", "mem")
        assert labels.table("mem") == old
        kill_at(number, *words)
        # the same command ends it, at once or after a reboot
        if number % 2:
            seen.add(settled(old, new))
        daxlinear(*words)
        assert labels.table("mem") == new
        assert labels.members()[b.path]["is"] == "replaced"
        assert labels.members()[d.path]["is"] == "in place"
        assert content("/dev/mapper/mem", FIRST) == data, number
    assert seen == {(True, False), (False, False), (False, True)}


def test_without_labels(blank, monkeypatch):
    # with a line for the boot, killed at each change, between a namespace and a partition
    blank.enter(state("8m"))
    b, c, d = blank.nvdimms[1:4]
    daxlinear("create", "--no-label", "mem", b, "--len", FIRST, c, "--offset", 2 * MIB,
              "--len", FIRST, "--granule", FIRST)
    data = fill("/dev/mapper/mem", 6, 2 * FIRST)
    monkeypatch.setitem(ENVIRONMENT, "PATH", plain(blank.folder()))
    path = blank.enter(boot_table(daxlinear("tab", "--print", "mem")))
    words = ["replace", "--to-larger", "mem", c, d]
    old, entry = labels.table("mem"), lines_of(path)
    steps = steps_of(*words)
    new = labels.table("mem")
    assert new.split()[7] == d.number and steps.count("write") == 0
    assert lines_of(path) != entry
    assert daxlinear("tab", "--print", "mem").strip() == lines_of(path)[0]
    for number in range(1, len(steps) + 1):
        run("dmsetup", "remove", "mem")
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(entry))
        daxlinear("tab", "--make", "mem")
        assert labels.table("mem") == old
        kill_at(number, *words)
        assert labels.table("mem") in (old, new)
        daxlinear(*words)
        assert labels.table("mem") == new
        assert daxlinear("tab", "--print", "mem").strip() == lines_of(path)[0]
        assert content("/dev/mapper/mem", 2 * FIRST) == data
    os.unlink(path)
    c.wipe()
    with c.partition(2048, 128 * 2048) as part:
        daxlinear("replace", "mem", d, part)
        assert content("/dev/mapper/mem", 2 * FIRST) == data
        d.wipe()
        daxlinear("replace", "--to-larger", "mem", part.path, d)
        assert content("/dev/mapper/mem", 2 * FIRST) == data
        daxlinear("remove", "mem")


@pytest.mark.parametrize("others, ranges", [(0, 1), (1, 3)], ids=["last", "not last"])
def test_rest_without_labels(blank, others, ranges):
    # it is joined to the range of the last child, or becomes a range of its own
    blank.enter(state("8m"))
    b, c, d = blank.nvdimms[1:4]
    part = ("--len", FIRST, "--granule", FIRST)
    daxlinear("create", "--no-label", "mem", b, *part)
    if others:
        daxlinear("extend", "mem", c, *part)
    data = fill("/dev/mapper/mem", 7, FIRST)
    out = daxlinear("replace", "--to-larger", "mem", b, d)
    command = re.search(r" are unused: daxlinear (extend mem .*) takes them\n", out)[1]
    daxlinear(*command.split(), "--granule", FIRST)
    assert labels.table("mem").split()[3] == str(ranges)
    assert content("/dev/mapper/mem", FIRST) == data
    daxlinear("remove", "mem")
