# SPDX-License-Identifier: GPL-2.0
"""What happens while daxlinear replace copies, and what it finds when it has."""

import glob
import os
import shutil

import pytest

from lib.beside import wait_for
from lib.command import run
from lib.dm.ioctl import names
from lib.module import HOLDER, TARGET
from lib.tool import labels
from lib.tool.monitor import Monitor, state
from lib.tool.replace import MAPS, Held, content, fill
from lib.tool.tool import FOUND, ask, call, daxlinear, refused
from lib.units import MIB, PAGE_SECTORS, SECTOR

SIZE = 64 * MIB
# what is copied when it is held
PART = 16 * MIB
WORDS = ("--to-larger", "mem")


@pytest.fixture(name="kept")
def _kept(blank):
    """The bed, with an empty history, and a set of one small member."""
    blank.enter(state("8m"))
    daxlinear("create", "mem", blank.nvdimms[2], "--len", SIZE, "--granule", SIZE)
    return blank


def unchanged(kept, table, data):
    """Assert that the device has its old member, with its data."""
    c, d = kept.nvdimms[2:4]
    assert labels.table("mem") == table
    found = labels.members()
    assert found[c.path]["is"] == "in place" and found[d.path]["is"] == "incoming"
    assert content("/dev/mapper/mem", len(data)) == data


def ended(kept, new, data):
    """Assert that another disk is the member, with the data."""
    assert labels.table("mem").split()[4] == new.number
    assert labels.members()[kept.nvdimms[2].path]["is"] == "replaced"
    assert content("/dev/mapper/mem", len(data)) == data
    assert not glob.glob(f"{MAPS}/*.{new.name}.*")


def test_other_commands(kept):
    a, b, c, d = kept.nvdimms
    data = fill("/dev/mapper/mem", 1, SIZE)
    table = labels.table("mem")
    daxlinear("create", "third", b, "--len", SIZE, "--granule", SIZE)
    with Held(kept.folder(), PART, *WORDS, c, d) as replace:
        # what reads
        for words in (["status"], ["show", "mem"], ["members"], ["check", "third"],
                      ["resolve", "mem", "0"], ["tab", "--print", "mem"]):
            assert call(*words).code in (0, FOUND)
        assert ask("damage", "mem")["bad"] == []
        with Monitor():
            pass
        # changes of other devices
        assert "waiting" not in call("create", "other", a, "--len", SIZE, "--granule", SIZE).err
        daxlinear("rename", "other", "new")
        daxlinear("remove", "new")
        daxlinear("assemble", "new")
        daxlinear("label", "new")
        daxlinear("remove", "new")
        daxlinear("release", a)
        daxlinear("extend", "third", a, "--len", SIZE, "--granule", SIZE)
        daxlinear("remove", "third")
        daxlinear("release", a)
        # and those of what is in its hands
        hands = f"daxlinear replace mem {c} {d} (process {replace.pid})"
        for words in (["extend", "mem", a], ["rename", "mem", "new"], ["remove", "mem"],
                      ["label", "mem"], ["merge", "mem"], ["mkfs", "mem"],
                      ["mkfs", "--force", "mem"], ["release", c], ["release", d],
                      ["replace", "mem", c, a], ["replace", *WORDS, c, d],
                      ["repair", "mem", "--metadata", "--yes"]):
            assert hands in refused(*words), words
        for child in c, d:
            assert "replace" in refused("create", "other", child)
            assert "replace" in refused("create", "--no-label", "--force", "other", child)
        unchanged(kept, table, data)
        replace.go()
    ended(kept, d, data)


def test_changed_meanwhile(kept):
    # by commands that no lock keeps away
    c, d = kept.nvdimms[2:4]
    data = fill("/dev/mapper/mem", 2, SIZE)
    table = labels.table("mem")
    folder = kept.folder()
    with Held(folder, PART, *WORDS, c, d) as replace:
        kept_label = labels.save(d)
        d.wipe()
        assert f"{d} was changed during the copy" in replace.go(1)[1]
    labels.restore(d, kept_label)
    unchanged(kept, table, data)
    shorter = table.replace(f" {SIZE // SECTOR} ", f" {SIZE // 2 // SECTOR} ")
    assert shorter != table
    with Held(folder, PART, *WORDS, c, d) as replace:
        assert replace.begun_with() == SIZE
        run("dmsetup", "load", "mem", "--table", shorter)
        run("dmsetup", "resume", "mem")
        assert "mem was changed during the copy" in replace.go(1)[1]
    run("dmsetup", "load", "mem", "--table", table)
    run("dmsetup", "resume", "mem")
    unchanged(kept, table, data)
    daxlinear("replace", *WORDS, c, d)
    ended(kept, d, data)


def test_written_to_meanwhile(kept):
    # what is in the page cache only is on no disk yet when the ranges are compared
    c, d = kept.nvdimms[2:4]
    fill("/dev/mapper/mem", 3, SIZE)
    with Held(kept.folder(), PART, *WORDS, c, d) as replace:
        data = os.urandom(MIB) * (SIZE // MIB)
        with open("/dev/mapper/mem", "r+b") as device:
            device.write(data)
        assert "mem was written to during the copy: comparing again" in replace.go()[1]
    ended(kept, d, data)


def test_open_at_the_end(kept):
    c, d = kept.nvdimms[2:4]
    data = fill("/dev/mapper/mem", 4, SIZE)
    table = labels.table("mem")
    with Held(kept.folder(), PART, *WORDS, c, d) as replace:
        with open("/dev/mapper/mem", "rb"):
            assert f"is open in python3 (process {os.getpid()})" in replace.go(1)[1]
    unchanged(kept, table, data)
    daxlinear("replace", *WORDS, c, d)
    ended(kept, d, data)


@pytest.mark.parametrize("at", [8 * MIB, 48 * MIB], ids=["copied", "not copied"])
def test_new_fails(kept, at):
    # a page fails that is copied, or is not yet; then the same one goes on, or another does
    a, _, c, d = kept.nvdimms
    data = fill("/dev/mapper/mem", 5, SIZE)
    table = labels.table("mem")
    folder = kept.folder()
    for new in d, a:
        with Held(folder, PART, *WORDS, c, d) as replace:
            d.add_badblocks(labels.FRONT + at // SECTOR, PAGE_SECTORS)
            out, err = replace.go(1)
        assert out == "" and "give another device" in err and d.path in err
        if at >= PART:
            assert "has become bad itself, its driver lists bad blocks: mem is as it was" in err
        else:
            assert f"fails at 0x{labels.FRONT * SECTOR + at:x}" in err
        unchanged(kept, table, data)
        assert "is bad itself, its driver lists bad blocks" in refused("replace", *WORDS, c, d)
        if new == d:
            d.renew()
    daxlinear("replace", *WORDS, c, a)
    ended(kept, a, data)
    # of the one that was given up nothing is left but its label
    assert labels.members()[d.path]["is"] == "incoming"
    daxlinear("release", d)
    assert d.path not in labels.members()


@pytest.mark.usefixtures("modules")
def test_after_a_reboot(kept):
    # no process, no mapped device and nothing in /run, and memory under its driver anew
    c, d = kept.nvdimms[2:4]
    data = fill("/dev/mapper/mem", 6, SIZE)
    c.add_badblocks(labels.FRONT + 40 * MIB // SECTOR, PAGE_SECTORS)
    folder = kept.folder()
    with Held(folder, PART, *WORDS, c, d, slow=True) as replace:
        replace.kill()
    wait_for(lambda: call("remove", "mem").code == 0, "it is in use")
    assert "mem" not in names()
    TARGET.remove()
    HOLDER.remove()
    for child in kept.nvdimms:
        child.renew()
    for path in glob.glob("/run/daxlinear*"):
        if os.path.isdir(path):
            shutil.rmtree(path)
        else:
            os.unlink(path)
    HOLDER.insert()
    TARGET.insert()
    with Held(folder, SIZE, *WORDS, c, d) as replace:
        assert PART <= replace.begun_with() < SIZE
        assert "nothing is lost" in replace.go()[0]
    ended(kept, d, data)
