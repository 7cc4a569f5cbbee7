# SPDX-License-Identifier: GPL-2.0
"""daxlinear check: each state in which it must not be green, and that the remedy cures it."""

import contextlib
import glob
import json
import os
import re
import subprocess

import pytest

from lib.beside import PATIENCE_SECONDS
from lib.command import read_file, run, write_file
from lib.devices.badblocks import heal
from lib.devices.unplug import Unplugged
from lib.dm.device import NamedDevice
from lib.dm.target import DaxLinear, Linear, Striped
from lib.fs.xfs import Xfs
from lib.holders.record import Record
from lib.module import HOLDER, TARGET, TOP
from lib.tool.monitor import HISTORY, Monitor, history, state
from lib.tool.tool import FOUND, ToolDevice, ask, call, daxlinear
from lib.units import MIB, MIB_SECTORS, PAGE, PAGE_SECTORS

GROUP = 128 * MIB_SECTORS

TAB = "/etc/daxlineartab"


def bad(device):
    """Return the names of the findings that are not good."""
    done = call("check", device.name, "--json")
    assert done.code in (0, FOUND), done
    found = ask("check", device.name, code=done.code)
    names = [check["check"] for check in found["checks"] if not check["good"]]
    assert found["good"] == (not names) == (done.code == 0)
    return names


def text(device, name):
    """Return the text of the only bad finding of a name."""
    (found,) = [check["text"] for check in ask("check", device.name, code=FOUND)["checks"]
                if check["check"] == name and not check["good"]]
    return found


@contextlib.contextmanager
def _dropping_dead():
    yield
    call("attach", "--all")


@pytest.fixture(name="clean", autouse=True)
def _clean(clean):
    """Drop attachments in the end whose devices were removed while they were attached."""
    clean.enter(_dropping_dead())
    return clean


@pytest.fixture(name="device")
def _device(clean):
    """A device of 256 and 384 MiB with an XFS."""
    device = clean.enter(ToolDevice(*clean.nvdimms[2:4]))
    daxlinear("mkfs", "--force", device.name)
    assert bad(device) == []
    return device


@pytest.fixture(name="fs")
def _fs(clean, device):
    """The XFS of the device, mounted."""
    fs = clean.enter(Xfs(device, clean.folder(), make=False))
    assert bad(device) == []
    return fs


def make_anew(device):
    """Remove a daxlinear device, and make it again with the same table."""
    table = device.table_text()
    device.remove()
    run("dmsetup", "create", device.name, stdin=table)
    device.found()


def test_shut_down(device, fs):
    run("xfs_io", "-x", "-c", "shutdown", fs.folder)
    assert fs.is_shut_down()
    assert bad(device) == ["shut_down"]
    assert f"umount {fs.folder}" in text(device, "shut_down")
    fs.unmount()
    fs.mount()
    assert bad(device) == []


def test_shut_down_by_a_failure(clean, device, fs):
    clean.probe.inject(clean.nvdimms[2], 0)
    assert fs.is_shut_down()
    assert bad(device) == ["failures", "shut_down"]
    fs.unmount()
    # the superblock may be bad still, whatever counts failures
    make_anew(device)
    fs.mount()
    assert bad(device) == ["failures"]
    Record(clean.nvdimms[2]).clear()
    assert bad(device) == []


@pytest.mark.parametrize("dax", ["never", "inode"])
def test_mounted_without_dax(clean, device, dax):
    with Xfs(device, clean.folder(), make=False, dax=dax) as fs:
        if dax == "inode":
            # other files than this one are still without DAX
            run("xfs_io", "-f", "-c", "chattr +x", fs.path("file"))
        assert bad(device) == ["dax"]
        said = text(device, "dax")
        assert f"dax={dax}" in said and fs.folder in said and "dax=always" in said
        assert ("FS_XFLAG_DAX" in said) == (dax == "inode")
    with Xfs(device, clean.folder(), make=False):
        assert bad(device) == []


def test_mounted_by_default(clean, device):
    folder = clean.folder()
    run("mount", "-t", "xfs", device.path, folder)
    try:
        assert bad(device) == ["dax"] and "FS_XFLAG_DAX" in text(device, "dax")
    finally:
        run("umount", folder)


def test_dax_turned_off_by_the_kernel(clean, device):
    """The mapped device has another holder, so XFS mounts without DAX."""
    with clean.probe.holding(device):
        with Xfs(device, clean.folder(), make=False):
            assert bad(device) == ["dax"] and "kernel log" in text(device, "dax")
    with Xfs(device, clean.folder(), make=False):
        assert bad(device) == []


def test_mounted_elsewhere(device):
    """It is mounted in another mount namespace, which check does not see."""
    script = f"mount -t xfs -o dax=never {device} /mnt && echo ready && read -r _"
    with subprocess.Popen(["unshare", "-m", "sh", "-c", script], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin and process.stdout
        assert process.stdout.readline() == "ready\n"
        assert bad(device) == ["xfs"] and "mount namespace" in text(device, "xfs")
        process.stdin.close()
        process.wait(PATIENCE_SECONDS)
    assert bad(device) == []


def test_hidden_by_another_mount(device, fs):
    run("mount", "-t", "tmpfs", "tmpfs", fs.folder)
    try:
        assert bad(device) == ["xfs"] and f"on {fs.folder}" in text(device, "xfs")
    finally:
        run("umount", fs.folder)
    assert bad(device) == []


def test_badblocks(clean, device, fs):
    assert fs
    a, b = clean.nvdimms[2:4]
    # bad blocks behind its range are not on the device
    b.add_badblocks(3 * GROUP, 8)
    assert bad(device) == []
    b.add_badblocks(300 * MIB_SECTORS, 8)
    assert bad(device) == ["badblocks"]
    said = text(device, "badblocks")
    assert b.path in said and f"daxlinear damage {device.name}" in said
    a.add_badblocks(100 * MIB_SECTORS, 8)
    assert bad(device) == ["badblocks"] * 2
    heal(a)
    heal(b)
    assert bad(device) == []


def test_bad_superblock(clean, device):
    """If the finding were "no XFS", an administrator would overwrite the one that is there."""
    child = clean.nvdimms[2]
    with open(device.path, "rb") as file:
        page = file.read(PAGE)
    child.add_badblocks(0, 1)
    assert bad(device) == ["badblocks", "xfs"]
    said = text(device, "xfs")
    assert "can't be read" in said and "Input/output error" in said and "mkfs" not in said
    heal(child)
    with open(device.path, "r+b") as file:
        file.write(page)
    assert bad(device) == []


def test_badblocks_of_stripes(clean):
    a, b = clean.nvdimms[2:4]
    half = 160 * MIB_SECTORS
    device = clean.named_device(Striped(2 * half, 128, [(a, MIB_SECTORS), (b, 0)]))
    daxlinear("attach", device.name)
    daxlinear("mkfs", "--force", device.name)
    assert bad(device) == []
    a.add_badblocks(MIB_SECTORS - 8, 8)
    b.add_badblocks(half, 8)
    assert bad(device) == []
    a.add_badblocks(MIB_SECTORS + half - 1, 1)
    assert bad(device) == ["badblocks"] and a.path in text(device, "badblocks")
    b.add_badblocks(half - 1, 1)
    assert bad(device) == ["badblocks"] * 2
    heal(a)
    heal(b)
    assert bad(device) == []


def test_failures(clean, device, fs):
    # in free space: XFS loses nothing
    assert clean.probe.inject(clean.nvdimms[3], 200 * MIB).rc == 0
    assert not fs.is_shut_down()
    assert bad(device) == ["failures"]
    said = text(device, "failures")
    assert f"4 KiB of {device.name}, in 1 range, failed" in said
    assert f"daxlinear damage {device.name}" in said
    fs.unmount()
    make_anew(device)
    fs.mount()
    assert bad(device) == ["failures"]
    # beside the device, and no more on it
    clean.probe.inject(clean.nvdimms[3], 400 * MIB)
    record = Record(clean.nvdimms[3])
    record.clear(f"{200 * MIB_SECTORS} {PAGE_SECTORS}")
    assert record.ranges()
    assert bad(device) == []


def test_failures_of_an_earlier_boot(clean, device, fs):
    # which only the history has, as dax_holder forgets; what is in quarantine is none, as far as
    # the filesystem cannot be asked
    clean.enter(state())
    a = clean.nvdimms[3]
    clean.probe.inject(a, 200 * MIB)
    with Monitor():
        assert len(history()["ranges"]) == 1
    Record(a).clear()
    assert not Record(a).ranges()
    kept = history()
    for word, found in (("bad", ["failures"]), ("quarantined", [])):
        # the kernel has no event of it
        kept["ranges"][0] |= {"boot": "earlier", "state": word, "last": "2999-01-01T00:00:00.000Z"}
        write_file(HISTORY, json.dumps(kept))
        fs.unmount()
        assert bad(device) == found
        # the filesystem has the last word: the quarantine does not have it
        fs.mount()
        assert bad(device) == ["failures"]
    assert not fs.is_shut_down()


def test_failures_of_an_attached_device(clean):
    child = clean.nvdimms[3]
    device = clean.named_device(Linear(3 * GROUP, child))
    daxlinear("attach", device.name)
    daxlinear("mkfs", "--force", device.name)
    with Xfs(device, clean.folder(), make=False):
        clean.probe.inject(child, 300 * MIB)
        clean.probe.inject(child, 301 * MIB)
        assert bad(device) == ["failures"]
        assert f"8 KiB of {device.name}, in 2 ranges, failed" in text(device, "failures")
        daxlinear("detach", device.name)
        assert bad(device) == ["targets", "failures"]
        daxlinear("attach", device.name)
        assert bad(device) == ["failures"]
        Record(child).clear()
        assert bad(device) == []


def test_child_gone(clean, device):
    with Unplugged(clean.nvdimms[2]) as unplugged:
        assert "alive" in bad(device)
        # the superblock was on it
        assert "mkfs" not in text(device, "xfs")
        unplugged.plug()
        assert "alive" in bad(device)
        device.remove()
    run("dmsetup", "create", device.name, stdin=DaxLinear.ranges(
        [(clean.nvdimms[2], 0, 2 * GROUP), (clean.nvdimms[3], 0, 3 * GROUP)], "align_pmd").line(0))
    device.found()
    assert bad(device) == []


def test_stripe_gone(clean):
    a, b = clean.nvdimms[2:4]
    device = clean.named_device(Striped(256 * MIB_SECTORS, 128, [(a, 0), (b, 0)]))
    daxlinear("attach", device.name)
    with Unplugged(b):
        assert "alive" in bad(device)
        device.remove()


OTHERS = {
    "linear": lambda a, b: Linear(8, a, 2 * GROUP - 8),
    "daxlinear": lambda a, b: DaxLinear.ranges([(a, 2 * GROUP, 8), (b, GROUP, 8)]),
    "striped": lambda a, b: Striped(16 * 128, 128, [(a, 2 * GROUP), (b, 3 * GROUP - 1)]),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_overlap(clean, device, kind):
    a, b = clean.nvdimms[2:4]
    # devices beside it and above it do not overlap it
    clean.named_device(Linear(8, a, 2 * GROUP), Linear(8, b, 3 * GROUP))
    above = clean.named_device(Linear(PAGE_SECTORS, device))
    assert bad(device) == []
    with NamedDevice(OTHERS[kind](a, b)) as other:
        assert bad(device) == ["overlap"]
        said = text(device, "overlap")
        assert other.name in said and f"dmsetup remove {other.name}" in said
        assert above.name not in said
    assert bad(device) == []


def test_overlap_with_itself(clean):
    child = clean.nvdimms[3]
    device = clean.named_device(DaxLinear.ranges([(child, 0, GROUP),
                                                  (child, GROUP - PAGE_SECTORS, GROUP)]))
    assert "overlap" in bad(device)


def test_xfs_larger_than_the_device(clean, device):
    before = device.table_text()
    device.reload(DaxLinear.ranges([(clean.nvdimms[2], 0, 2 * GROUP)], "align_pmd"))
    assert bad(device) == ["size"]
    said = text(device, "size")
    assert "640 MiB" in said and "256 MiB" in said and "xfs_growfs" not in said
    device.reload(before)
    assert bad(device) == []


@pytest.mark.parametrize("more", [MIB_SECTORS, 100 * MIB_SECTORS, GROUP])
def test_xfs_smaller_than_the_device(clean, device, more):
    a, b = clean.nvdimms[2:4]
    lower = clean.nvdimms[1]
    device.reload(DaxLinear.ranges([(a, 0, 2 * GROUP), (b, 0, 3 * GROUP), (lower, 0, more)],
                                   "align_pmd"))
    assert bad(device) == ["size"] and "xfs_growfs" in text(device, "size")
    with Xfs(device, clean.folder(), make=False) as fs:
        assert bad(device) == ["size"] and f"xfs_growfs {fs.folder}" in text(device, "size")
        run("xfs_growfs", fs.folder)
        assert bad(device) == []


def test_xfs_cannot_grow(clean, device):
    # the rest is too small for an allocation group
    a, b = clean.nvdimms[2:4]
    device.reload(DaxLinear.ranges([(a, 0, 2 * GROUP), (b, 0, 3 * GROUP), (b, 3 * GROUP, 8)]))
    assert bad(device) == ["size"] and "xfs_growfs" not in text(device, "size")


@pytest.mark.parametrize("upper", ["daxlinear", "striped", "linear"])
def test_a_floor_that_forwards_nothing(clean, upper):
    """It is found below any target."""
    a, b = clean.nvdimms[2:4]
    half = 160 * MIB_SECTORS
    low = clean.named_device(Linear(half, a), Linear(half, b))
    target = {"daxlinear": DaxLinear.ranges([(low, 0, half), (low, half, half)], "align_pmd"),
              "striped": Striped(2 * half, 128, [(low, 0), (low, half)]),
              "linear": Linear(2 * half, low)}[upper]
    device = clean.named_device(target)
    daxlinear("attach", device.name)
    assert call("mkfs", "--force", device.name).code == 0
    with Xfs(device, clean.folder(), make=False):
        assert bad(device) == []
        daxlinear("detach", low.name)
        assert set(bad(device)) == {"targets"}
        assert f"daxlinear attach {device.name}" in daxlinear("check", device.name, code=FOUND)
        daxlinear("attach", device.name)
        assert bad(device) == []


def test_without_the_module(clean):
    device = clean.named_device(Linear(3 * GROUP, clean.nvdimms[3]))
    daxlinear("attach", device.name)
    assert call("mkfs", "--force", device.name).code == 0
    TARGET.remove()
    HOLDER.remove()
    try:
        assert bad(device) == ["targets"] and "modprobe dax_holder" in text(device, "targets")
    finally:
        HOLDER.insert()
        TARGET.insert()
    daxlinear("attach", device.name)
    assert bad(device) == []


def test_suspended(device, fs):
    device.suspend()
    try:
        assert bad(device) == ["suspended"]
        assert f"dmsetup resume {device.name}" in text(device, "suspended")
    finally:
        device.resume()
    assert fs and bad(device) == []


def test_suspended_below(clean):
    """The device is not read, as a read would wait."""
    child = clean.nvdimms[3]
    low = clean.named_device(DaxLinear.ranges([(child, 0, 3 * GROUP)], "align_pmd"))
    device = clean.named_device(DaxLinear.ranges([(low, 0, 3 * GROUP)], "align_pmd"))
    daxlinear("mkfs", "--force", device.name)
    low.suspend()
    try:
        assert bad(device) == ["suspended"] and low.name in text(device, "suspended")
    finally:
        low.resume()
    assert bad(device) == []


def test_without_a_table(clean):
    device = clean.named_device()
    assert "targets" in bad(device) and "no live table" in text(device, "targets")


def test_without_dax(clean):
    """A mapped device on a child without DAX."""
    with clean.nvdimms[3].raw() as path:
        with NamedDevice(Linear(3 * GROUP, path)) as device:
            assert "dax" in bad(device) and "has no DAX" in text(device, "dax")


@pytest.fixture(name="tab")
def _tab():
    """Write /etc/daxlineartab, for one test."""
    def write(*lines):
        with open(TAB, "w", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)

    assert not os.path.exists(TAB)
    yield write
    if os.path.exists(TAB):
        os.unlink(TAB)


def test_tab(device, tab):
    line = daxlinear("tab", "--print", device.name).strip()
    # it is up to the administrator whether there is one
    tab("other uuid=x,len=1M")
    assert bad(device) == [] and TAB not in daxlinear("check", device.name)
    tab("# of a test", line)
    assert bad(device) == []
    assert f"ok   line 2 of {TAB} makes {device.name}" in daxlinear("check", device.name)


TABS = {
    "shorter": lambda name, line: [line.rpartition(" ")[0]],
    "the children in another order": lambda name, line: [
        " ".join([name, *reversed(line.split()[1:])])],
    "another length": lambda name, line: [line.replace(f"len={384 * MIB}", f"len={383 * MIB}")],
    "twice": lambda name, line: [line, line],
    "a mistake": lambda name, line: [f"{name} uuid=x,len=none"],
    "a child that is missing": lambda name, line: [
        re.sub("uuid=[^,]*", "uuid=00000000-0000-0000-0000-00000000000f", line, count=1)],
}


@pytest.mark.parametrize("case", TABS)
def test_tab_that_does_not_fit(device, tab, case):
    line = daxlinear("tab", "--print", device.name).strip()
    tab(*TABS[case](device.name, line))
    assert bad(device) == ["tab"]
    said = text(device, "tab")
    assert TAB in said and "line" in said
    if case in ("twice", "a mistake"):
        # tab --update would have to guess
        tab(line)
    else:
        daxlinear("tab", "--update", device.name)
    assert bad(device) == []


def names_in_the_source(folders):
    """Return the names of all findings that files in these folders add."""
    found = set()
    for folder in folders:
        for path in glob.glob(os.path.join(TOP, f"tools/{folder}/*.c")):
            calls = re.findall(r"findings_add(_of)?\((.*?)\);", read_file(path), re.DOTALL)
            for is_of, arguments in calls:
                name = arguments.split(",")[2 if is_of else 1].strip()
                assert re.fullmatch(r'"\w+"|const char \*\w+', name), (path, name)
                found |= set(re.findall(r'"(\w+)"', name))
    return found


@pytest.mark.parametrize("title, folders", [
    ("What it can find", ["health", "boot", "cmd"]), ("What lvm check can find", ["lvm"])])
def test_each_finding_has_its_row(bed, title, folders):
    """The tables of Documentation/check.rst have a row for each name, and no other."""
    assert bed.nvdimms
    document = read_file(os.path.join(TOP, "Documentation/check.rst"))
    section = document.partition(f"\n{title}\n")[2].partition("\n===")[0]
    rows = re.findall(r"^   \* - ``(\w+)``$", section, re.MULTILINE)
    assert sorted(rows) == sorted(names_in_the_source(folders)) and len(rows) > 7
