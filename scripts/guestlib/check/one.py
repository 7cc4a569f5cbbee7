# SPDX-License-Identifier: GPL-2.0
"""Runs chosen tests, each where it belongs: in a guest, with the packages, or on the host."""

import os
import subprocess
import time

from .. import CHECKOUT
from . import find
from .dmtests import Dmtests
from .shares import SHARES

# the shares that a test may belong to, by name
_SHARES = {share.name: share for share in SHARES}
_DMTESTS, _LVMTESTS = (_SHARES[name] for name in ("dmtests and tool tests", "lvmtests"))
# those of dmtests that need another machine, by the marks of their tests
_MACHINES = {"mark.large": _SHARES["large devices"], "mark.roomy": _SHARES["large files"],
             "mark.cxl": _SHARES["CXL"]}

_AFTER_REBOOT = "mark.after_reboot"


def _share_of(test):
    """Return the share of dmtests that a test belongs to."""
    return next((share for mark, share in _MACHINES.items() if mark in test.marks), _DMTESTS)


def _in_guests(tests):
    """Yield (share, words for pytest, reports) for each guest that the tests need."""
    dmtests = [test for test in tests if test.folder == "dmtests"]
    for share in (_DMTESTS, *_MACHINES.values()):
        chosen = [test.path for test in dmtests if _share_of(test) == share]
        if chosen:
            yield share, chosen, share.reports
    lvmtests = [test for test in tests if test.folder == "lvmtests"]
    if lvmtests:
        # A test after the reboot needs what the test before it leaves: take all of their file.
        reboot = {test.file for test in lvmtests if _AFTER_REBOOT in test.marks}
        words = sorted(reboot) + [test.path for test in lvmtests if test.file not in reboot]
        yield _LVMTESTS, words, _LVMTESTS.reports if reboot else _LVMTESTS.reports[:1]


def _run_share(share, words, reports, kernel, tally):
    start = time.monotonic()
    folder = os.path.join(CHECKOUT, "build", kernel, "results", "one")
    dmtests = Dmtests(kernel, folder, shown=True)
    counts = [dmtests.run("--timeout", str(share.seconds), *share.machine, "--",
                          *share.command, "-q", "--tb=short", *words, reports=reports),
              dmtests.run_alone()]
    passed, failed = (sum(numbers) for numbers in zip(*counts))
    tally.add(f"{share.command[0]} on {kernel}", passed, failed, time.monotonic() - start)


def _run_host(heading, command, tally):
    start = time.monotonic()
    succeeded = subprocess.run(command, cwd=CHECKOUT, check=False).returncode == 0
    tally.add(heading, int(succeeded), int(not succeeded), time.monotonic() - start)


def run(tests, kernel, tally):
    """Build what the tests need, run them, and count them."""
    for test in tests:
        if test.folder == find.UNIT:
            # TESTS is the list of programs in its Makefile
            _run_host(test.file, ["make", "-s", "--no-print-directory", "-C", "tests/unit",
                                  "check", f"TESTS=../../build/unit/{test.file}"], tally)
    guests = list(_in_guests(tests))
    if guests:
        start = time.monotonic()
        builder = Dmtests(kernel, os.path.join(CHECKOUT, "build", kernel, "results", "build"),
                          shown=True)
        if not builder.guest("build"):
            tally.add(f"build for {kernel}", 0, 1, time.monotonic() - start)
            return
    for share, words, reports in guests:
        _run_share(share, words, reports, kernel, tally)
    if any(test.folder == "boottests" for test in tests):
        # The boottests need the packages, which tests/packages/run builds and installs.
        _run_host(f"packages on {kernel}", ["tests/packages/run", kernel], tally)
