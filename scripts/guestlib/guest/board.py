# SPDX-License-Identifier: GPL-2.0
"""The machine that QEMU emulates for each architecture, and what its kernel has to be given."""

from dataclasses import dataclass

# Mitigations and zeroed memory protect nothing here, and cost an emulated CPU time at every system
# call. The CPU's random numbers are the host's, and trusted: the kernel would wait for other
# sources.
_APPEND = ("panic=-1", "oops=panic", "mitigations=off", "init_on_alloc=0", "loglevel=5",
           "random.trust_cpu=on")


@dataclass(frozen=True)
class Board:
    """QEMU's machine and CPU, and the arguments of the kernel."""

    machine: str
    cpu: str
    append: tuple
    # the one device that some QEMUs lack
    virtio_pmem: bool


BOARDS = {
    # With the vendor, a machine check that QEMU's monitor injects is recoverable; without, it
    # panics. Without fast string operations the kernel copies by eight bytes and not by one, each
    # of which is a step of the emulation. Without MONITOR an offline CPU halts; in MWAIT it would
    # spin. The TSC is the host's, and trusted: if a busy host delayed the watchdog, the kernel
    # would change to a clock that costs more to read.
    "amd64": Board("q35,nvdimm=on", "max,vendor=GenuineIntel,erms=off,fsrm=off,monitor=off",
                   ("console=ttyS0", "tsc=reliable") + _APPEND, virtio_pmem=True),
    # Each signature of a pointer would be computed, and with SVE and SME each switch of tasks
    # has more registers to save.
    "arm64": Board("virt,nvdimm=on,gic-version=3", "max,pauth=off,sve=off,sme=off",
                   ("console=ttyAMA0",) + _APPEND, virtio_pmem=False),
}
