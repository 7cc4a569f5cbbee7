# SPDX-License-Identifier: GPL-2.0
"""Reads pytest's JUnit reports."""

import xml.etree.ElementTree


def failures(path):
    """Return for each test in pytest's JUnit report what failed of it, None if nothing did.

    A test that fails and is then found to leave something behind is in there twice, but failed
    once. A skipped one has shown nothing.
    """
    found: dict[str, str | None] = {}
    for case in xml.etree.ElementTree.parse(path).getroot().iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        words = [part.text or part.get("message") or part.tag for part in case
                 if part.tag in ("failure", "error", "skipped")]
        found[name] = "\n".join(filter(None, [found.get(name), *words])) or None
    return found


def count(path):
    """Passed and failed of a JUnit report; no report is a failure of its own."""
    try:
        found = failures(path)
    except (OSError, xml.etree.ElementTree.ParseError):
        return 0, 1
    failed = sum(failure is not None for failure in found.values())
    return len(found) - failed, failed
