# SPDX-License-Identifier: GPL-2.0
"""Units: sectors in tables, bytes in failures, pages in both, of the running kernel's size."""

import os


def _huge_page():
    """Return the kernel's PMD_SIZE; one without huge pages does not print it."""
    try:
        with open("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size", encoding="ascii") as file:
            return int(file.read())
    except FileNotFoundError:
        return PAGE // 8 * PAGE


SECTOR = 512
PAGE = os.sysconf("SC_PAGESIZE")
PAGE_SECTORS = PAGE // SECTOR
PAGE_LSB = PAGE.bit_length() - 1
KIB = 1 << 10
MIB = 1 << 20
MIB_SECTORS = MIB // SECTOR
MIB_PAGES = MIB // PAGE
HUGE = _huge_page()
HUGE_MIB = HUGE // MIB
HUGE_SECTORS = HUGE // SECTOR
HUGE_LSB = HUGE.bit_length() - 1

# in place of a length: the whole child is gone
WHOLE = (1 << 64) - 1


def pages(number: int) -> int:
    """Return the sectors of so many pages."""
    return number * PAGE_SECTORS
