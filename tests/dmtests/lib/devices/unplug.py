# SPDX-License-Identifier: GPL-2.0
"""NVDIMMs that go away: for the kernel, to lose a driver is to be unplugged."""

import glob
import os

from ..beside import Beside
from ..command import write_file
from . import nvdimm as nvdimms

_DRIVER = "/sys/bus/nd/drivers/nd_pmem"


class Unplugged:
    """An NVDIMM that is gone for its `with` block, or from unplug() to plug()."""

    def __init__(self, nvdimm):
        self.nvdimm = nvdimm
        self._device = next(os.path.basename(folder) for folder in
                            glob.glob(f"/sys/bus/nd/devices/{nvdimm.region}/pfn*")
                            if os.path.isdir(f"{folder}/block"))
        self.is_gone = False

    def __enter__(self):
        self.unplug()
        return self

    def __exit__(self, *_):
        self.plug()

    def start(self):
        """Return the command that unbinds the driver; it ends once no failure is in flight."""
        self.is_gone = True
        return Beside("sh", "-c", f"echo {self._device} >{_DRIVER}/unbind")

    def unplug(self):
        """Unbind the driver, which must not wait."""
        with self.start() as unbind:
            unbind.end()

    def plug(self):
        """Bind the driver again, which makes a new disk, dax_device and struct pages."""
        if not self.is_gone:
            return
        write_file(f"{_DRIVER}/bind", self._device)
        self.is_gone = False
        new = next(one for one in nvdimms.discover() if one.region == self.nvdimm.region)
        self.nvdimm.__dict__.update(vars(new))
