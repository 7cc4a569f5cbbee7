# SPDX-License-Identifier: GPL-2.0
"""daxlinear merge: several lines of a table become one, and nothing moves."""

import mmap
import random

import pytest

from lib.command import run
from lib.dm.target import DaxLinear, Linear, Striped, table
from lib.fs.xfs import Xfs
from lib.tool import strace
from lib.tool.tool import BAD_NAMES, FOUND, ask, call, daxlinear, refused
from lib.units import HUGE_SECTORS, MIB, MIB_SECTORS, PAGE, PAGE_SECTORS, SECTOR, pages

PART = 64 * MIB_SECTORS


def table_of(name):
    """Return the lines of a table."""
    return run("dmsetup", "table", name).splitlines()


def old_device(bed, *options):
    """Return a device of a line for each of three children."""
    return bed.named_device(*[DaxLinear.ranges([(child, HUGE_SECTORS, PART)], *options)
                              for child in bed.nvdimms[1:4]])


def one_line(bed, *options):
    """Return the table of such a device, as one line."""
    words = "".join(f" {child.number} {HUGE_SECTORS} {PART}" for child in bed.nvdimms[1:4])
    tail = f" {len(options)} {' '.join(options)}" if options else ""
    return [f"0 {3 * PART} daxlinear 3{words}{tail}"]


def by_line(found):
    """Return check's finding on the lines."""
    return [check["good"] for check in found["checks"] if check["check"] == "lines"]


def test_mounted(clean):
    # a mapping goes on, and failures are forwarded at the same places
    device = old_device(clean, "align_2m")
    pattern = random.Random(14).randbytes(MIB)
    with Xfs(device, clean.folder(), agsize=32 * MIB) as fs:
        fs.reserve("file", 120 * MIB)
        with open(fs.path("file"), "r+b") as file, mmap.mmap(file.fileno(), 120 * MIB) as mapped:
            for at in range(0, 120 * MIB, MIB):
                mapped[at:at + MIB] = pattern
            assert daxlinear("merge", device.name) == (
                f"{device.name} is one line now, of 3 ranges; it was 3\n")
            assert table_of(device.name) == one_line(clean, "align_2m")
            for at in range(0, 120 * MIB, MIB):
                assert mapped[at:at + MIB] == pattern
                mapped[at] = 255 - pattern[0]
        assert fs.read("file", 2) == bytes([255 - pattern[0], pattern[1]])
        parts = {place // (PART * SECTOR) for _, first, length in fs.extents("file")
                 for place in (first, first + length - 1)}
        assert len(parts) > 1
    # the data is there after another mount
    with Xfs(device, clean.folder(), make=False) as fs:
        assert fs.read("file", MIB - 1, 1) == pattern[1:]
    run("xfs_repair", "-n", device.path)


def test_not_mounted(clean):
    device = old_device(clean)
    with open(device.path, "r+b") as file:
        for part in range(3):
            file.seek(part * PART * SECTOR)
            file.write(bytes([part + 1]) * PAGE)
    daxlinear("merge", device.path)
    assert table_of(device.name) == one_line(clean)
    with open(device.path, "rb") as file:
        for part in range(3):
            file.seek(part * PART * SECTOR)
            assert file.read(PAGE) == bytes([part + 1]) * PAGE
    with clean.probe.holding(device):
        for part, child in enumerate(clean.nvdimms[1:4]):
            (called,) = clean.probe.inject(child, HUGE_SECTORS * SECTOR + PAGE).calls
            assert called.off == part * PART * SECTOR + PAGE


def test_counters(clean):
    # counters belong to the sector where a line starts
    device = old_device(clean)
    a, b, _ = clean.nvdimms[1:4]
    clean.probe.inject(a, HUGE_SECTORS * SECTOR)
    for _ in range(2):
        clean.probe.inject(b, HUGE_SECTORS * SECTOR + PAGE)
    assert [status.received for status in device.status()] == [1, 2, 0]
    done = call("merge", device.name)
    assert done.code == 0
    assert (f"the line from 64 MiB on has ended, and its counters with it: 2 failures, "
            f"the last one at {PART * SECTOR + PAGE:#x}") in done.err
    assert len(done.err.splitlines()) == 1
    (status,) = device.status()
    assert (status.ranges, status.alive, status.received, status.last) == (3, 3, 1, 0)
    clean.probe.inject(b, HUGE_SECTORS * SECTOR)
    (status,) = device.status()
    assert (status.received, status.last) == (2, PART)


@pytest.mark.parametrize("options, kept", [
    ([["align_pmd"]] * 3, ["align_pmd"]),
    ([["align_2m"]] * 3, ["align_2m"]),
    ([["align_2m"], ["align_pmd"], ["align_2m"]], ["align_2m"]),
    # align_2m of some lines only, and allow_move of an earlier load
    ([["align_2m"], [], ["align_2m"]], []),
    ([["allow_move"]] * 3, []),
    ([["align_2m", "allow_move"], ["allow_move", "align_2m"], ["align_2m"]], ["align_2m"]),
])
def test_options(clean, options, kept):
    device = clean.named_device(*[
        DaxLinear.ranges([(child, HUGE_SECTORS, PART)], *words)
        for child, words in zip(clean.nvdimms[1:4], options, strict=True)])
    daxlinear("merge", device.name)
    assert table_of(device.name) == one_line(clean, *kept)


def test_several_ranges(clean):
    # neighbours that go on with the same child are one range
    a, b = clean.nvdimms[1:3]
    device = clean.named_device(
        DaxLinear.ranges([(a, 0, MIB_SECTORS), (b, 0, MIB_SECTORS)]),
        DaxLinear(MIB_SECTORS, b, MIB_SECTORS),
        DaxLinear.ranges([(b, 2 * MIB_SECTORS, MIB_SECTORS), (a, 0, MIB_SECTORS)]))
    daxlinear("merge", device.name)
    assert table_of(device.name) == [
        f"0 {5 * MIB_SECTORS} daxlinear 3 {a.number} 0 {MIB_SECTORS} {b.number} 0 "
        f"{3 * MIB_SECTORS} {a.number} 0 {MIB_SECTORS}"]


def test_to_the_plain_form(clean):
    a = clean.nvdimms[1]
    device = clean.named_device(DaxLinear(MIB_SECTORS, a, PAGE_SECTORS),
                                DaxLinear(MIB_SECTORS, a, MIB_SECTORS + PAGE_SECTORS))
    daxlinear("merge", device.name)
    assert table_of(device.name) == [f"0 {2 * MIB_SECTORS} daxlinear {a.number} {PAGE_SECTORS}"]


def test_many_lines(clean):
    children = clean.nvdimms[1:4]
    lines = [(children[at % 3], pages(at // 3), PAGE_SECTORS) for at in range(600)]
    device = clean.named_device(*[DaxLinear(sectors, child, offset)
                                  for child, offset, sectors in lines])
    daxlinear("merge", device.name)
    words = "".join(f" {child.number} {offset} {sectors}" for child, offset, sectors in lines)
    assert table_of(device.name) == [f"0 4800 daxlinear 600{words}"]


@pytest.mark.parametrize("target", ["one range", "several", "an option"])
def test_one_line_already(clean, target):
    a, b = clean.nvdimms[1:3]
    device = clean.named_device({
        "one range": DaxLinear(MIB_SECTORS, a),
        "several": DaxLinear.ranges([(a, 0, MIB_SECTORS), (b, 0, MIB_SECTORS)]),
        "an option": DaxLinear.ranges([(a, 0, MIB_SECTORS)], "allow_move")}[target])
    before = table_of(device.name)
    done, calls = strace.record("merge", device.name)
    assert (done.code, done.out) == (0, f"{device.name} is one line already\n")
    assert not set(calls) & set(strace.CHANGES)
    assert table_of(device.name) == before


def test_dry_run(clean):
    device = old_device(clean, "align_2m")
    before = table_of(device.name)
    command = daxlinear("merge", "--dry-run", device.name)
    assert table_of(device.name) == before and not device.table_text("--inactive")
    run("sh", stdin=command)
    assert table_of(device.name) == one_line(clean, "align_2m")


def test_read_only(clean):
    # and it stays read-only
    device = old_device(clean)
    device.remove()
    run("dmsetup", "create", "--readonly", device.name, stdin=table(*device.targets))
    command = daxlinear("merge", "--dry-run", device.name)
    assert f"dmsetup load --readonly {device.name} <<END" in command
    daxlinear("merge", device.name)
    assert table_of(device.name) == one_line(clean)
    assert run("blockdev", "--getro", device.path) == "1\n"


def test_check(clean):
    # the message names the command that helps, also for a device below
    lower = old_device(clean)
    upper = clean.named_device(DaxLinear(2 * PART, lower, PART // 2))
    found = ask("check", upper.name, code=FOUND)
    assert by_line(found) == [True, False]
    said = daxlinear("check", upper.name, code=FOUND)
    assert f"BAD  the table of {lower.name} has 3 lines" in said
    assert f"daxlinear merge {lower.name} makes" in said
    assert f"ok   the table of {upper.name} is one line" in said
    # a device is merged below another as well
    daxlinear("merge", lower.name)
    assert by_line(ask("check", upper.name, code=FOUND)) == [True, True]


def test_check_of_others(clean):
    a, b = clean.nvdimms[1:3]
    stock = clean.named_device(Linear(MIB_SECTORS, a), Linear(MIB_SECTORS, b))
    assert by_line(ask("check", stock.name, code=FOUND)) == []
    mixed = clean.named_device(DaxLinear(MIB_SECTORS, a), Linear(MIB_SECTORS, b))
    assert by_line(ask("check", mixed.name, code=FOUND)) == [False]


def test_other_targets(clean):
    # stock lines are left to the program that made them
    a, b = clean.nvdimms[1:3]
    mixed = clean.named_device(DaxLinear(MIB_SECTORS, a), Linear(MIB_SECTORS, b))
    before = table_of(mixed.name)
    for words in (["merge", mixed.name], ["merge", "--dry-run", mixed.name],
                  ["extend", mixed.name, clean.nvdimms[3]]):
        reason = refused(*words)
        assert 'has a target "linear"' in reason
        assert table_of(mixed.name) == before
    # the command in the message works
    run("sh", "-c", reason[reason.index("dmsetup table"):])
    assert [line.split()[2] for line in table_of(mixed.name)] == ["daxlinear"] * 2
    daxlinear("merge", mixed.name)
    assert len(table_of(mixed.name)) == 1
    striped = clean.named_device(Striped(2 * MIB_SECTORS, 8, [(a, 8 * MIB_SECTORS),
                                                             (b, 8 * MIB_SECTORS)]))
    assert 'has a target "striped"' in refused("merge", striped.name)
    assert "daxlinear create" in refused("extend", striped.name, clean.nvdimms[3])


def test_lvms(clean):
    device = old_device(clean)
    device.remove()
    run("dmsetup", "create", device.name, "--uuid", "LVM-" + "x" * 64,
        stdin=table(*device.targets))
    before = table_of(device.name)
    assert "daxlinear lvm reconcile" in refused("merge", device.name)
    assert "lvextend" in refused("extend", device.name, clean.nvdimms[0])
    assert table_of(device.name) == before


def test_what_cannot_be(clean):
    waiting = clean.named_device()
    assert "has no table" in refused("merge", waiting.name)
    device = old_device(clean)
    before = table_of(device.name)
    device.load(DaxLinear(MIB_SECTORS, clean.nvdimms[0]))
    assert f"dmsetup clear {device.name} drops it" in refused("merge", device.name)
    assert "loaded and not live" in refused("merge", "--dry-run", device.name)
    assert len(device.table_text("--inactive").splitlines()) == 1
    device.clear()
    device.suspend()
    assert f"is suspended: dmsetup resume {device.name} first" in refused("merge", device.name)
    device.resume()
    assert table_of(device.name) == before


@pytest.mark.parametrize("what", ["signal=KILL", "signal=TERM", "error=ENOMEM"])
def test_cut_short(clean, what):
    # the device is as before or as after, and a second run finishes
    device = old_device(clean, "align_2m")
    before, after = table_of(device.name), one_line(clean, "align_2m")
    done, calls = strace.record("merge", device.name)
    assert done.code == 0 and table_of(device.name) == after
    steps = [number for number, name in enumerate(calls, 1) if name in strace.CHANGES]
    assert [calls[number - 1] for number in steps] == ["DM_TABLE_LOAD", "DM_DEV_SUSPEND"]
    for number in [*steps, steps[-1] + 1]:
        device.reload(*before)
        done = strace.inject(number, what, "merge", device.name)
        assert table_of(device.name) in (before, after)
        assert not device.suspended
        if table_of(device.name) == before:
            assert done.code != 0
            if what != "signal=KILL":
                assert not device.table_text("--inactive")
            assert "one line now" in daxlinear("merge", device.name)
        assert table_of(device.name) == after
        assert "already" in daxlinear("merge", device.name)


@pytest.mark.parametrize("words, code, text", BAD_NAMES)
def test_bad_input(bed, words, code, text):
    assert bed.nvdimms
    assert text in refused("merge", *words, code=code)
