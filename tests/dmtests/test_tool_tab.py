# SPDX-License-Identifier: GPL-2.0
"""daxlinear tab: devices that are made at boot, by names that last."""

import json
import os
import re

import pytest

from lib.command import run
from lib.devices.unplug import Unplugged
from lib.dm import ioctl
from lib.dm.target import DaxLinear
from lib.fs.xfs import Xfs
from lib.module import TOP
from lib.tool import strace
from lib.tool.tab import BOOT, boot_table, lines_of
from lib.tool.tool import FAILED, USAGE, ToolDevice, call, daxlinear, refused
from lib.units import HUGE, HUGE_SECTORS, MIB


class Tab:
    """A table of devices, for one test."""

    def __init__(self, bed):
        self.path = os.path.join(bed.folder(), "tab")

    def write(self, *lines):
        """Replace its lines."""
        with open(self.path, "w", encoding="utf-8") as file:
            file.writelines(line.rstrip("\n") + "\n" for line in lines)

    def tool(self, *words, code=0):
        """Run the command with it."""
        return daxlinear("tab", "--file", self.path, *words, code=code)

    def refused(self, *words, code=FAILED):
        """Run the command with it, to be refused."""
        return refused("tab", "--file", self.path, *words, code=code)


def uuid_of(nvdimm):
    """Return the UUID of a namespace, as ndctl has it."""
    (found,) = json.loads(run("ndctl", "list", "-n", nvdimm.namespace))
    return found["uuid"]


def table_of(name):
    """Return the lines of a table."""
    return run("dmsetup", "table", name).splitlines()


def test_there_and_back(clean):
    a, c = clean.nvdimms[1], clean.nvdimms[3]
    device = clean.enter(ToolDevice(a, c, "--offset", "64M"))
    lower = clean.named_device(DaxLinear(4 * HUGE_SECTORS, clean.nvdimms[0], HUGE_SECTORS))
    upper = clean.named_device(DaxLinear.ranges([
        (lower, 0, 2 * HUGE_SECTORS), (clean.nvdimms[2], HUGE_SECTORS, 4 * HUGE_SECTORS)]))
    lines = [daxlinear("tab", "--print", one.name) for one in (device, lower, upper)]
    assert lines[0] == (f"{device.name} uuid={uuid_of(a)},len={128 * MIB} "
                        f"uuid={uuid_of(c)},offset={64 * MIB},len={384 * MIB}\n")
    assert f" {lower.path},len={2 * HUGE} uuid=" in lines[2]
    tab = Tab(clean)
    tab.write("# what is made at boot", "", *lines)
    before = table_of(device.name)
    daxlinear("mkfs", device.name)
    with Xfs(device, clean.folder(), make=False) as fs:
        fs.write("file", b"data")
    for one in (upper, lower, device):
        one.remove()
    for one in (device, lower, upper):
        tab.tool("--make", one.name)
    # the signatures on its children are its own
    assert table_of(device.name) == before
    with Xfs(device, clean.folder(), make=False) as fs:
        assert fs.read("file", 4) == b"data"
    assert [daxlinear("tab", "--print", one.name) for one in (device, lower, upper)] == lines


def test_partition(clean):
    nvdimm = clean.nvdimms[1]
    run("sh", "-c", f"echo 4096,409600 | sfdisk -q -X gpt {nvdimm}")
    try:
        run("udevadm", "--version")
        part = f"{nvdimm.path}p1"
        daxlinear("create", "--no-label", "part", part)
        line = daxlinear("tab", "--print", "part")
        uuid = run("blkid", "-p", "-s", "PART_ENTRY_UUID", "-o", "value", part).strip()
        assert f" partuuid={uuid},len=" in line
        before = table_of("part")
        daxlinear("remove", "part")
        tab = Tab(clean)
        tab.write(line)
        # there is no udev here
        folder = "/dev/disk/by-partuuid"
        os.makedirs(folder, exist_ok=True)
        os.symlink(part, f"{folder}/{uuid}")
        try:
            tab.tool("--make", "part")
            assert table_of("part") == before
            daxlinear("remove", "part")
        finally:
            os.unlink(f"{folder}/{uuid}")
    finally:
        run("sfdisk", "-q", "--delete", nvdimm.path)
        run("wipefs", "-aq", nvdimm.path)


def test_missing_child(clean):
    # the message names the line
    a, b = clean.nvdimms[1:3]
    device = clean.enter(ToolDevice(a, b))
    tab = Tab(clean)
    tab.write(daxlinear("tab", "--print", device.name))
    uuid = uuid_of(b)
    device.remove()
    with Unplugged(b):
        assert f"uuid={uuid} is missing" in tab.refused("--make", device.name)
        assert ioctl.names() == []
    tab.tool("--make", device.name)
    (line,) = table_of(device.name)
    assert line.split()[3] == "2"


def test_mistakes(clean):
    # bad lines are reported, and the others are used
    a = clean.nvdimms[1]
    device = clean.enter(ToolDevice(a))
    line = daxlinear("tab", "--print", device.name)
    device.remove()
    tab = Tab(clean)
    tab.write("broken", line, "wrong uuid=x,len=4X", f"long {a},len=1G", f"twice {a},len=4K",
              f"twice {a},len=8K")
    done = call("tab", "--file", tab.path, "--make", device.name)
    assert done.code == 0 and len(table_of(device.name)) == 1
    # while a line is made, mistakes in others are not reported
    assert done.err == ""
    assert tab.refused("--make", "broken").endswith(", line 1: broken has no children\n")
    assert 'line 3: len: "4X" is no size' in tab.refused("--make", "wrong")
    assert "254 MiB are left" in tab.refused("--make", "long")
    assert "no line for missing" in tab.refused("--make", "missing")
    # which of the two is right is for people to say
    assert "line 6: there is a line for twice already, line 5" in tab.refused("--make", "twice")
    done = call("tab", "--file", tab.path, "--units", clean.folder())
    assert (done.code, len(done.err.splitlines())) == (0, 3)
    assert [text in done.err for text in (
        "line 1: broken has no children", 'line 3: len: "4X" is no size',
        "line 6: there is a line for twice already, line 5")] == [True] * 3
    tab.path += ".missing"
    assert "no line for mem" in tab.refused("--make", "mem")


def test_units(clean):
    # the units of systemd's generator; the boot tests show that they work
    a, b = clean.nvdimms[1:3]
    device = clean.enter(ToolDevice(a, b))
    tab = Tab(clean)
    tab.write(daxlinear("tab", "--print", device.name), "a-b /dev/mapper/x,len=4K")
    folder = clean.folder()
    tab.tool("--units", folder)
    names = [f"daxlinear@{device.name}.service", "daxlinear@a\\x2db.service"]
    assert sorted(os.listdir(folder)) == sorted([
        *names, "local-fs-pre.target.wants", f"dev-mapper-{device.name}.device.requires",
        "dev-mapper-a\\x2db.device.requires"])
    assert sorted(os.listdir(f"{folder}/local-fs-pre.target.wants")) == sorted(names)
    with open(os.path.join(folder, names[0]), encoding="utf-8") as file:
        text = file.read()
    for nvdimm in (a, b):
        unit = run("systemd-escape", "-p", "--suffix=device",
                   f"/dev/disk/by-id/pmem-{uuid_of(nvdimm)}").strip()
        assert f"\nWants={unit}\nAfter={unit}\n" in text
    assert f"tab --make {device.name}\n" in text
    assert run("systemd-escape", "--template=daxlinear@.service", "a-b").strip() == names[1]
    # not twice into one folder: systemd starts with an empty one
    assert "File exists" in tab.refused("--units", folder)


def test_units_of_a_set(clean):
    tab = Tab(clean)
    uuid = "6f1b8a52-3c04-8d11-9a77-5e2f00000000"
    tab.write(f"mem set={uuid}")
    folder = clean.folder()
    tab.tool("--units", folder)
    with open(os.path.join(folder, "daxlinear@mem.service"), encoding="utf-8") as file:
        text = file.read()
    unit = run("systemd-escape", "-p", "--suffix=device",
               f"/dev/disk/by-id/dm-uuid-DAXLINEAR-{uuid}").strip()
    assert text.count("\nWants=") == 1 and f"\nWants={unit}\nAfter={unit}\n" in text
    assert "tab --make mem\n" in text


def test_manual(clean):
    # the example of daxlineartab(5)
    with open(os.path.join(TOP, "tools/boot/daxlineartab.5"), encoding="utf-8") as file:
        blocks = re.findall(r"\.nf\n((?:.*\n)+?)\.fi", file.read())
    tab = Tab(clean)
    tab.write(*blocks[-1].splitlines())
    folder = clean.folder()
    done = call("tab", "--file", tab.path, "--units", folder)
    assert done == (0, "", "")
    assert {name for name in os.listdir(folder) if name.endswith(".service")} == {
        "daxlinear@mem.service", "daxlinear@logs.service"}


def test_update(clean):
    # that line alone, and its comment stays
    a, b = clean.nvdimms[1:3]
    device = clean.enter(ToolDevice(a))
    old = daxlinear("tab", "--print", device.name).strip()
    tab = Tab(clean)
    others = ["# at boot", f"other {b},len=4K # by hand", "", "broken",
              f"{device.name}2 {a},len=4K"]
    tab.write(*others[:3], f"  {old}  # the old one", *others[3:])
    os.chown(tab.path, 12, 34)
    os.chmod(tab.path, 0o640)
    before = os.stat(tab.path)
    assert tab.tool("--update", device.name).endswith(f" makes {device.name} as it is\n")
    # what fits is left as it was written; that it was read may show
    after = os.stat(tab.path)
    assert (after.st_ino, after.st_ctime_ns) == (before.st_ino, before.st_ctime_ns)
    daxlinear("extend", device.name, b)
    assert f"line 4 of {tab.path} is up to date" in tab.tool("--update", device.path)
    new = daxlinear("tab", "--print", device.name).strip()
    assert new != old and new.startswith(f"{old} ")
    assert lines_of(tab.path) == [*others[:3], f"{new} # the old one", *others[3:], ""]
    after = os.stat(tab.path)
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, 12, 34)
    assert os.listdir(os.path.dirname(tab.path)) == ["tab"]
    device.remove()
    tab.tool("--make", device.name)
    assert table_of(device.name)[0].split()[3] == "2"


def test_update_through_a_link(clean):
    device = clean.enter(ToolDevice(clean.nvdimms[1]))
    tab = Tab(clean)
    tab.write(f"{device.name} /dev/x,len=4K")
    link = os.path.join(clean.folder(), "link")
    os.symlink(tab.path, link)
    daxlinear("tab", "--file", link, "--update", device.name)
    assert os.path.islink(link)
    assert lines_of(tab.path) == [daxlinear("tab", "--print", device.name).strip(), ""]


def test_update_that_cannot_be(clean):
    a = clean.nvdimms[1]
    device = clean.enter(ToolDevice(a))
    tab = Tab(clean)
    tab.write("# nothing")
    assert f"daxlinear tab --print {device.name} >>{tab.path} adds" in tab.refused(
        "--update", device.name)
    tab.write(f"{device.name} {a},len=4K", f"{device.name} {a},len=8K")
    assert "line 2: " in tab.refused("--update", device.name)
    tab.write(f"{device.name} {a},len=4K", "one\0two")
    assert "zero byte" in tab.refused("--update", device.name)
    tab.write(f"{device.name} {a},len=4K")
    before = lines_of(tab.path)
    folder = os.path.dirname(tab.path)
    run("mount", "--bind", "-o", "ro", folder, folder)
    try:
        assert "Read-only file system" in tab.refused("--update", device.name)
    finally:
        run("umount", folder)
    for name, number in (("write", 1), ("fsync", 1), ("rename", 1)):
        done = strace.fail_at(name, number, "ENOSPC", "tab", "--file", tab.path, "--update",
                              device.name)
        assert done.code == FAILED and "No space left" in done.err
        assert lines_of(tab.path) == before and os.listdir(folder) == ["tab"]


def test_update_cut_short(clean):
    # whenever it ends, one table or the other is there, whole
    a, b = clean.nvdimms[1:3]
    device = clean.enter(ToolDevice(a))
    tab = Tab(clean)
    old = ["# first", f"{device.name} {a},len=4K", f"other {b},len=4K", ""]
    new = [old[0], daxlinear("tab", "--print", device.name).strip(), *old[2:]]
    words = ["tab", "--file", tab.path, "--update", device.name]
    tab.write(*old[:3])
    done, calls = strace.record_steps(*words)
    assert done.code == 0 and lines_of(tab.path) == new
    first = next(at for at, call in enumerate(calls) if f"{tab.path}.new" in call[2])
    steps = [(name, number) for name, number, _ in calls[first:]]
    names = [name for name, _ in steps]
    assert names == ["unlink", "openat", "write", "fchown", "fchmod", "fsync", "close", "rename",
                     "openat", "fsync", "close", "write", "close"]
    for at, (name, number) in enumerate(steps):
        tab.write(*old[:3])
        assert strace.kill_at(name, number, *words).code < 0
        assert lines_of(tab.path) == (new if at > names.index("rename") else old)
        # what is left beside it is no obstacle
        daxlinear(*words)
        assert lines_of(tab.path) == new and os.listdir(os.path.dirname(tab.path)) == ["tab"]


def test_extend_updates(clean):
    a, b, c = clean.nvdimms[1:4]
    device = clean.enter(ToolDevice(b, a))
    daxlinear("mkfs", device.name)
    with Xfs(device, clean.folder(), make=False) as fs:
        # there is no table, or no line
        assert BOOT not in daxlinear("extend", "--force", device.name, c, "--len", "128M")
        boot = clean.enter(boot_table(daxlinear("tab", "--print", device.name), "# end"))
        command = daxlinear("extend", "--dry-run", "--force", device.name, c, "--offset", "128M",
                            "--len", "128M").splitlines()
        assert command[-1] == f"daxlinear tab --update {device.name}"
        before = lines_of(boot)
        done = call("extend", "--no-tab", "--force", device.name, c, "--offset", "128M", "--len",
                    "128M")
        assert done.code == 0 and f"daxlinear tab --update {device.name}" in done.err
        assert lines_of(boot) == before
        said = daxlinear("extend", "--force", device.name, c, "--offset", "256M", "--len", "128M")
        assert f"line 1 of {boot} is up to date" in said
        assert lines_of(boot) == [daxlinear("tab", "--print", device.name).strip(), "# end", ""]
        fs.write("file", b"data")
    done = call("remove", device.name)
    assert (done.code, done.out) == (0, "")
    assert f"line 1 of {boot} stays, and makes {device.name} again" in done.err
    daxlinear("tab", "--make", device.name)
    with Xfs(device, clean.folder(), make=False) as fs:
        assert fs.read("file", 4) == b"data"


def test_extend_that_cannot_update(clean):
    # it says so before it does anything
    a, b = clean.nvdimms[1:3]
    part = clean.enter(clean.nvdimms[3].partition(HUGE_SECTORS, 200 * 2048))
    device = clean.enter(ToolDevice(a))
    before = table_of(device.name)
    line = daxlinear("tab", "--print", device.name)
    with boot_table(line):
        assert "has no UUID that is the same" in refused("extend", device.name, part)
    with boot_table(line, line):
        assert "line 2: there is a line" in refused("extend", device.name, b)
    assert table_of(device.name) == before
    with boot_table(line):
        daxlinear("extend", "--no-tab", device.name, part)


def test_merge_changes_no_line(clean):
    # of what is joined, it is the same device
    a, b = clean.nvdimms[1:3]
    device = clean.named_device(DaxLinear(HUGE_SECTORS, a, HUGE_SECTORS),
                                DaxLinear(HUGE_SECTORS, a, 2 * HUGE_SECTORS),
                                DaxLinear(HUGE_SECTORS, b, HUGE_SECTORS))
    line = daxlinear("tab", "--print", device.name)
    assert len(line.split()) == 3
    clean.enter(boot_table(line))
    daxlinear("merge", device.name)
    assert daxlinear("tab", "--print", device.name) == line
    assert "as it is" in daxlinear("tab", "--update", device.name)
    before = table_of(device.name)
    device.remove()
    daxlinear("tab", "--make", device.name)
    assert [row.replace(" 1 align_pmd", "") for row in table_of(device.name)] == before


def test_shorter_than_its_filesystem(clean):
    a, b, c = clean.nvdimms[1:4]
    device = clean.enter(ToolDevice(b, a))
    tab = Tab(clean)
    tab.write("# first", daxlinear("tab", "--print", device.name))
    daxlinear("mkfs", device.name)
    with Xfs(device, clean.folder(), make=False) as fs:
        daxlinear("extend", "--force", device.name, c)
        fs.write("file", b"data")
    device.remove()
    reason = tab.refused("--make", device.name)
    for text in ("XFS of 768 MiB", f"line 2 of {tab.path}", "384 MiB",
                 f"daxlinear tab --update {device.name}"):
        assert text in reason
    assert ioctl.names() == []
    # as it says
    daxlinear("create", "--no-label", "--force", device.name, b, a, c)
    tab.tool("--update", device.name)
    device.remove()
    tab.tool("--make", device.name)
    with Xfs(device, clean.folder(), make=False) as fs:
        assert fs.read("file", 4) == b"data"


def test_shorter_in_the_middle_of_a_child(clean):
    # what holds the superblock is where the line says
    c = clean.nvdimms[3]
    device = clean.enter(ToolDevice("--force", c, "--offset", "64M", "--granule", "64M"))
    run("mkfs.xfs", "-q", "-f", device)
    device.remove()
    tab = Tab(clean)
    tab.write(f"{device.name} {c},offset=64M,len=320M")
    assert "XFS of 384 MiB" in tab.refused("--make", device.name)


def test_what_has_no_line(clean):
    striped = clean.named_device(f"0 4096 striped 2 8 {clean.nvdimms[0]} 0 {clean.nvdimms[1]} 0")
    assert 'a target "striped"' in refused("tab", "--print", striped.name)
    waiting = clean.named_device()
    assert "has no table" in refused("tab", "--print", waiting.name)
    part = clean.enter(clean.nvdimms[2].partition(HUGE_SECTORS, 4 * HUGE_SECTORS))
    device = clean.named_device(DaxLinear(HUGE_SECTORS, part))
    assert "has no UUID that is the same" in refused("tab", "--print", device.name)


@pytest.mark.parametrize("words, code, text", [
    ([], USAGE, "give --print, --update, --make or --units"),
    (["mem"], USAGE, '"mem" is one word too many'),
    (["--print"], USAGE, "--print wants a value"),
    (["--print", "a", "--make", "a"], USAGE, "one of --print, --update, --make and --units"),
    (["--update", "missing"], FAILED, 'no mapped device "missing"'),
    (["--print", "missing"], FAILED, 'no mapped device "missing"'),
    (["--file", "/dev", "--make", "x"], FAILED, "/dev: Is a directory"),
])
def test_bad_input(bed, words, code, text):
    assert bed.nvdimms
    assert text in refused("tab", *words, code=code)
