# SPDX-License-Identifier: GPL-2.0
"""Counts what passed and what failed."""


class Tally:
    """What passed and failed, and under which heading."""

    def __init__(self):
        self.lines = []
        self.passed = 0
        self.failed = 0

    def add(self, heading, passed, failed, seconds, why=()):
        """Count the tests under a heading; `why` are lines on those that failed."""
        self.passed += passed
        self.failed += failed
        lines = [f"{heading}: {passed} passed, {failed} failed in {seconds:.0f} s", *why]
        self.lines.append("\n\t".join(lines))

    def include(self, other, failures=True):
        """Add another tally, and its failures only if these are to decide."""
        self.lines += other.lines
        self.passed += other.passed
        self.failed += other.failed if failures else 0

    def print(self, remarks=()):
        """Print all, then remarks, the verdict last; return the exit code."""
        print()
        for line in [*sorted(self.lines), *remarks]:
            print(line)
        print(f"{self.passed} passed, {self.failed} failed")
        return 1 if self.failed or not self.passed else 0
