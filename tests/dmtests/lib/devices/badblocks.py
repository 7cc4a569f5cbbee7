# SPDX-License-Identifier: GPL-2.0
"""Bad blocks: those in the list of an NVDIMM's driver, and how they are cleared."""

import mmap
import os

from ..command import log, read_file
from ..module import HEAL
from ..units import PAGE, PAGE_SECTORS


def badblocks(nvdimm):
    """Return the sectors of an NVDIMM that are bad."""
    found: set[int] = set()
    for line in read_file(f"/sys/block/{nvdimm.name}/badblocks").splitlines():
        first, count = map(int, line.split())
        found.update(range(first, first + count))
    return found


def heal(nvdimm):
    """Leave no block of an NVDIMM bad, and none that would be again when it is plugged in anew."""
    pages = sorted({sector // PAGE_SECTORS for sector in badblocks(nvdimm)})
    if not pages:
        return
    log.info("healing pages %s of %s", pages, nvdimm)
    fd = os.open(nvdimm.path, os.O_WRONLY | os.O_DIRECT)
    try:
        with HEAL:
            for page in pages:
                os.pwritev(fd, [mmap.mmap(-1, PAGE)], page * PAGE)
    finally:
        os.close(fd)
    assert not badblocks(nvdimm)


class Healed:
    """An NVDIMM that is healed when its `with` block ends."""

    def __init__(self, nvdimm):
        self._nvdimm = nvdimm

    def __enter__(self):
        return self._nvdimm

    def __exit__(self, *_):
        heal(self._nvdimm)
