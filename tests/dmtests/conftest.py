# SPDX-License-Identifier: GPL-2.0
"""A test is a function with one fixture, the bed."""

import os
import shutil

import pytest

from lib import kernel
from lib.bed import Bed
from lib.command import read_file, run, write_file
from lib.devices import cpus, nvdimm
from lib.dm import ioctl
from lib.holders.record import clear_all
from lib.module import HOLDER, TARGET
from lib.tool import labels
from lib.tool.monitor import STATE

# marks of tests that need another machine, and options that run those alone
_MACHINES = {"large": "NVDIMMs of 64 GiB", "cxl": "a CXL device", "roomy": "room for large files"}

_EXPEDITED = "/sys/kernel/rcu_expedited"


def pytest_addoption(parser):
    """Declare our own options."""
    parser.addoption("--alone", action="store_true",
                     help="run only tests that crash the kernel: name one")
    for mark, what in _MACHINES.items():
        parser.addoption(f"--{mark}", action="store_true",
                         help=f"run only tests that need {what}")
    parser.addoption("--alone-list", metavar="FILE",
                     help="write the tests to be run alone to FILE, a test and its splat a line")


def pytest_configure(config):
    """Declare our own marks."""
    config.addinivalue_line("markers", "at_once: things happen on several CPUs at once")
    config.addinivalue_line("markers", "control: shows what happens without the modules")
    config.addinivalue_line("markers", "last(why, turn=1): run after all others, by turns")
    config.addinivalue_line("markers", "needs(path): is for kernels that have this file")
    for mark, what in _MACHINES.items():
        config.addinivalue_line("markers", f"{mark}: needs {what}")
    config.addinivalue_line("markers", "alone(splat): run in a guest that the test brings down, "
                                       "the splat being a pattern; None: this kernel stays up")


def _turn(item):
    mark = item.get_closest_marker("last")
    if mark:
        return mark.kwargs.get("turn", 1)
    # tests that need NVDIMMs of zeroes come first: a guest starts with zeroes
    return -1 if "wiped" in item.fixturenames else 0


def _is_at_once(item):
    return bool(item.get_closest_marker("at_once"))


def _is_for_this_kernel(item):
    names = {item.path.name, f"{item.path.name}::{item.originalname}"}
    return ((kernel.IS_X86 or not names & kernel.X86_ALONE.keys())
            and all(os.path.exists(mark.args[0]) for mark in item.iter_markers("needs")))


def _splat(item):
    """Return the splat that a test ends in, or None."""
    mark = item.get_closest_marker("alone")
    return mark.args[0] if mark else None


def pytest_collection_modifyitems(config, items):
    """Deselect tests of other kernels and those that need a guest of their own; sort by turns."""
    alone = config.getoption("alone")
    here = [item for item in items if _is_for_this_kernel(item)
            and all(bool(item.get_closest_marker(mark)) == config.getoption(mark)
                    for mark in _MACHINES)]
    chosen = [item for item in here if bool(_splat(item)) == alone]
    left = [item for item in items if item not in chosen]
    items[:] = sorted(chosen, key=lambda item: (_turn(item), _is_at_once(item)))
    config.hook.pytest_deselected(items=left)
    if config.getoption("alone_list"):
        with open(config.getoption("alone_list"), "w", encoding="utf-8") as file:
            file.writelines(f"{item.nodeid}\t{_splat(item)}\n" for item in here
                            if _splat(item) and not alone)


@pytest.fixture(autouse=True)
def _cpus(request):
    """Use more than one CPU only for marked tests: an emulated one slows down the first."""
    cpus.use(several=_is_at_once(request.node))


@pytest.fixture(name="bed")
def _bed():
    if HOLDER.loaded:
        clear_all()
    with Bed() as bed:
        yield bed


@pytest.fixture(name="renewed")
def _renewed():
    """Load the modules anew, so that the rate limit of the log is that of this test alone."""
    TARGET.remove()
    HOLDER.remove()
    HOLDER.insert()
    TARGET.insert()


@pytest.fixture(name="modules")
def _modules():
    """Leave the modules loaded."""
    yield
    for module in (HOLDER, TARGET):
        if not module.loaded:
            module.insert()


@pytest.fixture(name="unloaded")
# `modules` is asked for to load them again
def _unloaded(modules):  # pylint: disable=unused-argument
    """Unload the modules, and load them again after the test if it has not."""
    TARGET.remove()
    HOLDER.remove()


@pytest.fixture(name="hurry")
def _hurry():
    """Expedite grace periods: each table and each device waits for some."""
    before = read_file(_EXPEDITED)
    write_file(_EXPEDITED, 1)
    yield
    write_file(_EXPEDITED, before)


@pytest.fixture(name="wiped", scope="session")
def _wiped():
    """Zero the NVDIMMs, if other tests have used them."""
    if not Bed.was_used():
        # a guest starts with zeroes
        return
    for child in nvdimm.discover():
        run("blkdiscard", "--zeroout", "--force", child.path)


@pytest.fixture(name="clean")
# `wiped` is asked for to run before
def _clean(wiped, bed):  # pylint: disable=unused-argument
    """The bed, with nothing on its NVDIMMs that the tool refuses to overwrite, and no history."""
    shutil.rmtree(STATE, ignore_errors=True)
    for child in bed.nvdimms:
        child.wipe()
    return bed


@pytest.fixture(name="blank")
def _blank(clean):
    """The bed, with no label on its NVDIMMs, before the test and after it."""
    labels.blank()
    yield clean
    for name in ioctl.names():
        run("dmsetup", "remove", "--retry", name)
    labels.blank()
