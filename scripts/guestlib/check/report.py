# SPDX-License-Identifier: GPL-2.0
"""Reads pytest's JUnit reports."""

import xml.etree.ElementTree


def failures(path):
    """Return {test: text of its failures, or None} of pytest's JUnit report.

    A test whose teardown fails after the test itself has two entries, and counts once. A skipped
    test has checked nothing, and counts as failed.
    """
    found: dict[str, str | None] = {}
    for case in xml.etree.ElementTree.parse(path).getroot().iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        words = [part.text or part.get("message") or part.tag for part in case
                 if part.tag in ("failure", "error", "skipped")]
        found[name] = "\n".join(filter(None, [found.get(name), *words])) or None
    return found


def count(path):
    """Return how many tests of a JUnit report passed and failed; no report counts as a failure."""
    try:
        found = failures(path)
    except (OSError, xml.etree.ElementTree.ParseError):
        return 0, 1
    failed = sum(failure is not None for failure in found.values())
    return len(found) - failed, failed
