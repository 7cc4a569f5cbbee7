# SPDX-License-Identifier: GPL-2.0
"""Where the kernels that are tested differ, and why: nothing else asks which one it runs on."""

import os
import re

from guestlib.images.kernels import KERNELS

# the build collects tests for a kernel that it does not run
_RELEASE = os.environ.get("KERNEL_RELEASE", os.uname().release)
_VERSION = tuple(map(int, re.match(r"(\d+)\.(\d+)", _RELEASE).groups()))

# how an oops names the function that it is in, on x86 and on arm64
_IN = r"(RIP: .*:|pc : )"

# What other machines cannot run, with the reason: a file, or a file and the name of a test.
X86_ALONE = {
    "test_mce.py": "QEMU's monitor reports machine checks to x86 alone",
    "test_async.py": "QEMU's other machines have no virtio-pmem",
    "test_tool_async.py": "QEMU's other machines have no virtio-pmem",
    "test_tool_extend.py::test_check_asynchronous": "virtio-pmem",
    "test_tool_extend.py::test_extend_asynchronous": "virtio-pmem",
}
IS_X86 = os.uname().machine == "x86_64"

# lines that this kernel logs by itself and that look like a splat
KNOWN_SPLATS = (KERNELS["bookworm"].known_splats if _VERSION < (6, 12) else
                KERNELS["newest"].known_splats if _VERSION >= (7, 0) else ())

# The storm has its full length, and the most devices are there, on one of them.
STORM_INJECTIONS = 50000 if _VERSION < (6, 12) else 20000
MANY_DEVICES = 1000 if _VERSION < (6, 12) else 300

# The log's reason for refusing a table that maps the mapped device itself: later kernels' dm fails
# to open it before our target can find out.
MAPS_ITSELF = ("is the mapped device itself" if _VERSION < (6, 12) else
               r"cannot be opened \(-EINVAL\)")

# si_code of the SIGBUS for touching a page with bad blocks: failed memory for later kernels, no
# memory at all for 6.1.
BAD_BLOCK_SIGBUS = "2" if _VERSION < (6, 12) else "AR"

# A page that reflink shares between two files has failed, and no holder was notified: the kernel
# looks for processes that map it by its struct page, which refers to one file at most.
#   6.1   that is the file that was mapped last, and processes that map the other one live.
#   6.12  its mapping is a mark (PAGE_MAPPING_DAX_SHARED) that dax_lock_folio() follows: an oops.
#   later it has no mapping: dax_lock_folio() finds none, and no process is killed.
SHARED_PAGE_SPLAT = _IN + r"dax_lock_folio\+" if (6, 12) <= _VERSION < (7, 0) else None
SHARED_PAGE_KILLS_NO_PROCESS = _VERSION >= (7, 0)

# A page in the middle of a huge mapping has failed, and no holder was notified. Later kernels kill
# processes that map the first page of its folio, which is a huge page, and give them that page's
# address.
NAMES_FIRST_PAGE_OF_FOLIO = _VERSION >= (7, 0)

# Once several allocation groups are gone, later kernels' XFS counts the pages of all of them but
# the last with 32 bits that wrap, and is busy for hours (xfs_dax_notify_dev_failure()).
LOSES_ONE_GROUP_ONLY = _VERSION >= (7, 0)

# Later kernels' XFS reports to a program what it has been notified of (XFS_IOC_HEALTH_MONITOR).
HAS_HEALTH_MONITOR = _VERSION >= (7, 0)

# XFS has parent pointers, which 6.12 calls experimental. The suite of such a kernel has an mkfs.xfs
# that makes them.
HAS_PARENT_POINTERS = _VERSION >= (6, 10)
MAKES_PARENT_POINTERS = _VERSION >= (7, 2)

# A kernel with our patches for fs/dax.c.
_IS_PATCHED = "-fixed-" in _RELEASE

# Copy-on-write, unshare and dedupe use memory behind what the device returned an address for.
USES_WHAT_IS_NOT_MAPPED = not _IS_PATCHED

# A file with shared blocks is mapped in huge pages and in single ones at once: the entry of a page
# is stored over that of the huge one, which is counted as all its pages and uncounted as one when
# the inode goes. 6.1 does so where the page is written to, later kernels also where it is read.
WRITE_BY_TWO_SIZES_SPLAT = None if _IS_PATCHED else _IN + r"clear_inode\+"
READ_BY_TWO_SIZES_SPLAT = WRITE_BY_TWO_SIZES_SPLAT if _VERSION >= (6, 12) else None

# 6.1's XFS on DAX, on a bare NVDIMM as well, cannot zero a part of a block that is to be copied
# before: what was there stays. And where a clone was cut off and grows again it shows what was
# allocated for copies that were never made: blocks of files that were deleted.
ZEROES_CLONES = _VERSION >= (6, 12)
