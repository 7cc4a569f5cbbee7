# SPDX-License-Identifier: GPL-2.0
"""Findings of check, mkfs and attach where ranges meet and copy-on-write mixes data."""

import pytest

from lib.command import run
from lib.dm.target import DaxLinear, Linear, Striped
from lib.tool.tool import FOUND, ask, call, daxlinear
from lib.units import HUGE_MIB, MIB, MIB_SECTORS, PAGE_SECTORS

HARM = "copy-on-write (reflink) reads and overwrites"
HALF = 200 * MIB_SECTORS


@pytest.fixture(name="halves")
def _halves(clean):
    """Two children, of which a device of 400 MiB can be made."""
    return clean.nvdimms[2:4]


def make_xfs(device, agsize, reflink=True):
    """Make a filesystem with mkfs.xfs itself."""
    run("mkfs.xfs", "-q", "-f", "-m", f"rmapbt=1,reflink={int(reflink)}",
        "-d", f"agsize={agsize},noalign", device.path)


def seams(device):
    """Return whether the children meet as they should, and the text."""
    (found,) = [check for check in ask("check", device.name, code=FOUND)["checks"]
                if check["check"] == "seams"]
    return found["good"], found["text"]


def test_check_linear(clean, halves):
    device = clean.named_device(*(Linear(HALF, child) for child in halves))
    make_xfs(device, "160m")
    good, text = seams(device)
    assert not good
    for part in (f"two pieces of {device.name} meet at 200 MiB, inside", HARM,
                 'replace the word "linear"', f"daxlinear merge {device.name}"):
        assert part in text
    make_xfs(device, "160m", reflink=False)
    good, text = seams(device)
    assert good and "meet at 200 MiB" in text and "no reflink" in text
    # no extent goes over the end of a group
    make_xfs(device, "100m")
    assert seams(device) == (
        True, "children meet where allocation groups of 100 MiB end, or there is one only")


def test_check_past_the_end(clean, halves):
    # space behind the end of XFS does not matter
    device = clean.named_device(*(Linear(HALF, child) for child in halves),
                                Linear(MIB_SECTORS, halves[0], 300 * MIB_SECTORS))
    run("mkfs.xfs", "-q", "-f", "-m", "rmapbt=1", "-d", "agsize=100m,size=400m,noalign",
        device.path)
    assert seams(device)[0]


@pytest.mark.parametrize("chunk", [128, 4096])
def test_check_striped(clean, halves, chunk):
    device = clean.named_device(Striped(2 * HALF, chunk, [(child, 0) for child in halves]))
    make_xfs(device, "100m")
    good, text = seams(device)
    assert not good
    for part in ('from 0 B on', 'a target "striped"', HARM, "-m reflink=0"):
        assert part in text
    make_xfs(device, "100m", reflink=False)
    assert seams(device)[0]


def test_check_lines_of_ours(clean, halves):
    device = clean.named_device(*(DaxLinear(HALF, child) for child in halves))
    make_xfs(device, "160m")
    good, text = seams(device)
    assert not good and "at 200 MiB" in text
    assert f"daxlinear merge {device.name} makes one line" in text
    # the target bridges the ranges of one line
    device.reload(DaxLinear.ranges([(child, 0, HALF) for child in halves]))
    good, text = seams(device)
    assert good and "daxlinear bridges" in text


def test_check_goes_on(clean):
    # two lines, but one run of memory
    child = clean.nvdimms[3]
    device = clean.named_device(*(Linear(180 * MIB_SECTORS, child, half * 180 * MIB_SECTORS)
                                  for half in (0, 1)))
    make_xfs(device, "100m")
    assert seams(device)[0]


@pytest.mark.parametrize("kind", [Linear, DaxLinear])
def test_check_below(clean, halves, kind):
    # the device above looks up all of it, but the target below ends
    low = clean.named_device(*(kind(HALF, child) for child in halves))
    high = clean.named_device(DaxLinear(2 * HALF, low))
    make_xfs(high, "160m")
    good, text = seams(high)
    assert not good
    assert f"two pieces of {low.name} meet at 200 MiB" in text
    assert f"daxlinear merge {low.name}" in text


def test_check_stripes_below(clean, halves):
    low = clean.named_device(Striped(HALF, 128, [(child, 0) for child in halves]))
    high = clean.named_device(DaxLinear.ranges([(halves[0], HALF, 120 * MIB_SECTORS),
                                                (low, 0, HALF)]))
    make_xfs(high, "160m")
    good, text = seams(high)
    assert not good and f'from 120 MiB on, {low.name} lies in' in text and '"striped"' in text


def test_check_many(clean, halves):
    # one finding, for all seams that are not at the end of a group
    device = clean.named_device(*(DaxLinear(50 * MIB_SECTORS, halves[number % 2],
                                            number // 2 * 50 * MIB_SECTORS)
                                  for number in range(8)))
    make_xfs(device, "100m")
    good, text = seams(device)
    assert not good and "meet at 50 MiB and 3 more places" in text


def mkfs(device, *words):
    """Return the mkfs.xfs command, and the messages."""
    done = call("mkfs", "--force", "--dry-run", device.name, *words)
    assert done.code == 0
    return done.out, done.err


def made(device, *words):
    """Make a filesystem; return whether it is right at the seams, and whether it has reflink."""
    call("mkfs", "--force", device.name, *words)
    features = run("xfs_db", "-r", "-c", "version", device.path)
    return seams(device)[0], "REFLINK" in features


@pytest.mark.parametrize("second", [200, 153])
def test_mkfs_on_the_seams(clean, halves, second):
    # the last group is shorter if it has to be
    device = clean.named_device(Linear(HALF, halves[0]), Linear(second * MIB_SECTORS, halves[1]))
    out, err = mkfs(device)
    assert f"agsize={200 * MIB}" in out and "-mreflink=0" in out and not err
    assert made(device) == (True, False)
    assert made(device, "--", "-mreflink=1") == (True, True)


def test_mkfs_where_groups_cannot_end(clean, halves):
    device = clean.named_device(Linear(51 * MIB_SECTORS, halves[0]),
                                Linear(301 * MIB_SECTORS, halves[1]))
    out, _ = mkfs(device)
    assert "-mreflink=0" in out and f"agsize={88 * MIB}" in out
    assert made(device) == (True, False)
    # with the user's own groups, and with reflink requested all the same
    assert "-mreflink=0" in mkfs(device, "--", "-dagsize=102m")[0]
    assert "-mreflink=0" not in mkfs(device, "--", "-m", "reflink=1")[0]
    done = call("mkfs", "--force", device.name, "--", "-mreflink=1")
    assert done.code == FOUND and "meet at 51 MiB" in done.err and HARM in done.err
    assert not seams(device)[0]


def test_mkfs_striped(clean, halves):
    device = clean.named_device(Striped(2 * HALF, 4096, [(child, 0) for child in halves]))
    assert made(device) == (True, False)
    assert made(device, "--", "-mreflink=1") == (False, True)


def test_mkfs_one_line(clean, halves):
    # groups cannot end with children here, and with one line they need not
    device = clean.named_device(DaxLinear.ranges([(halves[0], 0, 50 * MIB_SECTORS),
                                                  (halves[1], 0, 302 * MIB_SECTORS)]))
    out, _ = mkfs(device)
    assert f"su={HUGE_MIB}m" in out and f"agsize={88 * MIB}" in out
    daxlinear("mkfs", device.name)
    assert ask("check", device.name)["good"]
    assert made(device, "--", "-mreflink=1") == (True, True)


def test_attach_warns(clean, halves):
    whole = clean.named_device(Linear(HALF, halves[0]))
    device = clean.named_device(*(Linear(HALF, child, HALF) for child in halves[1:]),
                                Linear(PAGE_SECTORS, halves[0], HALF))
    assert call("attach", whole.name).err == ""
    done = call("attach", device.name)
    assert done.code == 0 and len(done.err.splitlines()) == 1
    assert f"{device.name}: copy-on-write (reflink) on it mixes data" in done.err
    done = call("attach", "--all")
    assert done.code == 0 and len(done.err.splitlines()) == 1
    for one in (whole, device):
        daxlinear("detach", one.name)
