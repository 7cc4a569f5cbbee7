# SPDX-License-Identifier: GPL-2.0
"""The emulators: Debian 13's QEMU, on any machine.

It emulates a quarter faster than Debian 12's, and all machines count and time with the same QEMU.
It is unpacked and not installed, and runs with its own suite's libraries.
"""

import contextlib
import os
from dataclasses import dataclass

from . import cache, debian, kernels

# the suite and its sources
_KERNEL = kernels.KERNELS["longterm"]

_LIBRARIES = "usr/lib/x86_64-linux-gnu"


@dataclass(frozen=True)
class _Emulator:
    """What emulates one architecture; `firmware` has QEMU's options with a path each."""

    kind: str
    packages: tuple
    program: str
    firmware: tuple


_EMULATORS = {
    "amd64": _Emulator("emulator", ("qemu-system-x86",), "usr/bin/qemu-system-x86_64",
                       (("-L", "usr/share/qemu"), ("-L", "usr/share/seabios"))),
    # UEFI: the kernel finds NVDIMMs by ACPI alone, and ACPI by UEFI alone
    "arm64": _Emulator("arm64-emulator", ("qemu-system-arm", "qemu-efi-aarch64"),
                       "usr/bin/qemu-system-aarch64",
                       (("-L", "usr/share/qemu"),
                        ("-bios", "usr/share/qemu-efi-aarch64/QEMU_EFI.fd"))),
}


@contextlib.contextmanager
def ready(note, arch):
    """Yield QEMU's command, for its options to follow; it stays in use until the caller is done."""
    emulator = _EMULATORS[arch]
    recipe = debian.recipe(_KERNEL.suite, _KERNEL.sources, emulator.packages, "extract")

    def make(target):
        note(f"unpacking the emulator of {arch} (Debian {_KERNEL.suite})")
        debian.make(recipe, os.path.join(target, "root"))

    with cache.entry(emulator.kind, cache.digest(recipe), make) as path:
        root = os.path.join(path, "root")
        libraries = os.path.join(root, _LIBRARIES)
        yield [os.path.join(libraries, "ld-linux-x86-64.so.2"), "--library-path", libraries,
               os.path.join(root, emulator.program),
               *[word for option, place in emulator.firmware
                 for word in (option, os.path.join(root, place))]]
