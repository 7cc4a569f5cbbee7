# SPDX-License-Identifier: GPL-2.0
"""daxlinear create and remove: what they make and refuse; nothing is left half done."""

import os
import subprocess

import pytest

from lib.command import ENVIRONMENT, run
from lib.dm.ioctl import names
from lib.dm.target import DaxLinear, Linear, table
from lib.fs.xfs import Xfs
from lib.module import TARGET
from lib.tool import strace
from lib.tool.tab import boot_table
from lib.tool.tool import (BAD_NAMES, FAILED, PROGRAM, USAGE, ToolDevice, ask, call, daxlinear,
                           refused)
from lib.units import HUGE_MIB, HUGE_SECTORS, MIB, MIB_SECTORS, PAGE, PAGE_SECTORS, SECTOR


class LvmDevice(ToolDevice):
    """A mapped device that looks as though LVM had made it; `words` are its targets."""

    def __enter__(self):
        run("dmsetup", "create", self.name, "--uuid", "LVM-" + "x" * 64,
            stdin=table(*self.words))
        return self.found()


# the smallest that mkfs.xfs takes
GRANULE = 128 * MIB_SECTORS


def table_of(name):
    """Return the lines of a table."""
    return run("dmsetup", "table", name).splitlines()


def test_create(clean):
    a, b, c = clean.nvdimms[1:4]
    device = clean.enter(ToolDevice(a, b, c))
    lengths = [nvdimm.sectors // GRANULE * GRANULE for nvdimm in (a, b, c)]
    assert device.sectors == sum(lengths)
    # one line: the target bridges ranges only within a line
    words = " ".join(f"{nvdimm.number} 0 {length}"
                     for nvdimm, length in zip((a, b, c), lengths, strict=True))
    assert table_of(device.name) == [f"0 {sum(lengths)} daxlinear 3 {words} 1 align_pmd"]
    assert [status.alive for status in device.status()] == [3]
    # it prints what it made, and what is left
    assert device.output.splitlines()[0] == f"/dev/mapper/{device.name}: {sum(lengths) // 2048} MiB"
    rows = [line.split() for line in device.output.splitlines()[2:]]
    assert [(row[2], row[4]) for row in rows] == [(str(length // 2048), nvdimm.path)
                                                  for nvdimm, length in zip((a, b, c), lengths)]
    assert [int(row[5]) for row in rows] == [(nvdimm.sectors - length) // 2048
                                             for nvdimm, length in zip((a, b, c), lengths)]
    # failures of its children are forwarded
    with clean.probe.holding(device):
        assert len(clean.probe.inject(b, PAGE).calls) == 1
    daxlinear("remove", device.name)
    assert not os.path.exists(device.path)


def test_dry_run(clean):
    a, b = clean.nvdimms[1:3]
    words = [a, "--offset", "32M", b, "--len", "200M", "--granule", "16M"]
    command = daxlinear("create", "--no-label", "--dry-run", "dry", *words)
    assert names() == []
    # the command that it prints makes the same device
    run("sh", stdin=command)
    lines = table_of("dry")
    daxlinear("remove", "dry")
    assert table_of(clean.enter(ToolDevice(*words)).name) == lines


@pytest.mark.parametrize("words, expected", [
    # offset and length in MiB of what is used of a child of 254 MiB
    ([], (0, 128)),
    (["--offset", "64M"], (64, 128)),
    (["--offset", "64M", "--len", "150M"], (64, 128)),
    (["--len", "262144s"], (0, 128)),
    (["--granule", "16M"], (0, 240)),
    (["--granule", "2M", "--offset", "0x200000"], (2, 252)),
    (["--granule", "4K", "--len", "3MiB"], (0, 3)),
])
def test_ranges(clean, words, expected):
    child = clean.nvdimms[1]
    offset, length = (number * MIB_SECTORS for number in expected)
    device = clean.enter(ToolDevice(child, *words))
    assert table_of(device.name) == [
        f"0 {length} daxlinear 1 {child.number} {offset} {length} 1 align_pmd"]


def test_same_child_twice(clean):
    child = clean.nvdimms[1]
    device = clean.enter(ToolDevice(child, "--len", "64M", child, "--offset", "128M", "--granule",
                                    "2M"))
    assert table_of(device.name) == [
        f"0 {190 * MIB_SECTORS} daxlinear 2 {child.number} 0 {64 * MIB_SECTORS} "
        f"{child.number} {128 * MIB_SECTORS} {126 * MIB_SECTORS} 1 align_pmd"]


def test_neighbours_on_a_child(clean):
    # one range, so the second part need not start on a huge page
    child = clean.nvdimms[1]
    words = [child, "--len", "63M", child, "--offset", "63M", "--len", "65M", "--granule", "1M"]
    device = clean.enter(ToolDevice(*words))
    assert table_of(device.name) == [
        f"0 {GRANULE} daxlinear 1 {child.number} 0 {GRANULE} 1 align_pmd"]


def test_many_ranges(clean):
    # a line far longer than a page, made and read back
    sites = [(child, at) for child in clean.nvdimms[1:4]
             for at in range(0, child.sectors - HUGE_SECTORS, 2 * HUGE_SECTORS)]
    words = [word for child, at in sites for word in (child, "--offset", f"{at}s", "--len", "2M")]
    half = len(words) // 10 * 5
    device = clean.enter(ToolDevice("--granule", "2M", *words[:half]))
    daxlinear("extend", "--granule", "2M", device.name, *words[half:])
    assert len(sites) > 200
    ranges = "".join(f" {child.number} {at} {HUGE_SECTORS}" for child, at in sites)
    assert table_of(device.name) == [
        f"0 {len(sites) * HUGE_SECTORS} daxlinear {len(sites)}{ranges} 1 align_pmd"]
    (target,) = ask("status", device.name)["devices"][0]["targets"]
    assert [(part["child"], part["offset_bytes"]) for part in target["ranges"]] == [
        (child.name, at * SECTOR) for child, at in sites]
    place = (len(sites) - 1) * HUGE_SECTORS * SECTOR
    (below,) = ask("resolve", device.name, place)["below"]
    assert (below["device"], below["offset_bytes"]) == (sites[-1][0].path, sites[-1][1] * SECTOR)
    assert len(daxlinear("tab", "--print", device.name).split()) == len(sites) + 1


def test_partition_off_a_huge_page(clean):
    # its first huge page in memory begins a MiB into it, or later where they are larger
    pad = HUGE_SECTORS - MIB_SECTORS
    nvdimm = clean.nvdimms[1]
    part = clean.enter(nvdimm.partition(HUGE_SECTORS + MIB_SECTORS, 200 * MIB_SECTORS))
    device = clean.enter(ToolDevice(part))
    assert table_of(device.name) == [
        f"0 {GRANULE} daxlinear 1 {part.number} {pad} {GRANULE} 1 align_pmd"]


def test_no_huge_page(clean):
    # a child that ends before its first huge page in memory begins is used from its start on
    nvdimm = clean.nvdimms[3]
    part = clean.enter(nvdimm.partition(HUGE_SECTORS + MIB_SECTORS, HUGE_SECTORS - MIB_SECTORS))
    done = call("create", "--no-label", "small", part, "--granule", PAGE)
    assert done.code == 0 and f"{part.path} does not start on {HUGE_MIB} MiB" in done.err
    length = HUGE_SECTORS - MIB_SECTORS
    assert table_of("small") == [f"0 {length} daxlinear {part.number} 0"]
    daxlinear("remove", "small")


def test_off_a_huge_page(clean):
    # as requested, and with a warning: no huge pages
    nvdimm = clean.nvdimms[1]
    done = call("create", "--no-label", "off", nvdimm, "--offset", PAGE)
    assert done.code == 0 and f"{nvdimm.path} does not start on {HUGE_MIB} MiB" in done.err
    assert table_of("off") == [f"0 {GRANULE} daxlinear {nvdimm.number} {PAGE_SECTORS}"]
    daxlinear("remove", "off")
    # beside a child that would have them
    other = clean.nvdimms[2]
    done = call("create", "--no-label", "off", other, "--len", "128M", nvdimm, "--offset", PAGE)
    assert done.err.count(f"does not start on {HUGE_MIB} MiB") == 1 and nvdimm.path in done.err
    assert table_of("off") == [f"0 {2 * GRANULE} daxlinear 2 {other.number} 0 {GRANULE} "
                               f"{nvdimm.number} {PAGE_SECTORS} {GRANULE}"]
    daxlinear("remove", "off")


def test_nested(clean):
    a, b = clean.nvdimms[1:3]
    below = clean.enter(ToolDevice(a))
    above = clean.enter(ToolDevice(below, b))
    lengths = [a.sectors // GRANULE * GRANULE, b.sectors // GRANULE * GRANULE]
    assert table_of(above.name) == [
        f"0 {sum(lengths)} daxlinear 2 {below.number} 0 {lengths[0]} {b.number} 0 {lengths[1]} "
        "1 align_pmd"]
    assert f"{below.name} is in use" in refused("remove", below.name)


SIGNATURES = {
    "XFS": (["mkfs.xfs", "-q", "-f", "{}"], "xfs"),
    "ext4": (["mkfs.ext4", "-q", "{}", "64M"], "ext4"),
    "swap": (["mkswap", "{}"], "swap"),
    "LVM": (["pvcreate", "-qq", "-y", "{}"], "LVM2_member"),
    "GPT": (["sh", "-c", "echo label: gpt | sfdisk -q --no-reread --no-tell-kernel {}"], "gpt"),
    "DOS": (["sh", "-c", "echo label: dos | sfdisk -q --no-reread --no-tell-kernel {}"], "dos"),
}


@pytest.mark.parametrize("what", SIGNATURES)
def test_signature(clean, what):
    # data on a child is not overwritten silently
    words, name = SIGNATURES[what]
    first, child = clean.nvdimms[0], clean.nvdimms[3]
    run(*[word.format(child.path) for word in words])
    try:
        reason = refused("create", "--no-label", "taken", first, child)
        assert child.path in reason and name in reason
        # what keeps the data comes first
        keeps, erases = "--force keeps that and uses the device as it is", "erases it"
        assert reason.index(keeps) < reason.index(f"wipefs -a {child.path} {erases}")
        assert names() == []
        daxlinear("create", "--no-label", "--force", "taken", first, child)
        daxlinear("remove", "taken")
        # it is still there
        assert name in refused("create", "--no-label", "taken", child)
    finally:
        run("wipefs", "-aq", child.path)


def test_signature_of_a_device_of_the_table(clean):
    # there is a better way than --force for what the next boot would make
    a, b = clean.nvdimms[1:3]
    device = clean.enter(ToolDevice(a, b))
    daxlinear("mkfs", device.name)
    clean.enter(boot_table(daxlinear("tab", "--print", device.name)))
    before = table_of(device.name)
    device.remove()
    reason = refused("create", "--no-label", device.name, a, b)
    way = f"daxlinear tab --make {device.name}"
    assert reason.index(way) < reason.index("--force keeps") < reason.index("wipefs")
    assert "tab --make" not in refused("create", "--no-label", "another", a, b)
    daxlinear(*way.split()[1:])
    assert table_of(device.name) == before


def test_signature_in_the_range(clean):
    # at the start of the range that would be used, not of the device
    child = clean.nvdimms[3]
    with clean.nvdimms[3].partition(64 * MIB_SECTORS, 400 * MIB_SECTORS) as part:
        run("mkfs.xfs", "-q", "-f", part)
    try:
        daxlinear("create", "--no-label", "free", child, "--len", "64M", "--granule", "16M")
        daxlinear("remove", "free")
        assert "holds xfs" in refused("create", "--no-label", "taken", child, "--offset", "64M")
    finally:
        with clean.nvdimms[3].partition(64 * MIB_SECTORS, 400 * MIB_SECTORS) as part:
            run("wipefs", "-aq", part)


def test_others_data(clean):
    # the signature in a child's first sector belongs to the device that maps it
    child = clean.nvdimms[3]
    first = clean.enter(ToolDevice(child, "--len", "384M"))
    run("mkfs.xfs", "-q", "-f", first)
    try:
        clean.enter(ToolDevice(child, "--offset", "384M", "--granule", "2M"))
        reason = refused("create", "--no-label", "third", child)
        assert child.path in reason and first.name in reason and "--force" in reason
    finally:
        run("wipefs", "-aq", first)


def test_overlap_with_a_partition(clean):
    nvdimm = clean.nvdimms[1]
    part = clean.enter(nvdimm.partition(64 * MIB_SECTORS, 128 * MIB_SECTORS))
    device = clean.enter(ToolDevice(part))
    assert device.name in refused("create", "--no-label", "whole", nvdimm)
    assert "same place" in refused("create", "--no-label", "--force", "both", nvdimm, part,
                                   code=USAGE)


def test_mounted(clean):
    # by XFS with DAX, which holds its dax_device, and by ext4, which does not
    child = clean.nvdimms[3]
    with Xfs(child, clean.folder()) as fs:
        other = clean.enter(ToolDevice(clean.nvdimms[1]))
        for words in (["create", "--no-label", "busy", child],
                      ["create", "--no-label", "--force", "busy", child],
                      ["extend", other.name, child], ["extend", "--force", other.name, child]):
            assert f"{child.path} is mounted on {fs.folder}: unmount it" in refused(*words)
        # where it can't be seen to be mounted
        hidden = ["unshare", "--mount", "sh", "-c", f'umount {fs.folder} && exec "$@"', "sh"]
        for words in (["busy", child], ["--force", "busy", child]):
            done = call("create", "--no-label", *words, prefix=hidden)
            assert (done.code, done.out) == (FAILED, "")
            assert f"{child.path}: Device or resource busy: lsblk shows" in done.err
        assert names() == [other.name]
    run("wipefs", "-aq", child.path)


def test_no_dax(clean):
    nvdimm = clean.nvdimms[0]
    with nvdimm.raw() as path:
        reason = refused("create", "--no-label", "raw", path)
        assert "raw mode" in reason and f"-e {nvdimm.namespace} -m fsdax" in reason
    with nvdimm.devdax() as path:
        reason = refused("create", "--no-label", "devdax", path)
        assert f"{path} is no block device" in reason
        assert f"ndctl create-namespace -f -e {nvdimm.namespace} -m fsdax makes it one" in reason
    assert "/dev/vda has no DAX" in refused("create", "--no-label", "disk", "/dev/vda")


BAD: dict[str, tuple[list, int, str]] = {
    # of the command line
    "no name": ([], USAGE, "give a NAME"),
    "no device": (["x"], USAGE, "one DEV at least"),
    "unknown option": (["--what", "x", "{a}"], USAGE, '"--what" is no option'),
    "offset first": (["x", "--offset", "1M", "{a}"], USAGE, "belongs to the device before it"),
    "offset without value": (["x", "{a}", "--offset"], USAGE, "--offset wants a value"),
    "offset not a size": (["x", "{a}", "--offset", "1X"], USAGE, '"1X" is no size'),
    "offset too large": (["x", "{a}", "--offset", "99999P"], USAGE, "is too large"),
    "offset off a page": (["x", "{a}", "--offset", "7s"], USAGE, "no multiple of a page"),
    "length off a page": (["x", "{a}", "--len", "1000000"], USAGE, "no multiple of a page"),
    "no length": (["x", "{a}", "--len", "0"], USAGE, "nothing of {a}"),
    "no granule": (["x", "{a}", "--granule", "0"], USAGE, "a page at least"),
    "empty name": (["", "{a}"], USAGE, '"" is no name'),
    "name with a slash": (["a/b", "{a}"], USAGE, '"a/b" is no name'),
    "name with a blank": (["a b", "{a}"], USAGE, '"a b" is no name'),
    "name of 128 letters": (["n" * 128, "{a}"], USAGE, "1 to 127 letters"),
    "name of something else": (["control", "{a}"], USAGE, "in /dev/mapper"),
    "the same child twice": (["x", "{a}", "{a}"], USAGE, "same place"),
    # of the machine
    "missing device": (["x", "/dev/missing"], FAILED, "/dev/missing: No such file"),
    "a second device that is missing": (["x", "{a}", "/dev/missing"], FAILED, "No such file"),
    "a file": (["x", "/etc/passwd"], FAILED, "/etc/passwd is no block device"),
    "a folder": (["x", "/dev"], FAILED, "/dev is no block device"),
    "a character device": (["x", "/dev/null"], FAILED, "/dev/null is no block device"),
    "offset at the end": (["x", "{a}", "--offset", "254M"], FAILED,
                          "ends at 254 MiB: there is nothing from 254 MiB on"),
    "offset past the end": (["x", "{a}", "--offset", "1T"], FAILED, "nothing from 1 TiB on"),
    "length past the end": (["x", "{a}", "--len", "255M"], FAILED, "254 MiB are left"),
    "length past the end from an offset": (
        ["x", "{a}", "--offset", "4M", "--len", "251M"], FAILED, "250 MiB are left"),
    "granule too large": (["x", "{a}", "--granule", "1G"], FAILED, "nothing is left"),
    "child too small": (["x", "{a}", "--len", "64M"], FAILED, "say --granule"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input(clean, case):
    words, code, text = BAD[case]
    path = clean.nvdimms[1].path
    reason = refused("create", "--no-label", *[word.format(a=path) for word in words], code=code)
    assert text.format(a=path) in reason
    assert len(reason.splitlines()) == 1
    assert names() == []


def test_name_of_127_letters(clean):
    clean.enter(ToolDevice(clean.nvdimms[1], name="n" * 127))


def test_name_in_use(clean):
    # the name of a device with a table, and of one without
    device = clean.enter(ToolDevice(clean.nvdimms[1]))
    before = table_of(device.name)
    assert "already" in refused("create", "--no-label", device.name, clean.nvdimms[2])
    assert table_of(device.name) == before
    waiting = clean.named_device()
    assert "already" in refused("create", "--no-label", waiting.name, clean.nvdimms[2])


def test_not_root(clean):
    done = call("create", "--no-label", "x", clean.nvdimms[1],
                prefix=["setpriv", "--reuid", "65534", "--clear-groups"])
    assert done.code == FAILED and "only root" in done.err


def test_no_module(clean):
    TARGET.remove()
    try:
        reason = refused("create", "--no-label", "x", clean.nvdimms[1])
        assert 'no target "daxlinear": modprobe dm-daxlinear' in reason
        assert names() == []
    finally:
        TARGET.insert()


@pytest.mark.parametrize("what, left", [
    ("signal=KILL", True), ("signal=TERM", False), ("error=ENOMEM", False)])
def test_cut_short(clean, what, left):
    # before each call that changes something, and after the last of them
    a, b = clean.nvdimms[1:3]
    done, calls = strace.record("create", "--no-label", "cut", a, b)
    assert done.code == 0
    whole = table_of("cut")
    assert len(whole) == 1 and whole[0].split()[3] == "2"
    daxlinear("remove", "cut")
    steps = [number for number, name in enumerate(calls, 1) if name in strace.CHANGES]
    assert [calls[number - 1] for number in steps] == ["DM_DEV_CREATE", "DM_TABLE_LOAD",
                                                       "DM_DEV_SUSPEND"]
    for number in [*steps, steps[-1] + 1]:
        done = strace.inject(number, what, "create", "--no-label", "cut", a, b)
        made = "cut" in names() and table_of("cut") == whole
        # after a change the device is complete
        if not made and not left:
            assert names() == [] and done.code != 0
        if not made:
            # a device that is left can be made again
            assert len(names()) <= 1
            daxlinear("create", "--no-label", "cut", a, b)
        assert table_of("cut") == whole
        daxlinear("remove", "cut")


def test_remove(clean):
    a = clean.nvdimms[1]
    # by its path, and by its name
    device = clean.enter(ToolDevice(a))
    daxlinear("remove", device.path)
    daxlinear("create", "--no-label", device.name, a)
    with Xfs(device, clean.folder(), agsize=32 * MIB):
        assert f"{device.name} is in use: unmount it" in refused("remove", device.name)
        # it fails at once: it retries only while udev has the device open, and udev does not here
        _, calls = strace.record("remove", device.name)
        assert calls.count("DM_DEV_REMOVE") == 1
    daxlinear("remove", device.name)
    run("wipefs", "-aq", a.path)


def test_remove_what_is_not_ours(clean):
    other = clean.named_device(Linear(2048, clean.nvdimms[1]))
    assert "--force" in refused("remove", other.name)
    # a daxlinear device, also if dmsetup made it
    ours = clean.named_device(DaxLinear(2048, clean.nvdimms[1]))
    daxlinear("remove", ours.name)
    daxlinear("remove", "--force", other.name)


@pytest.mark.parametrize("name, text", [
    ("vg-two", "LVM's volume vg/two: lvchange -an vg/two deactivates it, lvremove vg/two deletes"),
    ("vg-two_rimage_0", "a part of one of LVM's volumes"),
    ("vg-two-real", "a part of one of LVM's volumes"),
])
def test_lvms(clean, name, text):
    # also one of our targets: LVM makes its tables, and its volumes go by its commands
    a, b = clean.nvdimms[1:3]
    device = clean.enter(LvmDevice(DaxLinear(2048, a), name=name))
    assert text in refused("remove", name)
    for words in (["create", "--no-label", name, b], ["create", "--no-label", "--force", name, b]):
        assert "already, which LVM made: choose another name" in refused(*words)
    for words in (["extend", name, b], ["extend", "--force", name, b], ["merge", name]):
        assert "lvextend makes it longer" in refused(*words)
    for option in "--print", "--update":
        assert "LVM's, which activates it at boot" in refused("tab", option, name)
    assert table_of(name) == [f"0 2048 daxlinear {a.number} 0"]
    daxlinear("remove", "--force", device.name)


@pytest.mark.parametrize("words, code, text", [
    *BAD_NAMES,
    (["--force", "missing"], FAILED, "missing"),
])
def test_remove_bad_input(bed, words, code, text):
    assert bed.nvdimms
    assert text in refused("remove", *words, code=code)


def test_at_the_same_time(clean):
    # one after the other: exactly one makes it
    children = clean.nvdimms[1:4]
    # all are waited for below
    # pylint: disable-next=consider-using-with
    running = [subprocess.Popen([PROGRAM, "create", "--no-label", "one", child.path],
                                env=ENVIRONMENT, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)
               for child in children]
    assert sorted(process.wait(60) for process in running) == [0, FAILED, FAILED]
    assert len(table_of("one")) == 1
    daxlinear("remove", "one")
