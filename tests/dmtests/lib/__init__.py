# SPDX-License-Identifier: GPL-2.0
"""What the tests are made of.

The modules of this folder and its folders, lowest first:

    units kernel command beside module    constants, differences of kernels, commands, waiting
    devices/    NVDIMMs, virtio-pmem and CPUs, and how they fail
    dm/         mapped devices and what the target reports
    holders/    failures: injecting them, the holders that get them, the kernel's log
    fs/         filesystems and the processes that use their files
    tool/       daxlinear(8)
    judge/      models of what must happen, and the random runs that are compared with them
    lvm/        volume groups
    bed         what each test starts from

A module imports from its own folder and from lower ones.
"""
