# SPDX-License-Identifier: GPL-2.0
"""A small root to build modules in, with a kernel's headers and without the kernel."""

import contextlib
import os

from . import cache, debian
from .root import Root

_PACKAGES = ("gcc", "kmod", "libc6-dev", "make")
_HOOKS = ('mkdir "$1/src"',)


def _release(folder):
    """Return the release that the root has a build tree for."""
    modules = os.path.join(folder, "usr/lib/modules")
    releases = [release for release in os.listdir(modules)
                if os.path.lexists(os.path.join(modules, release, "build"))]
    if len(releases) != 1:
        raise cache.Error(f"{folder} has the headers of {len(releases)} kernels, not of one")
    return releases[0]


@contextlib.contextmanager
def ready(kernel, suite, version, note):
    """Yield a Root with the kernel's headers of that version, which the suite has."""
    packages = tuple(f"{package}/{suite}" for package in kernel.packages)
    recipe = debian.recipe(kernel.suite, kernel.sources, _PACKAGES + packages, "minbase",
                           kernel.apt_options, _HOOKS)
    name = f"{cache.digest(recipe)}-{version}"

    def make(target):
        note(f"making a root with {kernel.package} {version} of {suite}")
        debian.make(recipe, os.path.join(target, "root"))

    with cache.entry(f"headers-{kernel.name}", name, make) as path:
        folder = os.path.join(path, "root")
        yield Root(name=name, remark="", folder=folder, image="", kernel="",
                   version=_release(folder))
