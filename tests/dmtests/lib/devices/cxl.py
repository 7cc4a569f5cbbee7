# SPDX-License-Identifier: GPL-2.0
"""The persistent memory of a CXL device, which libnvdimm presents like an NVDIMM's."""

import glob
import os

from ..command import read_file


def child(bed):
    """Return it: the child whose region has CXL for its provider."""
    (bus,) = [bus for bus in glob.glob("/sys/bus/nd/devices/ndbus*")
              if read_file(f"{bus}/provider") == "CXL"]
    (found,) = [nvdimm for nvdimm in bed.nvdimms if os.path.exists(f"{bus}/{nvdimm.region}")]
    return found
