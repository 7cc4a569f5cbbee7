# SPDX-License-Identifier: GPL-2.0
"""The shares of the tests that each have a guest of their own."""

import random
from dataclasses import dataclass
from typing import Callable

from ..images.kernels import DEFAULT, KERNELS, native


def newest_of_suites(kernels):
    """The newest kernel of each suite of Debian, for tests that depend on the userspace."""
    return list({KERNELS[kernel].suite: kernel for kernel in native(kernels)}.values())


def others(kernels):
    """The kernels of each suite that are not its newest."""
    newest = newest_of_suites(kernels)
    return [kernel for kernel in native(kernels) if kernel not in newest]


def one(kernels):
    """The kernel that the documents have the numbers of, for what is alike on all."""
    return [kernel for kernel in kernels if kernel == DEFAULT]


def foreign(kernels):
    """The kernels of other architectures, for what depends on the size of a page."""
    return [kernel for kernel in kernels if kernel not in native(kernels)]


@dataclass(frozen=True)
class Share:
    """A command for guests, and the kernels that run it."""

    name: str
    command: tuple
    on: Callable
    # options of scripts/guest run
    machine: tuple = ()
    # whether tests that bring their guest down run as well, each in one of its own
    alone: bool = True
    # a guest that needs longer hangs
    seconds: int = 1500
    # the reports of pytest that it writes; without any it counts as one test
    reports: tuple = ("dmtests.xml",)


NO_TOOL = "--ignore-glob=test_tool_*"
# data and failures where they belong, which tables there are, and XFS on it
_PAGES = ("test_data.py", "test_offsets.py", "test_badinput.py", "test_xfs.py")

# The short ones are last. Two guests run at a time, and the last should not run alone for long.
SHARES = (
    # The tests of the tool depend on the suite's libraries and programs more than on the kernel.
    Share("dmtests and tool tests", ("tests/run-dmtests",), on=newest_of_suites, seconds=2400),
    Share("dmtests", ("tests/run-dmtests", NO_TOOL), on=others),
    # LVM, udev and systemd belong to the suite as well. The NVDIMMs are large enough for mkfs.xfs
    # to make an XFS without being forced, as Documentation/lvm.rst does.
    Share("lvmtests", ("tests/run-lvmtests",), on=newest_of_suites,
          machine=("--systemd", "--cpus", "1", "--nvdimm", "640M,640M,640M,640M"),
          reports=tuple(f"lvmtests-{boot}.xml" for boot in range(1, 8))),
    # What is left alone shows bugs of the kernel below dm-linear, which do not depend on the page.
    Share("pages", ("tests/run-dmtests", *_PAGES), on=foreign, seconds=900, alone=False),
    Share("large devices", ("tests/run-dmtests", "--large"), on=one, seconds=300,
          machine=("--map", "dev", "--nvdimm", "16G,16G,16G,16G")),
    Share("CXL", ("tests/run-dmtests", "--cxl"), on=native, seconds=300,
          machine=("--cxl", "256M", "--nvdimm", "384M")),
    # Two NVDIMMs for a file, and the largest for its backup beside another part of it.
    Share("large files", ("tests/run-dmtests", "--roomy"), on=native, seconds=900,
          machine=("--nvdimm", "448M,448M,1280M"), alone=False),
    # Other tables each time. In the guest, random numbers are the same in each boot.
    Share("short bench",
          ("tests/run-bench", "--short", "--seed", f"{random.SystemRandom().getrandbits(32)}"),
          on=one, seconds=300, reports=(), machine=("--icount", "--nvdimm", "1152M,1152M")),
)
