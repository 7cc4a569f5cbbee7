# SPDX-License-Identifier: GPL-2.0
"""Counts what passed and what failed, here and in guests that run the dmtests."""

import os
import shutil
import subprocess
import xml.etree.ElementTree

from .. import SCRIPTS

# how much of what failed is told again at the end
_WHY_LINES = 8

GUEST = os.path.join(SCRIPTS, "guest")


class Tally:
    """What passed and failed, and under which heading."""

    def __init__(self):
        self.lines = []
        self.passed = 0
        self.failed = 0

    def add(self, heading, passed, failed, seconds, why=()):
        """Count the tests under a heading; `why` says what failed of them."""
        self.passed += passed
        self.failed += failed
        lines = [f"{heading}: {passed} passed, {failed} failed in {seconds:.0f} s", *why]
        self.lines.append("\n\t".join(lines))

    def print(self):
        """Print all, the verdict last; return the exit code."""
        print()
        for line in sorted(self.lines):
            print(line)
        print(f"{self.passed} passed, {self.failed} failed")
        return 1 if self.failed or not self.passed else 0


def failures(path):
    """Return for each test in pytest's JUnit report what failed of it, None if nothing did.

    A test that fails and is then found to leave something behind is in there twice, but failed
    once. A skipped one has shown nothing.
    """
    found = {}
    for case in xml.etree.ElementTree.parse(path).getroot().iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        words = [part.text or part.get("message") or part.tag for part in case
                 if part.tag in ("failure", "error", "skipped")]
        found[name] = "\n".join(filter(None, [found.get(name), *words])) or None
    return found


def _count(path):
    """Passed and failed of a JUnit report; no report is a failure of its own."""
    try:
        found = failures(path)
    except (OSError, xml.etree.ElementTree.ParseError):
        return 0, 1
    failed = sum(failure is not None for failure in found.values())
    return len(found) - failed, failed


class Dmtests:
    """Tests in guests of a kernel. What they say goes to a log."""

    def __init__(self, kernel, results):
        self.kernel = kernel
        self.results = results
        self.log = os.path.join(results, "log")
        shutil.rmtree(results, ignore_errors=True)
        os.makedirs(results)

    def guest(self, *words):
        """Run scripts/guest; return whether it succeeded."""
        with open(self.log, "a", encoding="utf-8") as file:
            command = [GUEST, words[0], "--kernel", self.kernel, *words[1:]]
            return subprocess.run(command, stdout=file, stderr=subprocess.STDOUT,
                                  check=False).returncode == 0

    def run(self, *words, reports=("dmtests.xml",)):
        """Run them in a guest, with options and a command; return how many passed and failed.

        `reports` are those that it writes. Without any the run is one test.
        """
        ended_well = self.guest("run", "--results", self.results, *words)
        if not reports:
            return int(ended_well), int(not ended_well)
        counts = [_count(os.path.join(self.results, report)) for report in reports]
        passed, failed = (sum(numbers) for numbers in zip(*counts))
        # The tests may pass and the guest not: a splat, a hang, a panic.
        return passed, failed or int(not ended_well)

    def show_log(self):
        """Show what they said."""
        print(self._said(), flush=True)

    def why(self, reports=()):
        """Return in a few lines what failed: the tests' names, and how the guest ended."""
        names, complete = [], bool(reports)
        for report in reports:
            try:
                found = failures(os.path.join(self.results, report))
                names += [name for name, failure in found.items() if failure is not None]
            except (OSError, xml.etree.ElementTree.ParseError):
                complete = False
        if len(names) > _WHY_LINES:
            names[_WHY_LINES:] = [f"and {len(names) - _WHY_LINES} more"]
        said = self._said().splitlines()
        if complete:
            said = [line for line in said if line.startswith("guest: FAILED: ")]
        return names + said[-_WHY_LINES:]

    def _said(self):
        try:
            with open(self.log, encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            # they never came to say anything
            return ""
