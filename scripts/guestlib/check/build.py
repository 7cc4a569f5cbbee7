# SPDX-License-Identifier: GPL-2.0
"""Builds the modules, the tool and the test programs for a kernel, inside the kernel's own root.

Each build has its own copy of the sources. So builds for several kernels do not mix their object
files, the checkout stays clean, and the guest sees exactly the sources that were built.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys

from .. import CHECKOUT
from ..images import cache

_DIAGNOSTIC = re.compile(r"\b(warning|error)\b", re.I)


def folder(kernel_name, out=None):
    """Return the folder of a kernel's build."""
    return os.path.abspath(out or os.path.join(CHECKOUT, "build", kernel_name))


def _source_files():
    """Return the paths of the checkout's sources: all files that git does not ignore."""
    listing = subprocess.run(
        ["git", "-C", CHECKOUT, "ls-files", "-co", "--exclude-standard", "-z"],
        stdout=subprocess.PIPE, check=True).stdout.decode()
    return {path for path in listing.split("\0")
            if path and not path.startswith("build/")
            and os.path.lexists(os.path.join(CHECKOUT, path))}


def _same(source, copy):
    """Return whether a copy is up to date, by what make looks at."""
    try:
        there = os.lstat(copy)
    except FileNotFoundError:
        return False
    here = os.lstat(source)
    return (here.st_size, here.st_mtime_ns, here.st_mode) == (
        there.st_size, there.st_mtime_ns, there.st_mode)


def mirror(out):
    """Bring out/src up to date with the checkout, and keep what make has built there."""
    source = os.path.join(out, "src")
    manifest = os.path.join(out, "manifest")
    files = _source_files()
    try:
        with open(manifest, encoding="utf-8") as file:
            gone = set(file.read().split("\0")) - files
    except FileNotFoundError:
        gone = True
    if gone:
        # make would keep what was built from a source that is gone
        shutil.rmtree(source, ignore_errors=True)
    for path in sorted(files):
        here, copy = os.path.join(CHECKOUT, path), os.path.join(source, path)
        if not _same(here, copy):
            os.makedirs(os.path.dirname(copy), exist_ok=True)
            if os.path.lexists(copy):
                os.unlink(copy)
            shutil.copy2(here, copy, follow_symlinks=False)
    with open(manifest, "w", encoding="utf-8") as file:
        file.write("\0".join(sorted(files)))
    return source


def _has_makefile(folder_path):
    return any(os.path.exists(os.path.join(folder_path, name)) for name in ("Kbuild", "Makefile"))


def _steps(root, source, variables, modules_alone):
    """Yield the commands of the build, as seen inside the root."""
    jobs = f"-j{os.cpu_count()}"
    make = ["make", "--no-print-directory", jobs]
    kernel = make + ["-C", root.build]
    for_tools = make + ["-C", "/src/tools", "WERROR=1", *root.compiler, *variables]
    variables = [*root.variables, *variables]
    yield kernel + ["M=/src"] + variables + ["modules"]
    if modules_alone:
        return
    if _has_makefile(os.path.join(source, "tools")):
        yield for_tools
    if _has_makefile(os.path.join(source, "tests/programs")):
        yield make + ["-C", "/src/tests/programs", *root.compiler]
    if _has_makefile(os.path.join(source, "tests/modules")):
        yield kernel + ["M=/src/tests/modules", "KBUILD_EXTRA_SYMBOLS=/src/Module.symvers",
                        *variables, "modules"]
    # pytest caches its rewritten tests here. On an emulated CPU rewriting them takes longer than
    # running most of them.
    collect = ["python3", "-m", "pytest", "-qq", "--collect-only"]
    for tests in ("tests/dmtests", "tests/lvmtests"):
        if os.path.exists(os.path.join(source, tests)):
            yield ["env", "-C", f"/src/{tests}", f"KERNEL_RELEASE={root.version}", *collect]


def inside(root, source, steps):
    """Return a command that runs the steps inside the root, where the source is /src.

    The mounts live in a namespace that ends with the command. The root is read-only there, since
    all builds share it. objtool needs /proc.
    """
    quoted = shlex.quote(root.builder)
    inner = "cd / && " + " && ".join(shlex.join(step) for step in steps)
    mounts = "\n".join(f"mkdir {quoted}{place} && mount --bind {shlex.quote(path)} {quoted}{place}"
                       for path, place in root.mounts)
    script = f"""set -e
        mount --bind {quoted} {quoted}
        mount -o remount,bind,ro {quoted}
        mount --bind {shlex.quote(source)} {quoted}/src
        mount -t proc proc {quoted}/proc
        mount -t tmpfs tmpfs {quoted}/tmp
        {mounts}
        exec chroot --userspec={os.getuid()}:{os.getgid()} {quoted} \\
            /usr/bin/env -i PATH=/usr/bin:/usr/sbin HOME=/tmp LANG=C.UTF-8 \\
            sh -c {shlex.quote(inner)}
    """
    return cache.contained(["sh", "-c", script])


def locked(out):
    """Return a lock on a build's folder: another build may make files there, and remove them."""
    return cache.lock(os.path.join(out, "lock"))


def _version(out):
    """Return the version of the kernel that a build is for, or None if nothing is built."""
    try:
        with open(os.path.join(out, "version"), encoding="utf-8") as file:
            return file.read().strip()
    except FileNotFoundError:
        return None


def build(root, out, variables, verbose, patch=None, modules_alone=False):
    """Build everything, or the modules alone, as after a patch; return the exit code.

    A build that succeeds prints only warnings.
    """
    os.makedirs(out, exist_ok=True)
    with locked(out):
        if _version(out) not in (None, root.version):
            # The kernel's build tree may have the path of the last one, and be older than the
            # objects.
            shutil.rmtree(os.path.join(out, "src"), ignore_errors=True)
        source = mirror(out)
        if patch:
            subprocess.run(["patch", "-s", "-p1", "-d", source, "-i", os.path.abspath(patch)],
                           check=True)
        command = inside(root, source, _steps(root, source, variables,
                                               modules_alone or bool(patch)))
        if verbose:
            code = subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode
        else:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, errors="replace",
                                  check=False)
            code = done.returncode
            for line in done.stdout.splitlines():
                if code or _DIAGNOSTIC.search(line):
                    print(line)
            sys.stdout.flush()
        if not code:
            with open(os.path.join(out, "version"), "w", encoding="utf-8") as file:
                file.write(root.version + "\n")
    return code


def source_for(root, out):
    """Return the folder that a guest of this root sees as /src, or None if nothing is built."""
    version = _version(out)
    if version is None:
        return None
    if version != root.version:
        raise cache.Error(f"{out} was built for {version}, the guest runs {root.version}: "
                          "build again")
    return os.path.join(out, "src")
