# SPDX-License-Identifier: GPL-2.0
"""The guest's root, as a build and a guest use it, and which of the cache's they use."""

import contextlib
import os
import re
from dataclasses import dataclass

from . import cache, foreign, root_builder
from .index import Index
from .kernels import NATIVE


class Gone(cache.Error):
    """The archive has the kernel no more, and the cache has no root that could serve."""


def debian_version(name):
    """Return the version of the kernel's package, which is a part of the name of a root."""
    return name.partition("-")[2]


@dataclass(frozen=True)
class Root:
    """A guest root that exists and is held in use.

    `name` is that of its entry in the cache, `remark` says why it is not what the archive has.
    """

    name: str
    remark: str
    folder: str
    image: str
    kernel: str
    version: str

    # Only a kernel from elsewhere needs more: (path, place) mounts and variables for a build, and
    # a folder of modules for the guest.
    mounts = ()
    variables = ()
    guest_modules = None

    # Only a root of another architecture needs it: variables of make for the programs' compiler.
    compiler = ()

    @property
    def builder(self):
        """The folder whose programs build."""
        return self.folder

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


# where a build has a root of another architecture
_PLACE = "/tmp/root"


@dataclass(frozen=True)
class ForeignRoot(Root):
    """A root of another architecture, which `cross` builds for with the compilers of `gnu`."""

    cross: str
    gnu: str

    @property
    def builder(self):
        """The folder whose programs build."""
        return self.cross

    @property
    def build(self):
        """The kernel's build tree, as seen from inside the builder."""
        return _PLACE + super().build

    @property
    def mounts(self):
        """The (path, place) mounts of a build."""
        return ((self.folder, _PLACE),)

    @property
    def compiler(self):
        """The variables of make for the compiler of programs."""
        return (f"CC={self.gnu}-gcc --sysroot={_PLACE}",)


def _kind(kernel):
    return f"root-{kernel.name}"


def _choose(kernel, digest, ask_archive):
    """Return the name of the cache entry to use, and a remark on it or "".

    Only `guest root` and `make check` ask the archive for a newer kernel. All else takes what they
    took last, of this recipe: a guest must not come up with another kernel than the modules were
    built for.
    """
    present = [name for name in cache.names(_kind(kernel)) if name.startswith(digest)]
    worked = cache.marked(_kind(kernel))
    if kernel.worked:
        if worked in present:
            return worked, ""
        raise cache.Error(f"no root of {kernel.name} is marked as one that worked")
    if present and not ask_archive:
        return present[0], ""
    index = Index(kernel.name, kernel.kernel_sources, kernel.arch)
    error = index.refresh()
    if error:
        if present:
            return present[0], (f"{kernel.name}: the archive cannot be reached, the root of "
                                f"{debian_version(present[0])} serves ({error})")
        raise cache.Error(f"{kernel.name}: the archive cannot be reached, and the cache has no "
                          f"root: {error}")
    versions = index.versions(kernel.package)
    if versions:
        return f"{digest}-" + re.sub(r"[^\w.+~-]", "_", versions[0][0]), ""
    gone = f"{kernel.name}: {kernel.package} is gone from the archive"
    if worked in present:
        return worked, f"{gone}, the root of {debian_version(worked)} serves, which worked last"
    raise Gone(f"{gone}, and the cache has no root that worked")


@contextlib.contextmanager
def ready(kernel, note, ask_archive=False):
    """Yield the Root of a kernel, made if need be; it stays in use until the caller is done."""
    is_foreign = kernel.arch != NATIVE
    builder = foreign if is_foreign else root_builder
    recipe = builder.recipe(kernel)
    name, remark = _choose(kernel, cache.digest(recipe), ask_archive)

    def make(target):
        builder.make(kernel, recipe, target, note)

    with cache.entry(_kind(kernel), name, make) as path:
        if ask_archive and not kernel.worked:
            # the newest from now on, which all that does not ask takes
            os.utime(path)
        folder = os.path.join(path, "root")
        found = Root(name=name, remark=remark, folder=folder,
                     image=os.path.join(path, "root.img"), kernel=os.path.join(path, "kernel"),
                     version=root_builder.only_kernel(folder))
        if is_foreign:
            found = ForeignRoot(**vars(found), cross=os.path.join(path, "builder"),
                                gnu=foreign.GNU[kernel.arch])
        yield found


def mark(kernel, name):
    """Mark a root of a kernel as the last that worked; the others go."""
    cache.mark(_kind(kernel), name)
    cache.remove_others(_kind(kernel), {name})
