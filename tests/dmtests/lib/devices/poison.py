# SPDX-License-Identifier: GPL-2.0
"""Memory failures through the kernel's own injection.

A page stays poisoned as long as its struct page lives. When a test is over, the bed makes new
struct pages for each NVDIMM with poisoned pages.
"""

import os

from ..command import log

CORRUPT_PFN = "/sys/kernel/debug/hwpoison/corrupt-pfn"

poisoned = set()


def fail_page(pfn):
    """Call memory_failure() for a page; an OSError is what it returns."""
    log.info("$ echo 0x%x >%s", pfn, CORRUPT_PFN)
    fd = os.open(CORRUPT_PFN, os.O_WRONLY)
    try:
        os.write(fd, b"%d\n" % pfn)
    finally:
        os.close(fd)


def poison_page(pfn):
    """Fail a page for good."""
    poisoned.add(pfn)
    fail_page(pfn)
