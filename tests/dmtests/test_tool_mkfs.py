# SPDX-License-Identifier: GPL-2.0
"""daxlinear mkfs and check: the size of blocks, with which XFS has DAX or has it not."""

import json

import pytest

from lib.command import run
from lib.fs.xfs import Xfs
from lib.tool.tool import USAGE, ToolDevice, call, daxlinear, refused
from lib.units import KIB, PAGE


@pytest.fixture(name="device")
def _device(clean):
    """A device of 256 and 384 MiB."""
    return clean.enter(ToolDevice(*clean.nvdimms[2:4]))


def mkfs(device, *words):
    """Return the words of the mkfs.xfs command."""
    return daxlinear("mkfs", "--force", "--dry-run", device.name, *words).split()


def block_size(device):
    """Return the size of the blocks of an XFS."""
    return int(run("xfs_db", "-r", "-c", "sb 0", "-c", "print blocksize", device.path).split()[-1])


def finding(device, name):
    """Return whether a finding of check is good, and its text."""
    found = json.loads(call("check", device.name, "--json").out)
    (found,) = [check for check in found["checks"] if check["check"] == name]
    return found["good"], found["text"]


def test_blocks_of_a_page(device):
    assert mkfs(device).count(f"-bsize={PAGE}") == 1
    daxlinear("mkfs", "--force", device.name)
    assert block_size(device) == PAGE
    good, text = finding(device, "block_size")
    assert good and text.endswith(f"blocks of a page, {PAGE // KIB} KiB")


@pytest.mark.parametrize("words", [["-b", "size={}"], ["-bsize={}"]])
@pytest.mark.parametrize("size", [f"{PAGE}", f"{PAGE // KIB}k"])
def test_the_same_size_given(device, words, size):
    words = [word.format(size) for word in words]
    line = mkfs(device, "--", *words)
    assert [word for word in line if "size=" in word and "agsize=" not in word] == words[-1:]
    daxlinear("mkfs", "--force", device.name, "--", *words)
    assert block_size(device) == PAGE


@pytest.mark.parametrize("words", [
    ["-b", f"size={PAGE // 2}"], [f"-bsize={2 * PAGE}"], ["-l", "size=65m", "-b", "size=1k"],
    ["-b", "size=many"], ["-b", "size="]])
def test_another_size_given(device, words):
    error = refused("mkfs", device.name, "--", *words, code=USAGE)
    given = words[-1].partition("size=")[2]
    assert f"-b size={given}: XFS has DAX only with blocks of a page, {PAGE // KIB} KiB" in error
    # nothing was made
    assert not finding(device, "xfs")[0]


@pytest.mark.parametrize("words", [["-l", "size=65m"], ["-i", "size=1024"], ["-n", "size=64k"]])
def test_sizes_of_other_things(device, words):
    assert f"-bsize={PAGE}" in mkfs(device, "--", *words)


def test_dax_is_off(clean, device):
    # the kernel mounts it all the same
    run("mkfs.xfs", "-q", "-f", "-b", f"size={PAGE // 4}", "-m", "rmapbt=1,reflink=0",
        "-d", "agsize=128m", device.path)
    with Xfs(device, clean.folder(), make=False):
        good, text = finding(device, "block_size")
        assert not good
        assert (f"blocks of {PAGE // 4 // KIB} KiB, and the kernel has pages of {PAGE // KIB} KiB"
                in text)
        good, text = finding(device, "dax")
        assert not good and "turned DAX off" in text
