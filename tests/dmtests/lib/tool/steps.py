# SPDX-License-Identifier: GPL-2.0
"""daxlinear(8), killed before any step: a write to a disk, or a change of a mapped device."""

import os
import tempfile

from . import labels, tool

_SHIM = os.path.abspath(os.path.join(os.path.dirname(__file__), "../../../programs/steps.so"))


def _call(words, *settings):
    return tool.call(*words, prefix=["env", f"LD_PRELOAD={_SHIM}", *settings])


def steps_of(*words):
    """Run it, to succeed; return what each of its steps is, "write" or "ioctl"."""
    with tempfile.NamedTemporaryFile("r") as log:
        done = _call(words, f"STEPS_LOG={log.name}")
        assert done.code == 0, done
        return log.read().split()


def kill_at(number, *words):
    """Run it, to be killed when it is about to make the step of this number, counted from 1."""
    done = _call(words, f"STEPS_KILL={number}")
    assert done.code < 0, done


def leave_over(first, second):
    """Make "mem" of one disk; have an extend by another end when its labels are written."""
    labels.make("mem", first)
    assert not steps_of("extend", "--dry-run", "mem", second)
    # its labels are written, its table is not loaded
    kept = labels.save(first)
    steps = steps_of("extend", "mem", second)
    tool.daxlinear("remove", "mem")
    labels.erase(second)
    labels.restore(first, kept)
    tool.daxlinear("assemble", "mem")
    kill_at(steps.index("ioctl") + 1, "extend", "mem", second)
    assert labels.members()[second.path]["is"] == "left over"
