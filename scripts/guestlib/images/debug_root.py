# SPDX-License-Identifier: GPL-2.0
"""A guest's root in which a debug kernel takes the place of the root's own."""

import contextlib
from dataclasses import dataclass

from . import debug_kernel, fixed_kernel, root

# Variables of the modules' make, by the kernel's flavour. gcov calculates the counts of most lines
# from those of others: where CPUs race, an update that gets lost makes a line that ran count 0.
_VARIABLES = {"memory": ("UBSAN_SANITIZE=y", "GCOV_PROFILE=y", "KCFLAGS=-fprofile-update=atomic")}

# Where a build sees the kernel's build tree: its /tmp is a tmpfs of its own.
_BUILD = "/tmp/debug-kernel"


@dataclass(frozen=True)
class DebugRoot(root.Root):
    """A root whose kernel, modules and build tree are the debug kernel's."""

    debug: debug_kernel.DebugKernel
    flavour: str

    @property
    def modules(self):
        """The folder of the kernel's modules."""
        return self.debug.modules

    @property
    def build(self):
        """The kernel's build tree, as seen from inside the root."""
        return _BUILD

    @property
    def mounts(self):
        """The (path, place) mounts of a build."""
        return ((self.debug.build, _BUILD),)

    @property
    def variables(self):
        """The variables of the modules' make."""
        return _VARIABLES.get(self.flavour, ())

    @property
    def guest_modules(self):
        """The folder of modules for the guest."""
        return self.debug.modules


def kernel_ready(kernel, note):
    """Yield the DebugKernel of a kernel, built if need be."""
    if kernel.patches:
        return fixed_kernel.ready(note, kernel.debug, kernel.patches)
    return debug_kernel.ready(note, kernel.debug)


@contextlib.contextmanager
def ready(kernel, note, ask_archive=False):
    """Yield the DebugRoot of a kernel, made if need be, like root.ready()."""
    with kernel_ready(kernel, note) as debug, \
            root.ready(kernel, note, ask_archive) as found:
        yield DebugRoot(name=found.name, remark=found.remark, folder=found.folder,
                        image=found.image, kernel=debug.kernel, version=debug.version,
                        debug=debug, flavour=kernel.debug)
