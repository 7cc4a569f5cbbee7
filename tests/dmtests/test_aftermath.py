# SPDX-License-Identifier: GPL-2.0
"""What all tests together leave behind."""

import time

import pytest

from lib.command import read_file, write_file
from lib.holders.taint import MACHINE_CHECK, OUT_OF_TREE, UNSIGNED, WARNED, taint

KMEMLEAK = "/sys/kernel/debug/kmemleak"
# younger objects may be referenced from registers only
KMEMLEAK_SECONDS = 5

pytestmark = pytest.mark.last("they are about all that was before", turn=2)


@pytest.mark.needs(KMEMLEAK)
def test_nothing_leaked():
    time.sleep(KMEMLEAK_SECONDS + 1)
    # an object that changed after it was scanned is scanned once more
    for _ in range(2):
        write_file(KMEMLEAK, "scan")
    leaks = read_file(KMEMLEAK)
    assert not leaks, leaks


def test_taint():
    # the bed checks that only tests that may set the last two do so
    assert not taint() & ~(OUT_OF_TREE | UNSIGNED | WARNED | MACHINE_CHECK)
