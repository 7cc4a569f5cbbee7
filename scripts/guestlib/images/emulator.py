# SPDX-License-Identifier: GPL-2.0
"""The emulator: Debian 13's QEMU, on any machine.

It emulates a quarter faster than Debian 12's, and all machines count and time with the same QEMU.
It is unpacked and not installed, and runs with its own suite's libraries.
"""

import contextlib
import os

from . import cache, debian, kernels

# the suite and its sources
_KERNEL = kernels.KERNELS["longterm"]
_PACKAGES = ("qemu-system-x86",)

_LIBRARIES = "usr/lib/x86_64-linux-gnu"
_PROGRAM = "usr/bin/qemu-system-x86_64"
_FIRMWARE = ("usr/share/qemu", "usr/share/seabios")


@contextlib.contextmanager
def ready(note):
    """Yield QEMU's command, for its options to follow; it stays in use until the caller is done."""
    recipe = debian.recipe(_KERNEL.suite, _KERNEL.sources, _PACKAGES, "extract")

    def make(target):
        note(f"unpacking the emulator (Debian {_KERNEL.suite})")
        debian.make(recipe, os.path.join(target, "root"))

    with cache.entry("emulator", cache.digest(recipe), make) as path:
        root = os.path.join(path, "root")
        libraries = os.path.join(root, _LIBRARIES)
        yield [os.path.join(libraries, "ld-linux-x86-64.so.2"), "--library-path", libraries,
               os.path.join(root, _PROGRAM),
               *[word for folder in _FIRMWARE for word in ("-L", os.path.join(root, folder))]]
