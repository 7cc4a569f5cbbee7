# SPDX-License-Identifier: GPL-2.0
"""A debug kernel with our patches for its source, Documentation/upstream, built once and cached.

debug_kernel.py is part of the key of every debug kernel, so what is for this one alone is here.
"""

import contextlib
import glob
import os

from .. import CHECKOUT
from . import cache, debug_kernel


def _patches(source):
    """Return the paths of the patches for a source, in their order."""
    return sorted(glob.glob(os.path.join(CHECKOUT, "Documentation/upstream", source,
                                         "*.patch")))


def _read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


class _Tree(debug_kernel.Tree):
    """The source tree, with the patches."""

    def patch(self, paths):
        """Apply the patches."""
        for path in paths:
            self.run("patch", "-p1", "-i", path)


@contextlib.contextmanager
def ready(note, flavour, source):
    """Yield the DebugKernel for `flavour` with the patches, like debug_kernel.ready()."""
    debug_kernel.install_packages()
    paths = _patches(source)
    recipe = debug_kernel.recipe_of(flavour) | {"patches": [_read(path) for path in paths]}
    name = cache.digest(recipe)

    def make(target):
        note(f"building the debug kernel for {flavour} from {debug_kernel.SOURCE} "
             f"{recipe['source']} with {len(paths)} patches")
        folder = os.path.join(target, "source")
        os.mkdir(folder)
        tree = _Tree(folder, os.path.join(target, "log"))
        tree.unpack()
        tree.patch(paths)
        tree.configure(recipe["fragment"])
        # The name has the recipe's digest, so that no other kernel accepts its modules.
        version = tree.build(f"-fixed-{name[:8]}")
        tree.install(target, version)
        cache.remove(folder)

    with cache.entry(f"{flavour}-fixed-kernel", name, make) as path:
        yield debug_kernel.DebugKernel(folder=path,
                                       version=_read(os.path.join(path, "version")).strip())
