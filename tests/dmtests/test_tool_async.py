# SPDX-License-Identifier: GPL-2.0
"""Devices that the tool makes of a child without synchronous faults.

A new device may take over the promise of one whose memory it gets. The tool removes such a device
and makes another.
"""

import contextlib
import errno
import signal

import pytest

from lib.beside import wait_for
from lib.command import CommandError, write_file
from lib.devices.virtio import asynchronous
from lib.dm.device import Device
from lib.dm.ioctl import names
from lib.dm.target import DaxLinear
from lib.tool.strace import inject, record
from lib.tool.tool import FAILED, ToolDevice, daxlinear
from lib.units import MIB_SECTORS


@pytest.fixture(name="child")
def _child(bed):
    return asynchronous(bed)


def _takes_over_a_promise(child):
    try:
        with Device(DaxLinear(MIB_SECTORS, child)):
            return False
    except CommandError as error:
        assert error.code == errno.EXDEV
        return True


@pytest.fixture(name="stale")
def _stale(bed, child):
    """Have the next new devices take over promises, from memory that shrinking does not clear."""
    target = DaxLinear(MIB_SECTORS, bed.nvdimms[0])
    with contextlib.ExitStack() as going:
        for _ in range(20):
            going.enter_context(Device(target))
            # in the same slabs
            bed.device(target)
    wait_for(lambda: _takes_over_a_promise(child), "new devices promise nothing")


class _Made(ToolDevice):
    """A device that any of its commands makes."""

    def __enter__(self):
        daxlinear(*self.words)
        return self.found()


def _words(bed, way, child):
    """Return the words that make the device "new" of the child."""
    if way == "create":
        return ("create", "--no-label", "new", "--force", "--granule", "2M", child)
    path = f"{bed.folder()}/tab"
    write_file(path, f"new {child},len=2M\n")
    return ("tab", "--file", path, "--make", "new")


@pytest.mark.parametrize("way", ["create", "tab"])
@pytest.mark.usefixtures("hurry", "stale")
def test_the_command_makes_one_that_promises_nothing(bed, child, way):
    before = names()
    device = bed.enter(_Made(*_words(bed, way, child), name="new"))
    assert sorted(names()) == sorted([*before, "new"])
    assert not bed.probe.is_synchronous(device)


def _resuming(child):
    """Return the number of the ioctl of a create that makes its device's table live."""
    words = ("create", "--no-label", "new", "--force", "--granule", "2M", child)
    done, calls = record(*words)
    assert done.code == 0
    daxlinear("remove", "new")
    number = calls.index("DM_DEV_SUSPEND")
    assert calls[number - 3:number] == ["DM_DEV_CREATE", "DM_DEV_STATUS", "DM_TABLE_LOAD"]
    return number + 1


@pytest.mark.usefixtures("hurry", "stale")
def test_killed_while_it_uses_up_memory(bed, child):
    """The next command removes what a killed one leaves."""
    words = _words(bed, "create", child)
    before = names()
    # after it, the device is removed, and another takes up its memory
    number = _resuming(bed.nvdimms[0]) + 3
    assert inject(number, "signal=KILL", *words).code == -signal.SIGKILL
    assert sorted(names()) == sorted([*before, "daxlinear-spare-1"])
    bed.enter(_Made(*words, name="new"))
    assert sorted(names()) == sorted([*before, "new"])


@pytest.mark.usefixtures("hurry")
def test_the_command_gives_up(bed):
    child = bed.nvdimms[0]
    words = _words(bed, "create", child)
    first = _resuming(child)
    # remove; then a spare, and the device again: create, look, load, resume
    done = inject(f"{first}..{first + 99 * 6}+6", "error=EXDEV", *words)
    assert done.code == FAILED
    assert "new could not be made: the kernel gave 100 new devices" in done.err, done
    assert not names()
