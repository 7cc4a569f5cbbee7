# SPDX-License-Identifier: GPL-2.0
"""Runs the tests of a kernel in its guests."""

import os
import shutil
import subprocess
import xml.etree.ElementTree

from .. import SCRIPTS
from .report import count, failures

# how many lines of a failed run the summary repeats
_WHY_LINES = 8

GUEST = os.path.join(SCRIPTS, "guest")
# a guest that needs longer for one test hangs
_ALONE_SECONDS = 180


def _read_alone(path):
    """Return the (test, splat) of each test that needs a guest of its own, as it brings it down."""
    try:
        with open(path, encoding="utf-8") as file:
            return [line.rstrip("\n").split("\t") for line in file]
    except FileNotFoundError:
        # the report is missing as well, and counts as a failure
        return []


class Dmtests:
    """Tests in guests of a kernel. Their output goes to a log, unless it is to be `shown`."""

    def __init__(self, kernel, results, shown=False):
        self.kernel = kernel
        self.results = results
        self.log = os.path.join(results, "log")
        self._shown = shown
        shutil.rmtree(results, ignore_errors=True)
        os.makedirs(results)

    def guest(self, *words):
        """Run scripts/guest; return whether it succeeded."""
        with open(self.log, "a", encoding="utf-8") as file:
            command = [GUEST, words[0], "--kernel", self.kernel, *words[1:]]
            return subprocess.run(command, stdout=None if self._shown else file,
                                  stderr=subprocess.STDOUT, check=False).returncode == 0

    def run(self, *words, reports=("dmtests.xml",)):
        """Run them in a guest, with options and a command; return how many passed and failed.

        `reports` are those that it writes. Without any the run is one test.
        """
        ended_well = self.guest("run", "--results", self.results, *words)
        if not reports:
            return int(ended_well), int(not ended_well)
        counts = [count(os.path.join(self.results, report)) for report in reports]
        passed, failed = (sum(numbers) for numbers in zip(*counts))
        # The tests may pass and the guest not: a splat, a hang, a panic.
        return passed, failed or int(not ended_well)

    def run_alone(self):
        """Run each test that the last run left for a guest of its own; return the counts."""
        results = [self.guest("run", "--results", os.path.join(self.results, "alone"),
                              "--timeout", str(_ALONE_SECONDS), "--expect-splat", splat,
                              "--", "tests/run-dmtests", "--alone", test)
                   for test, splat in _read_alone(os.path.join(self.results, "dmtests.alone"))]
        return results.count(True), results.count(False)

    def show_log(self):
        """Print their output."""
        print(self._output(), flush=True)

    def why(self, reports=()):
        """Return a few lines on what failed: the tests' names, and how the guest ended."""
        names, complete = [], bool(reports)
        for report in reports:
            try:
                found = failures(os.path.join(self.results, report))
                names += [name for name, failure in found.items() if failure is not None]
            except (OSError, xml.etree.ElementTree.ParseError):
                complete = False
        if len(names) > _WHY_LINES:
            names[_WHY_LINES:] = [f"and {len(names) - _WHY_LINES} more"]
        lines = self._output().splitlines()
        if complete:
            lines = [line for line in lines if line.startswith("guest: FAILED: ")]
        return names + lines[-_WHY_LINES:]

    def _output(self):
        try:
            with open(self.log, encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            # no guest was started
            return ""
