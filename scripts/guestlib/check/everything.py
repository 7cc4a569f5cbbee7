# SPDX-License-Identifier: GPL-2.0
"""Runs every test, on the host and in a guest of each kernel, and counts them.

The last line is the verdict: `N passed, N failed`.
"""

import argparse
import concurrent.futures
import os
import re
import subprocess
import time

from .. import CHECKOUT
from ..images.kernels import DEFAULT, KERNELS
from . import broken
from .dmtests import GUEST, Dmtests
from .shares import SHARES
from .tally import Tally

# Programs that run on the host, with a low priority so that they do not slow the guests down. Each
# ends with a line `N passed, N failed`.
HOST = {
    "guest runner": ("nice", "scripts/selftest", "--no-guests"),
    "checkers": ("nice", "scripts/selftest-lint"),
    "inner loop": ("nice", "scripts/selftest-inner-loop"),
    "unit tests": ("nice", "make", "-s", "--no-print-directory", "-C", "tests/unit", "check"),
    "fuzzers": ("nice", "make", "-s", "--no-print-directory", "-C", "tests/fuzz", "check"),
    "model": ("nice", "tests/model/run"),
    "tree": ("nice", "tests/tree/run"),
}


def run_host(heading, command, tally):
    """Run a program of the host and count its tests."""
    start = time.monotonic()
    ran = subprocess.run(command, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         text=True, errors="replace", check=False)
    print(ran.stdout, end="", flush=True)
    counts = re.findall(r"(\d+) passed, (\d+) failed$", ran.stdout, re.MULTILINE)
    passed, failed = (int(n) for n in counts[-1]) if counts else (0, 1)
    why = re.findall(r"^(?:FAIL|ERROR).*", ran.stdout, re.MULTILINE) if failed else ()
    tally.add(heading, passed, failed, time.monotonic() - start, why)


def build(kernel, tally):
    """Build everything for a kernel, in its root; return the kernel's heading, or None."""
    start = time.monotonic()
    root = subprocess.run([GUEST, "root", "--kernel", kernel], text=True, stdout=subprocess.PIPE,
                          check=False)
    # scripts/guest has printed why there is no root
    dmtests = Dmtests(kernel, os.path.join(CHECKOUT, "build", kernel, "results", "build"))
    if not root.returncode and dmtests.guest("build"):
        return f"{kernel} ({root.stdout.strip()})"
    dmtests.show_log()
    tally.add(f"build for {kernel}", 0, 1, time.monotonic() - start, dmtests.why())
    return None


def run_share(share, kernel, called, tally):
    """Run a share on a kernel and count its tests."""
    start = time.monotonic()
    folder = os.path.join(CHECKOUT, "build", kernel, "results", re.sub(r"\W+", "-", share.name))
    dmtests = Dmtests(kernel, folder)
    print(f"check: {share.name} on {called}, see {os.path.relpath(dmtests.log)}", flush=True)
    passed, failed = dmtests.run("--timeout", str(share.seconds), *share.machine, "--",
                                 *share.command, reports=share.reports)
    alone = dmtests.run_alone()
    passed, failed = passed + alone[0], failed + alone[1]
    why = dmtests.why(share.reports) if failed else ()
    if failed:
        dmtests.show_log()
    tally.add(f"{share.name} on {called}", passed, failed, time.monotonic() - start, why)


def main():
    """Run everything; return the exit code."""
    stock = [kernel.name for kernel in KERNELS.values() if not kernel.debug]
    parser = argparse.ArgumentParser(prog="check", description=__doc__)
    parser.add_argument("kernels", nargs="*", default=stock, metavar="KERNEL",
                        help=f"default: {' '.join(stock)}")
    parser.add_argument("--guests-only", action="store_true",
                        help="run neither the host's programs nor the packages' tests")
    options = parser.parse_args()
    tally = Tally()
    # Guests wait for their turn by themselves. The host's programs run beside them, one at a time.
    with concurrent.futures.ThreadPoolExecutor(max_workers=1) as beside, \
            concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        builds = {kernel: pool.submit(build, kernel, tally) for kernel in options.kernels}
        called = {kernel: job.result() for kernel, job in builds.items()}
        jobs = [pool.submit(run_share, share, kernel, called[kernel], tally)
                for share in SHARES for kernel in share.on(options.kernels) if called[kernel]]
        if called.get(DEFAULT):
            jobs.append(pool.submit(broken.check, tally, f"broken builds on {called[DEFAULT]}",
                                    DEFAULT))
        # packages on one kernel of each suite of Debian
        suites = {KERNELS[kernel].suite: kernel for kernel in reversed(options.kernels)}
        host = {f"packages on {kernel}": ("tests/packages/run", kernel)
                for kernel in suites.values()} | HOST if not options.guests_only else {}
        jobs += [beside.submit(run_host, heading, command, tally)
                 for heading, command in host.items()]
        for job in jobs:
            job.result()
    return tally.print()
