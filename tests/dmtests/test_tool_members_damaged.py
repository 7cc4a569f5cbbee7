# SPDX-License-Identifier: GPL-2.0
"""Labels that are damaged, erased or on bad pages: what serves, and what is written anew."""

import os

import pytest

from lib.command import run
from lib.devices.badblocks import Healed, badblocks
from lib.dm.ioctl import names
from lib.dm.target import DaxLinear
from lib.module import HEAL
from lib.tool import labels
from lib.tool.labels import FRONT
from lib.tool.steps import kill_at, leave_over, steps_of
from lib.tool.tool import FOUND, ask, call, daxlinear, refused
from lib.units import MIB_SECTORS, PAGE_SECTORS

DAMAGED = 8


def finding(name):
    """Return what check finds about the members of a device."""
    (found,) = [check for check in ask("check", name, code=FOUND)["checks"]
                if check["check"] == "members"]
    return found


def spoil(child):
    """Damage both copies of a label, which still names its member."""
    labels.spoil(child, 1)
    labels.spoil(child, 2)


def deface(child):
    """Damage both copies of a label, entries included."""
    spoil(child)
    sector = int(run("blockdev", "--getss", child.path))
    with open(child.path, "r+b") as disk:
        for place in 2 * sector, -(128 * 128 + sector):
            disk.seek(place, os.SEEK_SET if place > 0 else os.SEEK_END)
            disk.write(b"\xff" * 128)
        os.fsync(disk.fileno())


def wipe(child):
    """Erase a label, and not the data."""
    child.wipe()


def test_one_copy(blank):
    # either copy serves, a line names the other, and label writes both
    b, c = blank.nvdimms[2:4]
    before = labels.make("mem", b, c)
    for copy, word in (1, "first"), (2, "second"):
        labels.spoil(c, copy)
        line = f"{c.path}: the {word} copy of its partition table (GPT) is damaged"
        assert line in call("members").err
        found = labels.members()[c.path]
        assert found["is"] == "in place" and found[f"{word}_copy_damaged"]
        bad = finding("mem")
        assert not bad["good"] and line in bad["text"] and "daxlinear label mem" in bad["text"]
        daxlinear("remove", "mem")
        done = call("assemble", "mem")
        assert done.code == 0 and line in done.err and labels.table("mem") == before
        daxlinear("label", "mem")
        assert call("members").err == "" and finding("mem")["good"]


def extended(bed):
    """Return the children of a device that was extended twice, once in vain before that."""
    a, b, c = bed.nvdimms[1:4]
    leave_over(a, b)
    daxlinear("extend", "mem", c)
    daxlinear("extend", "mem", b)
    return a, c, b


@pytest.mark.parametrize("harm", [spoil, deface, wipe])
@pytest.mark.parametrize("which", [(0,), (1,), (2,), (1, 2), (0, 1, 2)])
def test_both_copies_of_a_live_device(blank, harm, which):
    children = extended(blank)
    run("mkfs.xfs", "-q", "-f", "/dev/mapper/mem")
    before = labels.table("mem")
    uuid = run("blkid", "-p", "-s", "UUID", "-o", "value", "/dev/mapper/mem")
    for number in which:
        harm(children[number])
    if harm is not wipe or which != (0, 1, 2):
        bad = finding("mem")
        assert not bad["good"] and "daxlinear label mem" in bad["text"]
        for words in ["extend", "mem", blank.nvdimms[0]], ["rename", "mem", "new"]:
            done = call(*words)
            assert done.code and "daxlinear label mem" in done.err
    assert labels.table("mem") == before
    daxlinear("label", "mem")
    assert finding("mem")["good"] and labels.state("mem") == "complete"
    assert [labels.members()[child.path]["is"] for child in children] == 3 * ["in place"]
    assert call("members").err == ""
    daxlinear("remove", "mem")
    daxlinear("assemble", "mem")
    assert labels.table("mem") == before
    assert run("blkid", "-p", "-s", "UUID", "-o", "value", "/dev/mapper/mem") == uuid
    # and the set can grow
    daxlinear("extend", "mem", "--no-growfs", blank.nvdimms[0])
    daxlinear("remove", "mem")
    daxlinear("assemble", "mem")
    assert labels.table("mem").startswith("0 ") and labels.sets()["mem"]["members"] == [
        child.path for child in (*children, blank.nvdimms[0])]


def test_label_cut_short(blank):
    # with the labels of two of three members lost, and with none at all
    a, b, c = blank.nvdimms[1:4]
    before = labels.make("mem", a, b, c)
    for lost in (a, c), (a, b, c):
        for child in lost:
            spoil(child)
        kept = [labels.save(child) for child in (a, b, c)]
        steps = steps_of("label", "mem")
        assert set(steps) == {"write"} and labels.state("mem") == "complete"
        for number in range(1, len(steps) + 1):
            for child, label in zip((a, b, c), kept, strict=True):
                labels.restore(child, label)
            kill_at(number, "label", "mem")
            assert labels.table("mem") == before
            daxlinear("label", "mem")
            assert labels.state("mem") == "complete" and call("members").err == ""
        daxlinear("remove", "mem")
        daxlinear("assemble", "mem")
        assert labels.table("mem") == before


def test_rename_without_a_first_copy(blank):
    # the second copy alone is sound, and is written first
    b, c = blank.nvdimms[2:4]
    before = labels.make("mem", b, c)
    for child in b, c:
        labels.spoil(child, 1)
    kept = [labels.save(child) for child in (b, c)]
    steps = steps_of("rename", "mem", "new")
    daxlinear("remove", "new")
    for number in range(1, len(steps) + 1):
        for child, label in zip((b, c), kept, strict=True):
            labels.restore(child, label)
        daxlinear("assemble", "mem")
        kill_at(number, "rename", "mem", "new")
        (found,) = ask("members")["sets"]
        assert found["state"] == "complete", number
        daxlinear("remove", names()[0])
        daxlinear("assemble", found["name"])
        assert labels.table(found["name"]) == before
        daxlinear("remove", found["name"])


def test_labels_that_are_not_of_the_device(blank):
    a, b, c = blank.nvdimms[1:4]
    labels.make("mem", a, b)
    table = labels.table("mem")
    # another disk in the place of a member, by another program
    run("dmsetup", "load", "mem", "--table", table.replace(f"{b.number} ", f"{c.number} "))
    run("dmsetup", "resume", "mem")
    assert f"{b.path} is member 2 of mem, which is without it" in refused("label", "mem")
    assert c.path not in labels.members() and labels.state("mem") == "complete"
    daxlinear("remove", "mem")
    # a device of another UUID, which begins with a member
    own = "DAXLINEAR-11111111-2222-8333-8444-555500000000"
    run("dmsetup", "create", "other", "-u", own, "--table", table)
    assert f"other has the UUID {own}, and its labels are of another set" in refused(
        "label", "other")
    run("dmsetup", "remove", "other")
    # members in another order
    swapped = f"{b.number} {FRONT} {{}} {a.number} {FRONT} {{}} 1 align_pmd"
    lengths = table.split()[6:10:3]
    run("dmsetup", "create", "other", "--table",
        f"0 {table.split()[1]} daxlinear 2 " + swapped.format(lengths[1], lengths[0]))
    assert "which it is: daxlinear members" in refused("label", "other")
    run("dmsetup", "remove", "other")
    daxlinear("assemble", "mem")
    assert labels.table("mem") == table


def test_a_damaged_table_of_others(blank):
    # a device without labels and room for one is labelled in spite of what is left of a table
    b = blank.nvdimms[2]
    run("sh", "-c", f"echo label: gpt | sfdisk -q --no-reread --no-tell-kernel {b.path}")
    spoil(b)
    device = blank.named_device(DaxLinear(128 * MIB_SECTORS, b, FRONT))
    assert "daxlinear label" in finding(device.name)["text"]
    daxlinear("label", device.name)
    assert labels.state(device.name) == "complete"


def make_bad(child, sector):
    """Make a page bad."""
    child.add_badblocks(sector - sector % PAGE_SECTORS, PAGE_SECTORS)
    run("blockdev", "--flushbufs", child.path)


@pytest.mark.parametrize("page, word", [(0, "first"), (8, "first"), (-1, "second"),
                                        (-33, "second")])
def test_bad_page(blank, page, word):
    # in the place of a copy: the other serves, and a write makes the page good
    b, c = blank.nvdimms[2:4]
    before = labels.make("mem", b, c)
    run("mkfs.xfs", "-q", "-f", "/dev/mapper/mem")
    daxlinear("remove", "mem")
    with Healed(c):
        make_bad(c, page % c.sectors)
        # no program takes it for something else
        for path in c.path, f"{c.path}p1":
            assert " TYPE=" not in run("blkid", "-c", "/dev/null", "-p", path, check=False)
        line = f"{c.path}: the {word} copy of its partition table (GPT) is damaged"
        assert line in call("members").err
        assert labels.members()[c.path][f"{word}_copy_damaged"]
        done = call("assemble", "mem")
        assert done.code == 0 and line in done.err
        assert labels.table("mem") == before
        assert line in finding("mem")["text"]
        # memory that cannot be made good
        assert f"daxlinear label: {c.path}: Input/output error" in refused("label", "mem")
        assert labels.state("mem") == "complete" and badblocks(c)
        with HEAL:
            # cut short by a power cut before each of its writes
            for number in range(1, 6):
                kill_at(number, "label", "mem")
                assert labels.state("mem") == "complete", number
            daxlinear("label", "mem")
        assert not badblocks(c) and call("members").err == "" and finding("mem")["good"]
        daxlinear("remove", "mem")
        # and the same for a label that is erased
        make_bad(c, page % c.sectors)
        with HEAL:
            daxlinear("release", c)
        assert not badblocks(c) and labels.state("mem") == "incomplete"


def test_both_copies_on_bad_pages(blank):
    b, c = blank.nvdimms[2:4]
    before = labels.make("mem", b, c)
    with Healed(c):
        make_bad(c, 0)
        make_bad(c, c.sectors - 1)
        assert "daxlinear label mem" in finding("mem")["text"]
        with HEAL:
            daxlinear("label", "mem")
        assert finding("mem")["good"]
        daxlinear("remove", "mem")
        daxlinear("assemble", "mem")
        assert labels.table("mem") == before


def test_a_bad_page_in_front_of_a_new_child(blank):
    # what is there cannot be read, and so is not overwritten
    b, c = blank.nvdimms[2:4]
    with Healed(c):
        make_bad(c, 0)
        assert "can't be made out" in refused("create", "mem", b, c)
        assert labels.members() == {} and names() == []


def test_beside_a_replaced_disk(blank):
    # which keeps the mark of the member that it was
    b, c, d = blank.nvdimms[1:4]
    daxlinear("create", "mem", b, "--len", "32M", c, "--len", "32M", "--granule", "32M")
    daxlinear("replace", "--to-larger", "mem", c, d)
    before = labels.table("mem")
    for harm in None, spoil, deface, wipe:
        if harm:
            harm(d)
        daxlinear("label", "mem")
        assert {path: one["is"] for path, one in labels.members().items()} == {
            b.path: "in place", c.path: "replaced", d.path: "in place"}
        assert labels.table("mem") == before and finding("mem")["good"]
    daxlinear("remove", "mem")
    daxlinear("assemble", "mem")
    assert labels.table("mem") == before
