# SPDX-License-Identifier: GPL-2.0
"""Machine checks, made by QEMU: the processor's own report of failed memory."""

from . import monitor

# valid, uncorrected, enabled, with an address; a memory scrubbing error on channel 0
_STATUS = 0xbd000000000000c0
# the registers are good, a check is in progress; signalled to one processor alone
_MCGSTATUS = 0xd
# the address is good down to 4 KiB, and physical
_MISC = 0x8c
_BANK = 9


def check(address, cpu=0):
    """Have a processor report that the page at a physical address has failed."""
    answer = monitor.command(f"mce {cpu} {_BANK} {_STATUS:#x} {_MCGSTATUS:#x} {address:#x} "
                             f"{_MISC:#x}")
    assert not answer, answer
