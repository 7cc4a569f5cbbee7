# SPDX-License-Identifier: GPL-2.0
"""Memory failures through the kernel's own injection.

A page that a filesystem or the kernel itself took care of stays poisoned as long as its struct page
lives. The bed gives every NVDIMM with such pages new ones when the test is over.
"""

import os

from ..command import log

CORRUPT_PFN = "/sys/kernel/debug/hwpoison/corrupt-pfn"

poisoned = set()


def fail_page(pfn):
    """Have the kernel find that a page has failed; raises what memory_failure() returned."""
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
