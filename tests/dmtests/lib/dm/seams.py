# SPDX-License-Identifier: GPL-2.0
"""The target's counters of requests that cross the ends of ranges."""

import contextlib
import os
import time

from ..command import read_file, write_file

_PARAMETERS = "/sys/module/dm_daxlinear/parameters"

# grace periods, on an emulated CPU that shares its core
_PATIENCE_SECONDS = 60


def requests():
    """Return how many such requests there were."""
    return int(read_file(f"{_PARAMETERS}/seam_requests"))


def held():
    """Return how many bytes they hold."""
    return int(read_file(f"{_PARAMETERS}/seam_held_bytes"))


def wait_until_nothing_is_held():
    """Wait until all memory was given back; fail if that does not come."""
    end = time.monotonic() + _PATIENCE_SECONDS
    while held():
        assert time.monotonic() < end, f"{held()} bytes are still held"
        time.sleep(0.02)


@contextlib.contextmanager
def limit(size):
    """Have no more memory held than this, for a while."""
    path = os.path.join(_PARAMETERS, "seam_limit_bytes")
    before = read_file(path)
    write_file(path, size)
    try:
        yield
    finally:
        write_file(path, before)
