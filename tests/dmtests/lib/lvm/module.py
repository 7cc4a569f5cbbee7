# SPDX-License-Identifier: GPL-2.0
"""Volumes while the module dax_holder cannot be loaded."""

import contextlib

from ..command import run
from ..module import HOLDER, TARGET
from .udev import without_file

# see tests/run-lvmtests
_MODPROBE = "/etc/modprobe.d/daxlinear.conf"


@contextlib.contextmanager
def without_module():
    """Have no dax_holder in the kernel, and none that could be loaded, for a while."""
    TARGET.remove()
    HOLDER.remove()
    try:
        with without_file(_MODPROBE):
            yield
    finally:
        run("modprobe", "dm-daxlinear")
