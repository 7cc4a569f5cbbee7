# SPDX-License-Identifier: GPL-2.0
"""daxlinear extend, mkfs and check: a filesystem with groups that end where children end."""

import contextlib
import os
import re
import signal

import pytest

from lib.command import read_file, run
from lib.devices.unplug import Unplugged
from lib.devices.virtio import asynchronous, new_device
from lib.dm.target import DaxLinear, Linear
from lib.fs.xfs import Xfs
from lib.tool import strace
from lib.tool.tab import BOOT, boot_table
from lib.tool.terminal import terminal
from lib.tool.tool import BAD_NAMES, FAILED, FOUND, USAGE, ToolDevice, ask, call, daxlinear, refused
from lib.units import HUGE, HUGE_MIB, MIB, MIB_SECTORS, PAGE, SECTOR

GRANULE = 128 * MIB_SECTORS


def table_of(name):
    """Return the lines of a table."""
    return run("dmsetup", "table", name).splitlines()


def inactive_of(name):
    """Return the words of the loaded table."""
    return run("dmsetup", "table", "--inactive", name).split()


def geometry(device):
    """Return fields of the superblock, from xfs_db."""
    names = ("agblocks", "agcount", "dblocks", "unit", "width")
    text = run("xfs_db", "-r", "-c", "sb 0", "-c", f"print {' '.join(names)}", device.path)
    found = dict(line.split(" = ") for line in text.splitlines())
    return {name: int(found[name]) for name in names}


def bad(found):
    """Return the checks that fail."""
    assert found["good"] == all(check["good"] for check in found["checks"])
    return [check["check"] for check in found["checks"] if not check["good"]]


def test_mkfs(clean):
    device = clean.enter(ToolDevice(*clean.nvdimms[1:4]))
    daxlinear("mkfs", device.name)
    found = geometry(device)
    # 128, 256 and 384 MiB: the group size divides all
    assert found["agblocks"] * PAGE == 128 * MIB
    assert found["dblocks"] * PAGE == device.sectors * SECTOR
    assert found["unit"] == found["width"] == HUGE // PAGE
    assert bad(ask("check", device.name)) == []
    with Xfs(device, clean.folder(), make=False) as fs:
        text = run("xfs_info", fs.folder)
        assert "rmapbt=1" in text and "reflink=0" in text
        # mounted, it comes from the kernel, and is the same
        assert bad(ask("check", device.name)) == []
        assert "is mounted" in refused("mkfs", "--force", device.name)
    assert "holds xfs" in refused("mkfs", device.name)
    daxlinear("mkfs", "--force", device.path)


def test_mkfs_with_options(clean):
    b, c = clean.nvdimms[2:4]
    device = clean.named_device(DaxLinear(200 * MIB_SECTORS, b), DaxLinear(200 * MIB_SECTORS, c))
    daxlinear("mkfs", device.name, "--", "-L", "a label", "-d", "agcount=5", "-i", "size=1024",
              code=FOUND)
    assert geometry(device)["agcount"] == 5
    assert "a label" in run("blkid", "-p", device.path)
    # options of the user are taken, with a warning where they are bad
    done = call("mkfs", "--force", device.name, "--", "-dagsize=96m", "-mrmapbt=0,reflink=1",
                "-dnoalign")
    assert done.code == FOUND
    for text in ("inside allocation groups", "no rmapbt", "can crash the kernel",
                 "does not align"):
        assert text in done.err
    assert bad(ask("check", device.name, code=FOUND)) == [
        "lines", "seams", "rmapbt", "reflink", "stripe_unit"]


def test_mkfs_dry_run(clean):
    device = clean.enter(ToolDevice(*clean.nvdimms[2:4]))
    command = daxlinear("mkfs", "--dry-run", device.name, "--", "-L", "it's two")
    assert run("blkid", "-p", device.path, check=False) == ""
    run("sh", "-c", command)
    assert "it's two" in run("blkid", "-p", device.path)
    assert bad(ask("check", device.name)) == []


def test_mkfs_progress(clean):
    # on a terminal, and in no pipe
    device = clean.enter(ToolDevice(*clean.nvdimms[2:4]))
    folder = clean.folder()
    slow = os.path.join(folder, "mkfs.xfs")
    with open(slow, "w", encoding="ascii") as file:
        file.write('#!/bin/sh\nsleep 1.5\nexec /sbin/mkfs.xfs "$@"\n')
    os.chmod(slow, 0o755)
    slowly = ["env", f"PATH={folder}:{os.environ['PATH']}"]
    assert "mkfs.xfs: 1 s" in terminal("mkfs", device.name, prefix=slowly)
    done = call("mkfs", "--force", device.name, prefix=slowly)
    assert done.code == 0 and "mkfs.xfs: " not in done.out + done.err


def test_mkfs_that_fails(clean):
    device = clean.enter(ToolDevice(clean.nvdimms[1]))
    assert "larger than" in refused("mkfs", device.name)
    empty = clean.folder()
    done = call("mkfs", "--force", clean.enter(ToolDevice(*clean.nvdimms[2:4])).name,
                prefix=["env", f"PATH={empty}"])
    assert done.code == FAILED and "mkfs.xfs: No such file" in done.err


def test_check_children(clean):
    a, b, c = clean.nvdimms[1:4]
    device = clean.named_device(DaxLinear(MIB_SECTORS, a), Linear(MIB_SECTORS, b),
                                DaxLinear(2 * MIB_SECTORS, c))
    checks = ask("check", device.name, code=FOUND)["checks"]
    assert bad({"good": False, "checks": checks}) == [
        "targets", "lines", "aligned_pmd", "xfs"]
    by_name: dict[str, list] = {}
    for check in checks:
        by_name.setdefault(check["check"], []).append(check)
    assert len(by_name["alive"]) == len(by_name["synchronous"]) == 3
    assert [check["good"] for check in by_name["aligned_pmd"]] == [True, False, True]
    assert 'target "linear"' in by_name["targets"][0]["text"]
    with Unplugged(c):
        checks = ask("check", device.name, code=FOUND)["checks"]
        # by the numbers of the disks, in any order
        alive = [check for check in checks if check["check"] == "alive"]
        (gone,) = [check["text"] for check in alive if not check["good"]]
        assert len(alive) == 3 and gone.startswith(f"{c.name} is gone")
        device.remove()


def test_check_asynchronous(clean):
    child = asynchronous(clean)
    device = new_device(clean, DaxLinear(MIB_SECTORS, child))
    assert "synchronous" in bad(ask("check", device.name, code=FOUND))
    assert "MAP_SYNC is refused" in daxlinear("check", device.name, code=FOUND)


def test_check_ext4(clean):
    device = clean.enter(ToolDevice(clean.nvdimms[1]))
    run("mkfs.ext4", "-q", device.path)
    folder = clean.folder()
    run("mount", device.path, folder)
    try:
        assert "ext4 is mounted" in daxlinear("check", device.name, code=FOUND)
    finally:
        run("umount", folder)


def test_check_dax_never(clean):
    device = clean.enter(ToolDevice(*clean.nvdimms[2:4]))
    daxlinear("mkfs", device.name)
    with Xfs(device, clean.folder(), make=False, dax="never"):
        assert bad(ask("check", device.name, code=FOUND)) == ["dax"]


def test_extend_mounted(clean):
    a, b, c = clean.nvdimms[1:4]
    device = clean.enter(ToolDevice(b, a))
    daxlinear("mkfs", device.name)
    with Xfs(device, clean.folder(), make=False) as fs:
        fs.write("file", b"before" * 1000)
        before = os.statvfs(fs.folder)
        ranges = table_of(device.name)[0].split()[4:10]
        output = daxlinear("extend", device.name, c)
        (line,) = table_of(device.name)
        assert line.split()[3:] == ["3", *ranges, c.number, "0", str(3 * GRANULE), "1", "align_pmd"]
        assert device.sectors == 6 * GRANULE
        after = os.statvfs(fs.folder)
        assert (after.f_blocks - before.f_blocks) * PAGE >= 380 * MIB
        assert "768 MiB" in output and c.path in output
        assert bad(ask("check", device.name)) == []
        assert fs.read("file", 6) == b"before"
        # a failure in the new part is forwarded to the filesystem
        fs.reserve("big", 600 * MIB)
        place = next(place for _, place, length in fs.extents("big")
                     if place >= 3 * GRANULE * SECTOR)
        (target,) = ask("status", device.name)["devices"][0]["targets"]
        assert place >= target["ranges"][2]["start_bytes"]
    assert geometry(device)["agcount"] == 6


@pytest.mark.parametrize("options, kept", [
    ([["align_2m"], ["align_2m"]], ["1", "align_2m"]),
    ([["align_2m"], []], []),
    ([["align_pmd"], ["align_2m"]], ["1", "align_pmd"]),
    ([["align_2m"], ["align_pmd"]], ["1", "align_2m"]),
    ([["align_2m", "allow_move"], ["align_2m", "allow_move"]], ["1", "align_2m"]),
])
def test_extend_several_lines(clean, options, kept):
    # as earlier versions made devices: afterwards it is one line
    a, b, c = clean.nvdimms[1:4]
    device = clean.named_device(
        *[DaxLinear.ranges([(child, 0, GRANULE)], *words)
          for child, words in zip((a, b), options, strict=True)])
    with Xfs(device, clean.folder(), agsize=128 * MIB) as fs:
        fs.write("file", b"before" * 1000)
        # of free space
        for child in (a, b):
            assert clean.probe.inject(child, 124 * MIB).rc == 0
        received = [status.received for status in device.status()]
        # where other devices have had their filesystems
        done = call("extend", "--force", device.name, b, "--offset", "128M", c)
        assert done.code == 0
        # an extension that follows on the same child joins its range
        (line,) = table_of(device.name)
        assert line.split()[3:] == ["3", a.number, "0", str(GRANULE), b.number, "0",
                                    str(2 * GRANULE), c.number, "0", str(3 * GRANULE), *kept]
        assert fs.read("file", 6) == b"before"
        # the counters of the second line are lost, which is reported
        assert received == [1, 1] and device.status()[0].received == 1
        assert "the line from 128 MiB on has ended" in done.err


def test_extend_by_what_is_off_a_huge_page(clean):
    a, b = clean.nvdimms[1:3]
    device = clean.enter(ToolDevice(a))
    done = call("extend", device.name, b, "--offset", PAGE)
    assert done.code == 0 and f"{b.path} does not start on {HUGE_MIB} MiB" in done.err
    (line,) = table_of(device.name)
    assert "align_" not in line and line.split()[3] == "2"


def test_extend_read_only(clean):
    # and it stays so
    a, b = clean.nvdimms[1:3]
    device = clean.named_device(DaxLinear(GRANULE, a))
    device.remove()
    run("dmsetup", "create", "--readonly", device.name,
        stdin=f"0 {GRANULE} daxlinear {a} 0\n")
    daxlinear("extend", device.name, b)
    assert run("blockdev", "--getro", device.path) == "1\n"


def test_extend_not_mounted(clean):
    a, b, c = clean.nvdimms[1:4]
    device = clean.enter(ToolDevice(b, a))
    daxlinear("mkfs", device.name)
    # a failure past the end of the XFS would crash some kernels, and it can't be grown here
    before = table_of(device.name)
    for option in "", "--dry-run", "--force":
        reason = refused("extend", *filter(None, [option]), device.name, c)
        assert "mount it first" in reason and "--no-growfs" in reason
    assert table_of(device.name) == before
    # with the option it extends the device alone
    done = call("extend", "--no-growfs", device.name, c)
    assert done.code == 0 and "mount it" in done.err
    assert done.out.splitlines()[-1] == "xfs_growfs MOUNTPOINT"
    assert bad(ask("check", device.name, code=FOUND)) == ["size"]
    with Xfs(device, clean.folder(), make=False) as fs:
        run("xfs_growfs", fs.folder)
        assert bad(ask("check", device.name)) == []


def test_extend_without_growing(clean):
    device = clean.enter(ToolDevice(clean.nvdimms[2], clean.nvdimms[1]))
    daxlinear("mkfs", device.name)
    with Xfs(device, clean.folder(), make=False) as fs:
        output = daxlinear("extend", "--no-growfs", device.name, clean.nvdimms[3])
        assert output.splitlines()[-1] == f"xfs_growfs {fs.folder}"
        assert bad(ask("check", device.name, code=FOUND)) == ["size"]
        # a program that cannot be run
        done = call("extend", device.name, clean.nvdimms[0],
                    prefix=["env", f"PATH={clean.folder()}"])
        assert done.code == FAILED and f"run xfs_growfs {fs.folder}" in done.err
        run("xfs_growfs", fs.folder)
        assert bad(ask("check", device.name)) == []


def test_extend_ext4(clean):
    device = clean.enter(ToolDevice(clean.nvdimms[1]))
    run("mkfs.ext4", "-q", device.path)
    folder = clean.folder()
    run("mount", device.path, folder)
    try:
        done = call("extend", device.name, clean.nvdimms[2])
        assert done.code == 0 and "ext4" in done.err and "its own means" in done.err
    finally:
        run("umount", folder)


def test_extend_dry_run(clean):
    a, b = clean.nvdimms[1:3]
    device = clean.enter(ToolDevice(a))
    before = table_of(device.name)
    command = daxlinear("extend", "--dry-run", device.name, b, "--offset", "64M")
    assert table_of(device.name) == before
    run("sh", stdin=command)
    by_hand = table_of(device.name)
    daxlinear("remove", device.name)
    daxlinear("create", "--no-label", device.name, a)
    daxlinear("extend", device.name, b, "--offset", "64M")
    assert table_of(device.name) == by_hand


def test_extend_inside_a_group(clean):
    # 320 MiB, and groups of 128
    b, c = clean.nvdimms[2:4]
    device = clean.enter(ToolDevice(b, "--granule", "64M"))
    daxlinear("mkfs", device.name, "--", "-dagsize=128m")
    daxlinear("extend", "--no-growfs", device.name, c)
    assert device.sectors == (320 + 384) * MIB_SECTORS


def test_extend_less_than_a_group(clean):
    # the last child may end inside a group, if the option allows it
    a, c = clean.nvdimms[1], clean.nvdimms[3]
    device = clean.enter(ToolDevice(c))
    daxlinear("mkfs", device.name, "--", "-dagsize=192m")
    with Xfs(device, clean.folder(), make=False):
        assert "say --granule" in refused("extend", device.name, a, "--len", "128M")
        daxlinear("extend", device.name, a, "--len", "128M", "--granule", "64M")
        assert bad(ask("check", device.name)) == []
    assert device.sectors == (384 + 128) * MIB_SECTORS


BAD: dict[str, tuple[list, int, str]] = {
    "no name": ([], USAGE, "give a NAME"),
    "no device": (["{d}"], USAGE, "{d} has no labels: give a DEV"),
    "missing device": (["missing", "{b}"], FAILED, 'no mapped device "missing"'),
    "missing child": (["{d}", "/dev/missing"], FAILED, "/dev/missing: No such file"),
    "a child it has": (["{d}", "{a}"], FAILED, "{d} has a part"),
    "itself": (["{d}", "/dev/mapper/{d}"], FAILED, ""),
    "not a size": (["{d}", "{b}", "--len", "x"], USAGE, '"x" is no size'),
}


@pytest.mark.parametrize("case", BAD)
def test_extend_bad_input(clean, case):
    words, code, text = BAD[case]
    a, b = clean.nvdimms[1:3]
    device = clean.enter(ToolDevice(a))
    names = {"d": device.name, "a": a.path, "b": b.path}
    before = table_of(device.name)
    assert text.format(**names) in refused("extend", *[word.format(**names) for word in words],
                                           code=code)
    assert table_of(device.name) == before
    assert inactive_of(device.name) == []


def test_extend_what_cannot_be(clean):
    waiting, child = clean.named_device(), clean.nvdimms[2]
    assert "has no table" in refused("extend", waiting.name, child)
    device = clean.enter(ToolDevice(clean.nvdimms[1]))
    device.suspend()
    assert "is suspended" in refused("extend", device.name, child)


def test_extend_asynchronous(clean):
    # virtio-pmem must not join a device that promises synchronous faults: the reason is shown
    child = asynchronous(clean)
    device = clean.enter(ToolDevice(clean.nvdimms[1]))
    before = table_of(device.name)
    reason = refused("extend", device.name, child, "--granule", "2M")
    assert "the kernel log has" in reason and "synchronous" in reason
    assert table_of(device.name) == before
    assert inactive_of(device.name) == []


@pytest.mark.parametrize("what", ["signal=KILL", "signal=TERM", "error=ENOMEM"])
def test_extend_cut_short(clean, what):
    # the device is as before or as after, and can be extended again
    a, b = clean.nvdimms[1:3]
    device = clean.enter(ToolDevice(a))
    before = table_of(device.name)
    done, calls = strace.record("extend", device.name, b)
    assert done.code == 0
    after = table_of(device.name)
    steps = [number for number, name in enumerate(calls, 1) if name in strace.CHANGES]
    assert [calls[number - 1] for number in steps] == ["DM_TABLE_LOAD", "DM_DEV_SUSPEND"]
    for number in [*steps, steps[-1] + 1]:
        device.reload(*before)
        done = strace.inject(number, what, "extend", device.name, b)
        assert table_of(device.name) in (before, after)
        assert not device.suspended
        if table_of(device.name) == before:
            assert done.code != 0
            if what != "signal=KILL":
                assert inactive_of(device.name) == []
            daxlinear("extend", device.name, b)
        assert table_of(device.name) == after


class Growing:
    """An XFS on a device with a line in the table that is read at boot, to be extended."""

    def __init__(self, clean):
        a, b, c = clean.nvdimms[1:4]
        self.device = ToolDevice("--force", b, a)
        self.words = ["extend", "--force", self.device.name, c]
        self._folder = clean.folder()
        self._stack = contextlib.ExitStack()
        self.fs = None

    def __enter__(self):
        self._stack.enter_context(self.device)
        daxlinear("mkfs", "--force", self.device.name)
        self._stack.enter_context(boot_table(daxlinear("tab", "--print", self.device.name)))
        self.fs = self._stack.enter_context(Xfs(self.device, self._folder, make=False))
        return self

    def __exit__(self, *_):
        self._stack.close()

    def boot_bytes(self):
        """Return the size of what the next boot makes."""
        return sum(int(length) for length in re.findall(r"len=(\d+)", read_file(BOOT)))

    def xfs_bytes(self):
        """Return the size of the XFS."""
        return PAGE * int(re.search(r"data +=.* blocks=(\d+)",
                                    run("xfs_info", self._folder)).group(1))

    def check(self):
        """Assert that all of it is done."""
        whole = 6 * GRANULE * SECTOR
        assert (self.device.sectors * SECTOR, self.boot_bytes(), self.xfs_bytes()) == (whole,) * 3
        assert bad(ask("check", self.device.name)) == []


def steps_of(growing):
    """Return (name, number) of the calls by which it is extended, and of the one after each."""
    done, calls = strace.record_steps(*growing.words)
    assert done.code == 0
    growing.check()
    load = next(at for at, call in enumerate(calls) if "DM_TABLE_LOAD" in call[2])
    marks = [at for at, (name, _, line) in enumerate(calls) if at >= load and (
        "DM_TABLE_LOAD" in line or "DM_DEV_SUSPEND" in line or name == "rename"
        or name in ("vfork", "clone", "clone3"))]
    assert len(marks) == 4
    return [calls[at + more][:2] for at in marks for more in (0, 1)]


def test_extend_interrupted(clean):
    # what has begun to change the device ends when all is done
    with Growing(clean) as growing:
        steps = steps_of(growing)
    for name, number in steps[:2] + steps[4:6]:
        with Growing(clean) as growing:
            done = strace.kill_at(name, number, *growing.words, signal="INT")
            assert done.code == -signal.SIGINT
            growing.check()


def test_extend_killed(clean):
    # what the next boot makes is never shorter than the XFS, and what is left to do is said
    with Growing(clean) as growing:
        steps = steps_of(growing)
    said = 0
    for name, number in steps:
        with Growing(clean) as growing:
            strace.kill_at(name, number, *growing.words)
            assert growing.xfs_bytes() <= growing.boot_bytes()
            done = call(*growing.words)
            if done.code:
                assert "has a part of what would be used already" in done.err
                if growing.xfs_bytes() < growing.device.sectors * SECTOR:
                    assert f"run xfs_growfs {growing.fs.folder}" in done.err.replace(
                        f"daxlinear tab --update {growing.device.name}, then ", "")
                    assert ("tab --update" in done.err) == (
                        growing.boot_bytes() < growing.device.sectors * SECTOR)
                    said += 1
                daxlinear("tab", "--update", growing.device.name)
                run("xfs_growfs", growing.fs.folder)
            growing.check()
    assert said >= 3


@pytest.mark.parametrize("command", ["check", "mkfs"])
@pytest.mark.parametrize("words, code, text", BAD_NAMES)
def test_check_bad_input(bed, command, words, code, text):
    assert bed.nvdimms
    assert text in refused(command, *words, code=code)
