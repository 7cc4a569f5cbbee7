# SPDX-License-Identifier: GPL-2.0
"""The guest's root, as a build and a guest use it, and which of the cache's they use."""

import contextlib
import os
import re
from dataclasses import dataclass

from . import apt, cache, root_builder


@dataclass(frozen=True)
class Root:
    """A guest root that exists and is held in use."""

    folder: str
    image: str
    kernel: str
    version: str

    # Only a kernel from elsewhere needs more: (path, place) mounts and variables for a build, and
    # a folder of modules for the guest.
    mounts = ()
    variables = ()
    guest_modules = None

    @property
    def modules(self):
        """The folder of the kernel's modules."""
        return os.path.join(self.folder, "usr/lib/modules", self.version)

    @property
    def build(self):
        """The kernel's build tree, as seen from inside the root."""
        return os.path.join("/lib/modules", self.version, "build")

    @property
    def busybox(self):
        """A static busybox, for the initramfs."""
        return os.path.join(self.folder, "usr/bin/busybox")


def _entry_name(kernel, recipe, ask_apt):
    """Return the name of the cache entry to use.

    Only `guest root` asks apt for a newer kernel. All else takes the newest root of this recipe
    that there is: a guest must not come up with another kernel than the modules were built for.
    """
    recipe_digest = cache.digest(recipe)
    version = None
    if ask_apt:
        version = apt.candidate(kernel.packages[0], kernel.suite)
    if version is None:
        for name in cache.names(f"root-{kernel.name}"):
            if name.startswith(recipe_digest):
                return name
        version = apt.candidate(kernel.packages[0], kernel.suite)
    return recipe_digest + "-" + re.sub(r"[^\w.+-]", "_", version or "any")


@contextlib.contextmanager
def ready(kernel, note, ask_apt=False):
    """Yield the Root of a kernel, made if need be; it stays in use until the caller is done."""
    recipe = root_builder.recipe(kernel)
    name = _entry_name(kernel, recipe, ask_apt)

    def make(target):
        root_builder.make(kernel, recipe, target, note)

    with cache.entry(f"root-{kernel.name}", name, make) as path:
        folder = os.path.join(path, "root")
        yield Root(folder=folder, image=os.path.join(path, "root.img"),
                   kernel=os.path.join(path, "kernel"), version=root_builder.only_kernel(folder))
