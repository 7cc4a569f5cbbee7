# SPDX-License-Identifier: GPL-2.0
"""Judges a run by what the watch over its guest has seen."""

import sys

# The command's own exit code is passed on; these are the runner's.
SPLAT = 123
TIMED_OUT = 124
NO_VERDICT = 125


def _failure(watch, status):
    """Return the runner's exit code and why the run failed, or None."""
    splat = watch.console.splat
    if splat is not None:
        return SPLAT, f"the kernel complained: {splat}"
    if watch.lost:
        return TIMED_OUT, f"the guest {watch.lost}"
    if watch.overdue:
        return TIMED_OUT, watch.overdue
    if watch.code is None:
        return NO_VERDICT, f"the guest ended without a verdict (QEMU: {status})"
    return None


def judge(watch, status, expected, note):
    """Return the exit code of the run, and print why it failed if it did.

    `status` is QEMU's, `expected` a pattern that a splat has to match, or None.
    """
    if expected is None:
        failure = _failure(watch, status)
    elif watch.console.splat_matches(expected):
        note(f"the expected splat came: {watch.console.splat}")
        return 0
    else:
        failure = SPLAT, f"no splat that matches '{expected}'"
    if not failure:
        return watch.code
    code, why = failure
    rule = "-" * 72
    lines = ["", rule, *watch.console.excerpt(), rule]
    print("\n".join(lines), file=sys.stderr)
    print(f"guest: FAILED: {why}", file=sys.stderr, flush=True)
    return code
