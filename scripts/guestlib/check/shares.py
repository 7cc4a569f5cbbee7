# SPDX-License-Identifier: GPL-2.0
"""The shares of the tests that each have a guest of their own."""

from dataclasses import dataclass
from typing import Callable

from ..images.kernels import DEFAULT, KERNELS


def every(kernels):
    """Each kernel."""
    return kernels


def newest_of_suites(kernels):
    """The newest kernel of each suite of Debian, where it is the userspace that differs."""
    return list({KERNELS[kernel].suite: kernel for kernel in kernels}.values())


def others(kernels):
    """The kernels of each suite that are not its newest."""
    newest = newest_of_suites(kernels)
    return [kernel for kernel in kernels if kernel not in newest]


def one(kernels):
    """The kernel that the numbers are of, for what is the same on all, or counted."""
    return [kernel for kernel in kernels if kernel == DEFAULT]


@dataclass(frozen=True)
class Share:
    """A command for guests, and which of the kernels have it."""

    name: str
    command: tuple
    on: Callable = every
    # options of scripts/guest run
    machine: tuple = ()
    # a guest that needs longer hangs
    seconds: int = 1500
    # that it writes, pytest's; without any it is one test
    reports: tuple = ("dmtests.xml",)


NO_TOOL = "--ignore-glob=test_tool_*"

# The short ones last: two guests run at a time, and none is to be alone at the end for long.
SHARES = (
    # The tests of the tool show it, and the libraries and programs that it uses, more than a
    # kernel.
    Share("dmtests and tool tests", ("tests/run-dmtests",), on=newest_of_suites),
    Share("dmtests", ("tests/run-dmtests", NO_TOOL), on=others),
    # LVM, udev and systemd are a suite's as well. The NVDIMMs are large enough for an XFS that
    # mkfs.xfs makes without being forced, as the page on LVM does.
    Share("lvmtests", ("tests/run-lvmtests",), on=newest_of_suites,
          machine=("--systemd", "--cpus", "1", "--nvdimm", "640M,640M,640M,640M"),
          reports=("lvmtests-1.xml", "lvmtests-2.xml")),
    Share("large devices", ("tests/run-dmtests", "--large"), on=one, seconds=300,
          machine=("--map", "dev", "--nvdimm", "16G,16G,16G,16G")),
    Share("short bench", ("tests/run-bench", "--short"), on=one, seconds=300, reports=(),
          machine=("--icount", "--nvdimm", "640M,640M")),
)
