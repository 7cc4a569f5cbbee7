# SPDX-License-Identifier: GPL-2.0
"""Volumes while the module dax_holder cannot be loaded."""

import contextlib
import os

from ..command import run
from ..module import HOLDER, TARGET
from .udev import reload_rules

# see tests/run-lvmtests
_MODPROBE = "/etc/modprobe.d/daxlinear.conf"


@contextlib.contextmanager
def without_module():
    """Have no dax_holder in the kernel, and none that could be loaded, for a while."""
    TARGET.remove()
    HOLDER.remove()
    os.rename(_MODPROBE, f"{_MODPROBE}.off")
    reload_rules()
    try:
        yield
    finally:
        os.rename(f"{_MODPROBE}.off", _MODPROBE)
        reload_rules()
        run("modprobe", "dm-daxlinear")
