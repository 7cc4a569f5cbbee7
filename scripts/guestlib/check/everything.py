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
from ..images.kernels import KERNELS, STOCK, native
from . import broken, versions
from .dmtests import Dmtests
from .shares import SHARES, one
from .tally import Tally

# Programs that run on the host, with a low priority so that they do not slow the guests down. Each
# ends with a line `N passed, N failed`.
HOST = {
    "guest runner": ("nice", "scripts/selftest", "--no-guests"),
    "kernels": ("nice", "scripts/selftest-kernels"),
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


def build(version):
    """Build everything for a version of a kernel, in its root; return whether it builds."""
    if not version.root:
        return False
    start = time.monotonic()
    dmtests = Dmtests(version.kernel,
                      os.path.join(CHECKOUT, "build", version.kernel, "results", "build"))
    if dmtests.guest("build"):
        return True
    dmtests.show_log()
    version.tally.add(f"build for {version.called}", 0, 1, time.monotonic() - start,
                      dmtests.why())
    return False


def run_share(share, version):
    """Run a share on a version of a kernel and count its tests."""
    start = time.monotonic()
    folder = os.path.join(CHECKOUT, "build", version.kernel, "results",
                          re.sub(r"\W+", "-", share.name))
    dmtests = Dmtests(version.kernel, folder)
    print(f"check: {share.name} on {version.called}, see {os.path.relpath(dmtests.log)}",
          flush=True)
    passed, failed = dmtests.run("--timeout", str(share.seconds), *share.machine, "--",
                                 *share.command, reports=share.reports)
    alone = dmtests.run_alone() if share.alone else (0, 0)
    passed, failed = passed + alone[0], failed + alone[1]
    why = dmtests.why(share.reports) if failed else ()
    if failed:
        dmtests.show_log()
    version.tally.add(f"{share.name} on {version.called}", passed, failed,
                      time.monotonic() - start, why)


def note(text):
    """Print what is being done."""
    print(f"check: {text}", flush=True)


def run(kernels, on_host, tally, remarks):
    """Run everything on the kernels; return {kernel: its versions}.

    What is odd about the kernels is added to the remarks.
    """
    # Guests wait for their turn by themselves. The host's programs run beside them, one at a time,
    # and so do the packages, which wait for guests.
    with concurrent.futures.ThreadPoolExecutor(max_workers=1) as beside, \
            concurrent.futures.ThreadPoolExecutor(max_workers=1) as packages, \
            concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        found = dict(zip(kernels, pool.map(lambda kernel: versions.find(kernel, note, remarks),
                                           kernels)))
        tested = [kernel for kernel in kernels if found[kernel]]
        every = [version for kernel in tested for version in found[kernel]]
        built = dict(zip([version.kernel for version in every], pool.map(build, every)))

        def that_build(chosen):
            return [version for kernel in chosen for version in found[kernel]
                    if built[version.kernel]]

        # They are built first, for some minutes: the guests of the debug kernel run meanwhile.
        jobs = [pool.submit(broken.check, version.tally, f"broken builds on {version.called}",
                            version.kernel)
                for version in that_build(one(tested))]
        jobs += [pool.submit(run_share, share, version)
                 for share in SHARES for version in that_build(share.on(tested))]
        if on_host:
            # packages on one kernel of each suite of Debian
            suites = {KERNELS[kernel].suite: kernel for kernel in reversed(native(tested))}
            jobs += [packages.submit(run_host, f"packages on {version.called}",
                                     ("tests/packages/run", version.kernel), version.tally)
                     for version in that_build(suites.values())]
            jobs += [beside.submit(run_host, heading, command, tally)
                     for heading, command in HOST.items()]
        for job in jobs:
            job.result()
    return found


def judge(found, least, tally):
    """Count what the versions of each kernel have come to; return remarks for the summary.

    It is a failure if these are fewer kernels than `least`.
    """
    tested = [f"{version.kernel} {version.debian}"
              for several in found.values() for version in several if version.root]
    warnings = [versions.settle(several, tally) for several in found.values() if several]
    number = versions.count(found)
    if number < least:
        tally.add(f"kernels: {number} could be tested, fewer than {least}", 0, 1, 0)
    return [f"kernels: {', '.join(tested) or 'none'}", *filter(None, warnings)]


def main():
    """Run everything; return the exit code."""
    parser = argparse.ArgumentParser(prog="check", description=__doc__)
    parser.add_argument("kernels", nargs="*", metavar="KERNEL",
                        help=f"default: {' '.join(STOCK)}")
    parser.add_argument("--guests-only", action="store_true",
                        help="run neither the host's programs nor the packages' tests")
    options = parser.parse_args()
    unknown = set(options.kernels) - set(STOCK)
    if unknown:
        parser.error(f"there is no kernel {' or '.join(sorted(unknown))}, only {', '.join(STOCK)}")
    tally = Tally()
    remarks: list[str] = []
    found = run(options.kernels or STOCK, not options.guests_only, tally, remarks)
    remarks += judge(found, 1 if options.kernels else versions.LEAST, tally)
    if not options.guests_only:
        for kernel, several in found.items():
            versions.mark(kernel, several)
    return tally.print(remarks)
