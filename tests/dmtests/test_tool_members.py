# SPDX-License-Identifier: GPL-2.0
"""Members: labels that create writes, devices that are made of them, and what may be wrong."""

import os

import pytest

from lib.command import run
from lib.dm.ioctl import names
from lib.dm.target import DaxLinear
from lib.fs.xfs import Xfs
from lib.tool import labels, strace
from lib.tool.completion import complete
from lib.tool.labels import FRONT, STALE
from lib.tool.tab import boot_table, lines_of
from lib.tool.tool import FAILED, FOUND, USAGE, ask, call, daxlinear, refused
from lib.units import MIB, MIB_SECTORS, SECTOR

INCOMPLETE, DOUBLED, FOREIGN, DAMAGED = 4, 5, 6, 8

TYPE = "8e9695b3-dcb0-495d-b2a3-aed5171ca457"


def uuid_of(name):
    """Return the UUID of a mapped device."""
    return run("dmsetup", "info", "-c", "--noheadings", "-o", "uuid", name).strip()


def test_create(blank):
    # by libblkid, which has nothing of ours
    a, b, c = blank.nvdimms[1:4]
    assert labels.make("mem", c, a, b) == labels.whole_table([c, a, b])
    uuid = uuid_of("mem")
    assert uuid.startswith("DAXLINEAR-") and uuid[24] == "8" and uuid.endswith("00000000")
    stem = uuid.removeprefix("DAXLINEAR-")[:28]
    for number, child in enumerate((c, a, b), 1):
        found = dict(line.split("=", 1) for line in run(
            "blkid", "-p", "-o", "export", f"{child.path}p1").splitlines())
        assert found["PART_ENTRY_TYPE"] == TYPE and found["PART_ENTRY_NAME"] == "mem"
        assert found["PART_ENTRY_UUID"] == f"{stem}0000{number:04x}"
        assert int(found.get("PART_ENTRY_FLAGS", "0"), 16) == (1 << 63 if child is b else 0)
        assert int(found["PART_ENTRY_OFFSET"]) == FRONT - 2048
    run("dmsetup", "remove", "mem")
    assert "mem" not in names()
    # it is the same whatever the disks are called, and in which order
    assert daxlinear("assemble", "mem").startswith("/dev/mapper/mem: ")
    assert labels.table("mem") == labels.whole_table([c, a, b]) and uuid_of("mem") == uuid
    # once is enough
    assert "is there already" in daxlinear("assemble", uuid.removeprefix("DAXLINEAR-"))
    daxlinear("remove", "mem")
    daxlinear("assemble", "--all")
    assert uuid_of("mem") == uuid


def test_nothing_to_mount(blank):
    # with the device absent, no program sees a filesystem on a child
    b, c = blank.nvdimms[2:4]
    labels.make("mem", b, c)
    run("mkfs.xfs", "-q", "-f", "-m", "rmapbt=1,reflink=0", "/dev/mapper/mem")
    uuid = run("blkid", "-p", "-s", "UUID", "-o", "value", "/dev/mapper/mem").strip()
    daxlinear("remove", "mem")
    for child in b, c:
        assert 'PTTYPE="gpt"' in run("blkid", "-p", child.path)
        assert " TYPE=" not in run("blkid", "-p", child.path)
        assert " TYPE=" not in run("blkid", "-p", f"{child.path}p1", check=False)
        assert run("wipefs", "-n", f"{child.path}p1") == ""
    assert run("blkid", "-c", "/dev/null", "-U", uuid, check=False) == ""
    daxlinear("assemble", "mem")
    assert run("blkid", "-c", "/dev/null", "-U", uuid).strip() == "/dev/mapper/mem"


def test_failures_reach_the_filesystem(blank):
    b, c = blank.nvdimms[2:4]
    device = blank.named_device(DaxLinear(MIB_SECTORS, blank.nvdimms[0]))
    device.remove()
    labels.make(device.name, b, c)
    daxlinear("mkfs", device.name)
    with Xfs(device.found(), blank.folder(), make=False) as fs:
        assert all(check["good"] for check in ask("check", device.name)["checks"])
        fs.reserve("big", 400 * MIB)
        # a page of the second member, in a file
        place = next(place for _, place, _ in fs.extents("big") if place >= 256 * MIB)
        before = ask("status", device.name)["devices"][0]["targets"][0]["handled"]
        (below,) = ask("resolve", device.name, place)["below"]
        assert below["device"] == c.path
        assert blank.probe.inject(c, below["offset_bytes"]).rc == 0
        assert ask("status", device.name)["devices"][0]["targets"][0]["handled"] == before + 1


def test_other_commands(blank):
    # check, status, show, resolve and tab see the members
    b, c = blank.nvdimms[2:4]
    labels.make("mem", b, c)
    uuid = uuid_of("mem")
    (check,) = [check for check in ask("check", "mem", code=FOUND)["checks"]
                if check["check"] == "members"]
    assert check["good"] and check["text"] == "the members of mem make it as it is"
    (device,) = ask("status", "mem")["devices"]
    assert device["set"] == uuid.removeprefix("DAXLINEAR-")
    assert ", of 2 members, complete\n" in daxlinear("status")
    assert daxlinear("show", "mem").startswith("mem: 640 MiB, 2 members\n")
    (above,) = ask("resolve", f"{c.path}p1", MIB)["above"]
    assert (above["device"], above["offset_bytes"]) == ("/dev/mapper/mem", 256 * MIB)
    line = daxlinear("tab", "--print", "mem")
    kept = labels.save(c)
    for copy in 1, 2:
        labels.spoil(c, copy)
        (check,) = [check for check in ask("check", "mem", code=FOUND)["checks"]
                    if check["check"] == "members"]
        assert not check["good"]
        assert "daxlinear label mem" in check["text"]
        assert ("the first copy" if copy == 1 else "both copies") in check["text"]
    labels.restore(c, kept)
    done = call("remove", "mem")
    assert done.code == 0 and "daxlinear assemble mem makes it again" in done.err
    path = os.path.join(blank.folder(), "tab")
    with open(path, "w", encoding="utf-8") as file:
        file.write(line)
    daxlinear("tab", "--file", path, "--make", "mem")
    assert labels.table("mem") == labels.whole_table([b, c]) and uuid_of("mem") == uuid
    # without a label there is no such finding
    other = blank.named_device(DaxLinear(MIB_SECTORS, blank.nvdimms[1]))
    assert "members" not in [check["check"]
                             for check in ask("check", other.name, code=FOUND)["checks"]]
    assert ask("status", other.name)["devices"][0]["set"] is None


def test_line_of_a_set(blank):
    a, b, c = blank.nvdimms[1:4]
    labels.make("mem", b, c)
    uuid = uuid_of("mem").removeprefix("DAXLINEAR-")
    tab = blank.enter(boot_table(f"mem set={uuid}", f"other set={uuid}"))
    assert "makes mem as it is" in daxlinear("tab", "--update", "mem")
    (check,) = [check for check in ask("check", "mem", code=FOUND)["checks"]
                if check["check"] == "tab"]
    assert check["good"]
    assert f"line 1 of {tab} stays" in call("remove", "mem").err
    daxlinear("tab", "--make", "mem")
    assert labels.table("mem") == labels.whole_table([b, c])
    assert "is there already" in daxlinear("tab", "--make", "mem")
    # the line is what it was
    before = lines_of(tab)
    daxlinear("extend", "mem", a)
    assert lines_of(tab) == before
    daxlinear("remove", "mem")
    daxlinear("tab", "--make", "mem")
    assert labels.table("mem") == labels.whole_table([b, c, a])
    daxlinear("remove", "mem")
    assert (f"line 2 of {tab} names the set other, but the name of its device is mem"
            in refused("tab", "--make", "other"))
    labels.erase(c)
    assert "member 2 is missing" in refused("tab", "--make", "mem", code=INCOMPLETE)
    assert names() == []


def test_check_of_sets(blank):
    a, b, c = blank.nvdimms[1:4]
    labels.make("one", a)
    labels.make("two", b, c)
    assert daxlinear("members", "--check") == ""
    daxlinear("remove", "two")
    # a set that could be made is no finding
    assert call("members", "--check") == (0, "", "")
    labels.erase(b)
    said = refused("members", "--check", code=INCOMPLETE)
    assert said.startswith("daxlinear members: two (") and len(said.splitlines()) == 1
    assert "is incomplete: member 1 is missing" in said and f"{c.path} is member 2" in said
    assert "only one of" in refused("members", "--check", "--json", code=USAGE)


def test_members(blank):
    b, c = blank.nvdimms[2:4]
    labels.make("mem", c, b)
    found = ask("members")
    assert [(member["disk"], member["name"], member["number"], member["is"], member["last"])
            for member in sorted(found["members"], key=lambda member: member["number"])] == [
                (c.path, "mem", 1, "in place", False), (b.path, "mem", 2, "in place", True)]
    (one,) = found["sets"]
    assert (one["state"], one["device"], one["members"]) == ("complete", "mem", [c.path, b.path])
    assert one["size_bytes"] == (384 + 256) * MIB and one["missing"] is None
    assert "mem (" in daxlinear("members") and "is /dev/mapper/mem" in daxlinear("members")
    daxlinear("remove", "mem")
    assert "daxlinear assemble mem makes it" in daxlinear("members")
    assert complete("assemble", "") == complete("rename", "") == ["mem"]


def test_no_members(blank):
    assert blank.nvdimms
    done = call("members")
    assert done.code == 0 and "no disk with DAX has the label" in done.err
    assert ask("members") == {"members": [], "sets": []}
    assert daxlinear("assemble", "--all") == ""
    assert "no disk with DAX has a label of this set" in refused("assemble", "mem")


def test_missing(blank):
    a, b, c = blank.nvdimms[1:4]
    labels.make("mem", a, b, c)
    daxlinear("remove", "mem")
    for child, missing in ((a, "member 1 "), (b, "member 2 "), (c, "member 3 and perhaps more ")):
        kept = labels.save(child)
        labels.erase(child)
        for words in (["mem"], ["--all"]):
            reason = refused("assemble", *words, code=INCOMPLETE)
            assert f"is incomplete: {missing}is missing" in reason
            for other in {a, b, c} - {child}:
                assert f"{other.path} is member" in reason
        # the member that appears is the one that is waited for
        other = next(other for other in (a, b, c) if other is not child)
        assert call("assemble", "--incremental", other.path) == (0, "", "")
        assert names() == []
        labels.restore(child, kept)
    daxlinear("assemble", "--incremental", c.path)
    assert labels.table("mem") == labels.whole_table([a, b, c])


def test_copied(blank):
    # a disk with a copy of a member, of the same size
    c = blank.nvdimms[3]
    d, e = blank.nvdimms[0], blank.nvdimms[1]
    assert d.sectors == e.sectors, "the two smallest have one size"
    labels.make("mem", e, c)
    daxlinear("remove", "mem")
    labels.restore(d, labels.save(e))
    for words in (["mem"], ["--all"], ["--incremental", c.path]):
        reason = refused("assemble", *words, code=DOUBLED)
        assert d.path in reason and e.path in reason and "daxlinear release" in reason
    assert labels.members()[d.path]["is"] == labels.members()[e.path]["is"] == "doubled"
    daxlinear("release", d.path)
    daxlinear("assemble", "mem")


def test_damaged(blank):
    b, c = blank.nvdimms[2:4]
    labels.make("mem", b, c)
    daxlinear("remove", "mem")
    labels.spoil(c, 1)
    labels.read_again(c)
    done = call("assemble", "mem")
    assert done.code == 0
    assert f"{c.path}: the first copy of its partition table (GPT) is damaged" in done.err
    assert labels.table("mem") == labels.whole_table([b, c])
    assert labels.members()[c.path]["first_copy_damaged"]
    # as the message says, in use
    daxlinear("label", "mem")
    assert call("members").err == ""
    daxlinear("remove", "mem")
    labels.spoil(c, 2)
    assert f"{c.path}: the second copy" in call("members").err
    labels.spoil(c, 1)
    reason = refused("assemble", "mem", code=DAMAGED)
    assert f"{c.path} is the one that is missing, and both copies" in reason
    assert labels.members()[c.path]["is"] == "damaged"
    assert "both copies are damaged: wipefs" in refused("create", "new", c, code=DAMAGED)
    daxlinear("release", c.path)
    assert labels.state("mem") == "incomplete"


def test_foreign(blank):
    # a partition of our type beside others, as no daxlinear makes it
    b, c = blank.nvdimms[2:4]
    labels.make("mem", b, c)
    daxlinear("remove", "mem")
    text = run("sfdisk", "-d", c.path)
    run("sfdisk", "-q", "--no-reread", "--no-tell-kernel", c.path,
        stdin=f"{text}\nsize=64\n")
    reason = refused("assemble", "mem", code=FOREIGN)
    assert f"{c.path} should be member 2" in reason
    for words in ["release", c.path], ["create", "new", c.path]:
        assert f"wipefs -a {c.path} erases the table" in refused(*words, code=FOREIGN)
    # and a partition table that is not ours at all
    run("wipefs", "-aq", c.path)
    run("sh", "-c", f"echo label: gpt | sfdisk -q --no-reread --no-tell-kernel {c.path}")
    assert labels.state("mem") == "incomplete"
    reason = refused("create", "new", c)
    assert "gpt" in reason and f"wipefs -a {c.path} erases it" in reason


def test_two_sets_of_one_name(blank):
    a, b, c = blank.nvdimms[1:4]
    labels.make("mem", a)
    run("dmsetup", "remove", "mem")
    first = labels.members()[a.path]["set"]
    labels.make("other", b, c)
    second = labels.members()[b.path]["set"]
    assert "there is a set mem already" in refused("rename", "other", "mem")
    run("dmsetup", "remove", "other")
    # the other machine's has that name, too
    kept = labels.save(a)
    labels.erase(a)
    daxlinear("rename", "other", "mem")
    labels.restore(a, kept)
    reason = refused("assemble", "mem")
    assert first in reason and second in reason and "daxlinear rename" in reason
    daxlinear("assemble", second)
    assert labels.table("mem") == labels.whole_table([b, c])
    assert "already" in refused("assemble", first)
    daxlinear("rename", first, "elsewhere")
    daxlinear("assemble", "--all")
    assert labels.table("elsewhere") == labels.whole_table([a])


def test_member_of_another_machine(blank):
    # a disk that has been pulled out of one machine is put into another
    d, a, b, c = blank.nvdimms
    labels.make("mem", a, b)
    daxlinear("remove", "mem")
    labels.erase(a)
    before = labels.make("own", d, c)
    daxlinear("remove", "own")
    assert "is incomplete: member 1 is missing" in call("assemble", "--all").err
    assert labels.table("own") == before and names() == ["own"]
    assert labels.members()[b.path]["is"] == "waiting"
    assert call("assemble", "--incremental", b.path) == (0, "", "")
    assert daxlinear("label", "own") and labels.state("mem") == "incomplete"
    assert f"{b.path} is member 2 of mem, a set that is incomplete" in refused("extend", "own", b)
    daxlinear("release", b)
    daxlinear("extend", "own", b)
    assert labels.members()[b.path]["is"] == "in place"


def test_rename(blank):
    b, c = blank.nvdimms[2:4]
    labels.make("mem", b, c)
    uuid = uuid_of("mem")
    folder = blank.folder()
    run("mkfs.xfs", "-q", "-f", "/dev/mapper/mem")
    run("mount", "-o", "dax=always", "/dev/mapper/mem", folder)
    try:
        daxlinear("rename", "mem", "new")
    finally:
        run("umount", folder)
    assert names() == ["new"] and uuid_of("new") == uuid
    assert {member["name"] for member in labels.members().values()} == {"new"}
    daxlinear("remove", "new")
    daxlinear("rename", "new", "a-third.name")
    daxlinear("assemble", "a-third.name")
    daxlinear("rename", uuid.removeprefix("DAXLINEAR-"), "mem")
    assert names() == ["mem"] and labels.state("mem") == "complete"
    for name, code, text in (("x" * 37, USAGE, "36 letters"), ("a b", USAGE, "is no name"),
                             ("control", USAGE, "is no name")):
        assert text in refused("rename", "mem", name, code=code)
    other = blank.named_device(DaxLinear(MIB_SECTORS, blank.nvdimms[1]))
    assert "already" in refused("rename", "mem", other.name)
    # without labels it is a name and nothing else
    daxlinear("rename", other.name, "x" * 100)
    daxlinear("rename", "x" * 100, other.name)


def test_release(blank):
    b, c = blank.nvdimms[2:4]
    labels.make("mem", b, c)
    for path in b.path, f"{b.path}p1":
        assert f"{b.path} is in use by mem" in refused("release", path)
    daxlinear("remove", "mem")
    folder = blank.folder()
    run("mkfs.ext4", "-q", f"{c.path}p1", "64M")
    run("mount", f"{c.path}p1", folder)
    try:
        assert "busy" in refused("release", c.path)
    finally:
        run("umount", folder)
    assert daxlinear("release", f"{b.path}p1") == f"{b.path} was member 1 of mem\n"
    assert not os.path.exists(f"/sys/class/block/{b.name}p1")
    assert run("blkid", "-p", b.path, check=False) == ""
    assert "has no label" in refused("release", b.path)
    assert "No such file" in refused("release", "/dev/missing")
    assert "is no block device" in refused("release", "/dev/null")
    daxlinear("create", "--no-label", "mem", b)
    daxlinear("remove", "mem")


BAD: dict[str, tuple[list, int, str]] = {
    "a name of 37 letters": (["x" * 37, "{b}"], USAGE, "does not fit into a label"),
    "a child twice": (["x", "{b}", "--offset", "2M", "--len", "64M", "{b}", "--offset", "66M"],
                      USAGE, "{b} is there twice"),
    "an offset in the label": (["x", "{b}", "--offset", "1M"], USAGE, "2 MiB in front"),
    "force": (["--force", "x", "{b}"], USAGE, "a label overwrites it: say --no-label"),
    "a length in the second copy": (["x", "{b}", "--offset", "2M", "--len", "380M"], FAILED,
                                    "are left"),
    "an offset in the second copy": (["x", "{b}", "--offset", "381M"], FAILED, "nothing from"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input(blank, case):
    words, code, text = BAD[case]
    path = blank.nvdimms[2].path
    reason = refused("create", *[word.format(b=path) for word in words], code=code)
    assert text.format(b=path) in reason
    assert labels.members() == {} and names() == []


def test_what_can_have_no_label(blank):
    b, c = blank.nvdimms[2:4]
    below = blank.named_device(DaxLinear(200 * MIB_SECTORS, b))
    assert "is a mapped device" in refused("create", "x", below)
    with c.partition(2048, 300 * MIB_SECTORS) as part:
        assert "is a partition" in refused("create", "x", part)
    assert labels.members() == {}


def test_name_of_36_letters(blank):
    name = "n" * 36
    labels.make(name, blank.nvdimms[2])
    daxlinear("remove", name)
    daxlinear("assemble", name)


def test_signatures(blank):
    # what is on a child is never overwritten by a label
    c = blank.nvdimms[3]
    for place in (0, FRONT - 2048):
        with c.partition(place or 8, 350 * MIB_SECTORS) as part:
            run("mkfs.xfs", "-q", "-f", part if place else c)
        reason = refused("create", "x", c)
        assert "xfs" in reason and f"wipefs -a {c.path} erases it" in reason
        assert "create --no-label --force keeps" in reason
        with open(c.path, "r+b") as disk:
            disk.seek(place * SECTOR)
            disk.write(bytes(MIB))


def test_lost_labels(blank):
    # what is in the place of the data stays, and an extend does not write over it
    a, c = blank.nvdimms[1], blank.nvdimms[3]
    labels.make("mem", c)
    run("mkfs.xfs", "-q", "-f", "/dev/mapper/mem")
    daxlinear("remove", "mem")
    daxlinear("release", c)
    done = call("create", "mem", c)
    assert done.code == 0
    assert f"{c.path} holds xfs in the place of the data, and keeps it" in done.err
    assert 'TYPE="xfs"' in run("blkid", "-p", "/dev/mapper/mem")
    daxlinear("remove", "mem")
    daxlinear("release", c)
    labels.make("other", a)
    reason = refused("extend", "other", c)
    assert f"{c.path} holds xfs from {FRONT * SECTOR} on" in reason
    run("sh", "-c", "blkdiscard" + reason.partition("blkdiscard")[2].partition(" erases")[0])
    daxlinear("extend", "other", c)


def test_members_are_not_overwritten(blank):
    a, b, c = blank.nvdimms[1:4]
    labels.make("mem", b, c)
    daxlinear("remove", "mem")
    for words in (["new", b], ["--no-label", "new", b], ["new", a, c]):
        reason = refused("create", *words)
        assert "of mem, a set that is complete: daxlinear assemble" in reason
        assert "daxlinear release" in reason
    labels.make("other", a)
    assert "of mem, a set" in refused("extend", "other", b)
    assert labels.state("mem") == "complete"


def test_kernel_refuses(blank):
    # the labels of a device that could not be made are erased
    b, c = blank.nvdimms[2:4]
    run("dmsetup", "create", "--notable", "mem")
    assert "already" in refused("create", "mem", b, c)
    for number in range(1, 40):
        done = strace.inject(number, "error=ENOMEM", "create", "x", b, c)
        if done.code == 0:
            break
        assert labels.members() == {} and names() == ["mem"], number
        assert not os.path.exists(f"/sys/class/block/{b.name}p1")
    daxlinear("remove", "x")
    run("dmsetup", "remove", "mem")


def test_old_label(blank):
    # a member that was restored from a copy of before an extend
    a, b, c = blank.nvdimms[1:4]
    labels.make("mem", b, a)
    kept = labels.save(a)
    daxlinear("extend", "mem", c)
    daxlinear("remove", "mem")
    labels.restore(a, kept)
    reason = refused("assemble", "mem", code=STALE)
    assert f"{a.path} is marked as the last member, but {c.path} joined after it" in reason


def test_shorter_than_its_filesystem(blank):
    # the new member is away, and the one before is a copy of before it came
    a, b, c = blank.nvdimms[1:4]
    labels.make("mem", b, a)
    kept = labels.save(a)
    daxlinear("mkfs", "mem")
    folder = blank.folder()
    run("mount", "-o", "dax=always", "/dev/mapper/mem", folder)
    try:
        daxlinear("extend", "mem", c)
    finally:
        run("umount", folder)
    daxlinear("remove", "mem")
    labels.restore(a, kept)
    labels.erase(c)
    assert "before an extend" in refused("assemble", "mem", code=STALE)


def test_label(blank):
    # a device that was made without labels, and with room for them
    b, c = blank.nvdimms[2:4]
    room = ["--offset", f"{FRONT}s", "--len", "256M"]
    daxlinear("create", "--no-label", "mem", b, *room, c, *room)
    run("mkfs.xfs", "-q", "-f", "/dev/mapper/mem")
    before, uuid = labels.table("mem"), uuid_of("mem")
    assert daxlinear("label", "mem") == "mem has 2 members\n"
    assert labels.table("mem") == before
    assert labels.sets()["mem"]["device"] == "mem"
    daxlinear("remove", "mem")
    daxlinear("assemble", "mem")
    assert labels.table("mem") == before and uuid_of("mem") == uuid
    assert 'TYPE="xfs"' in run("blkid", "-p", "/dev/mapper/mem")
    # once more, it writes what is there
    assert "as it is" in daxlinear("label", "mem")


def test_no_room_for_a_label(blank):
    a, b, c = blank.nvdimms[1:4]
    daxlinear("create", "--no-label", "mem", b)
    assert f"{b.path} has no room for a label: mem uses it from 0 B on" in refused("label", "mem")
    end = blank.named_device(DaxLinear(a.sectors - FRONT, a, FRONT))
    assert "leaves 0 B at its end" in refused("label", end.name)
    # in front of the data is another device, or a filesystem
    second = blank.named_device(DaxLinear(128 * MIB_SECTORS, c, 256 * MIB_SECTORS))
    first = blank.named_device(DaxLinear(128 * MIB_SECTORS, c, 4 * MIB_SECTORS))
    assert f"{first.name} uses another part of it" in refused("label", second.name)
    first.remove()
    with c.partition(8, 4096) as part:
        assert part
    run("mkfs.ext4", "-q", "-F", c.path, "64M", check=False)
    assert labels.members() == {}


def test_a_new_mark(blank):
    # of a device that dmsetup made, which has no UUID of ours
    b = blank.nvdimms[2]
    device = blank.named_device(DaxLinear(128 * MIB_SECTORS, b, FRONT))
    daxlinear("label", device.name)
    assert labels.state(device.name) == "complete"
    device.remove()
    daxlinear("assemble", device.name)
    daxlinear("remove", device.name)


def test_dry_run(blank):
    # the commands that it prints make the same members and the same device
    a, c = blank.nvdimms[1], blank.nvdimms[3]
    script = daxlinear("create", "--dry-run", "mem", c, a)
    assert labels.members() == {} and names() == []
    run("sh", "-e", stdin=script)
    assert labels.table("mem") == labels.whole_table([c, a]) and labels.state("mem") == "complete"
    assert labels.sets()["mem"]["device"] == "mem"
    daxlinear("remove", "mem")
    daxlinear("assemble", "mem")


@pytest.mark.parametrize("words, code, text", [
    ([], USAGE, "give a NAME, a UUID"),
    (["a", "b"], USAGE, 'there are "a" and "b"'),
    (["--all", "a"], USAGE, "give a NAME, a UUID"),
    (["--incremental"], USAGE, "wants a value"),
    (["--incremental", "/dev/null"], FAILED, "is no block device"),
])
def test_assemble_bad_input(bed, words, code, text):
    assert bed.nvdimms
    assert text in refused("assemble", *words, code=code)
    assert call("assemble", "--incremental", "/dev/vda") == (0, "", "")
