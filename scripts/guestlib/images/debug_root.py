# SPDX-License-Identifier: GPL-2.0
"""A guest's root in which a debug kernel takes the place of the root's own."""

import contextlib
from dataclasses import dataclass

from . import debug_kernel, fixed_kernel, root

# variables of the modules' make, by what the kernel looks for
_VARIABLES = {"memory": ("UBSAN_SANITIZE=y", "GCOV_PROFILE=y")}

# where a build sees the build tree; /tmp is its own there
_BUILD = "/tmp/debug-kernel"


@dataclass(frozen=True)
class DebugRoot(root.Root):
    """A root whose kernel, modules and build tree are the debug kernel's."""

    debug: debug_kernel.DebugKernel
    flavour: str

    @property
    def modules(self):
        return self.debug.modules

    @property
    def build(self):
        return _BUILD

    @property
    def mounts(self):
        return ((self.debug.build, _BUILD),)

    @property
    def variables(self):
        return _VARIABLES.get(self.flavour, ())

    @property
    def guest_modules(self):
        return self.debug.modules


def kernel_ready(kernel, note):
    """Yield the DebugKernel of a kernel, built if need be."""
    if kernel.patches:
        return fixed_kernel.ready(note, kernel.debug, kernel.patches)
    return debug_kernel.ready(note, kernel.debug)


@contextlib.contextmanager
def ready(kernel, note, ask_apt=False):
    """Yield the DebugRoot of a kernel, made if need be, like root.ready()."""
    with kernel_ready(kernel, note) as debug, \
            root.ready(kernel, note, ask_apt) as found:
        yield DebugRoot(folder=found.folder, image=found.image, kernel=debug.kernel,
                        version=debug.version, debug=debug, flavour=kernel.debug)
