# SPDX-License-Identifier: GPL-2.0
"""Units: sectors in tables, bytes in failures, pages in both."""

SECTOR = 512
PAGE = 4096
PAGE_SECTORS = PAGE // SECTOR
MIB = 1 << 20
MIB_SECTORS = MIB // SECTOR
HUGE = 2 * MIB
HUGE_SECTORS = HUGE // SECTOR

# in place of a length: the whole child is gone
WHOLE = (1 << 64) - 1


def pages(number: int) -> int:
    """Return the sectors of so many pages."""
    return number * PAGE_SECTORS
