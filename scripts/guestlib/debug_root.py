# SPDX-License-Identifier: GPL-2.0
"""A guest's root in which the debug kernel takes the place of the root's own."""

import contextlib
from dataclasses import dataclass

from . import debug_kernel, root

# where a build sees the build tree; /tmp is its own there
_BUILD = "/tmp/debug-kernel"


@dataclass(frozen=True)
class DebugRoot(root.Root):
    """A root whose kernel, modules and build tree are the debug kernel's."""

    debug: debug_kernel.DebugKernel

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
        return ("UBSAN_SANITIZE=y", "GCOV_PROFILE=y")

    @property
    def guest_modules(self):
        return self.debug.modules


@contextlib.contextmanager
def ready(kernel, note, ask_apt=False):
    """Yield the DebugRoot of a kernel, made if need be, like root.ready()."""
    with debug_kernel.ready(note) as debug, root.ready(kernel, note, ask_apt) as found:
        yield DebugRoot(folder=found.folder, image=found.image, kernel=debug.kernel,
                        version=debug.version, debug=debug)
