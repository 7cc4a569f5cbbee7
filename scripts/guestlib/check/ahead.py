# SPDX-License-Identifier: GPL-2.0
"""Builds the modules for the kernel that Debian prepares, if it is newer than that of backports.

It looks into sid and experimental. What it finds is printed, and is no failure.
"""

import argparse
import contextlib
import functools
import io
import shutil
import subprocess

from ..images import cache, headers, kernels
from ..images.index import Index
from . import build


def _note(text):
    print(f"check-next: {text}", flush=True)


def _upstream(version):
    """Return the version without Debian's revision: a backport has another of those."""
    return version.rpartition("-")[0]


def _compare(one, other):
    """Compare two versions as dpkg does, for sorting."""
    for result, relation in ((-1, "lt"), (1, "gt")):
        done = subprocess.run(["dpkg", "--compare-versions", one, relation, other], check=False)
        if not done.returncode:
            return result
    return 0


_KEY = functools.cmp_to_key(_compare)


def _versions(kernel, package):
    """Return the (version, suite) pairs of a package where a kernel comes from."""
    index = Index(kernel.name, kernel.kernel_sources, kernel.arch)
    error = index.refresh()
    if error:
        raise cache.Error(f"the archive cannot be reached: {error}")
    return index.versions(package)


def _look(any_version):
    """Build for what is ahead, if there is something."""
    package = kernels.NEXT.package
    newest = max((version for version, _ in _versions(kernels.KERNELS["newest"], package)),
                 key=_KEY, default="0-0")
    ahead = _versions(kernels.NEXT, package)
    _note(", ".join(f"{suite} has {version}"
                    for version, suite in [*ahead, (newest, "backports")]))
    if not ahead:
        return
    version, suite = max(ahead, key=lambda pair: _KEY(pair[0]))
    if _compare(_upstream(version), _upstream(newest)) <= 0 and not any_version:
        _note("nothing is newer than backports")
        return
    with headers.ready(kernels.NEXT, suite, version, _note) as root:
        out = build.folder("next")
        # what is built already would warn no more
        shutil.rmtree(out, ignore_errors=True)
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            code = build.build(root, out, ["W=1"], False, modules_alone=True)
        print(said.getvalue(), end="")
        outcome = "DO NOT BUILD" if code else "build with warnings" if said.getvalue() else \
            "build without a warning"
        _note(f"with W=1 the modules {outcome} for {root.version} of {suite}")


def main():
    """Look ahead; return the exit code."""
    parser = argparse.ArgumentParser(prog="check-next", description=__doc__)
    parser.add_argument("--any", action="store_true",
                        help="build for the newest of the two, also if backports has a newer one")
    options = parser.parse_args()
    try:
        _look(options.any)
    except cache.Error as error:
        _note(str(error))
    return 0
