# SPDX-License-Identifier: GPL-2.0
"""Makes a guest's root of an architecture that is not this machine's, and what builds for it.

An entry of the cache holds:

    root        the guest's packages, unpacked: this machine runs none of their programs
    root.img    an image of it to boot from
    kernel      the kernel
    builder     a root of this machine's architecture, with the cross compiler

The builder has the programs of the kernel's build, in the version of the headers in `root`: both
come from the same archive at the same time.
"""

import glob
import os
import shlex
import shutil
import subprocess

from . import cache, debian, root_builder

# packages that others need and do not depend on
_ESSENTIAL = ("base-files", "base-passwd", "bash", "bsdutils", "coreutils", "dash", "debianutils",
              "diffutils", "findutils", "grep", "gzip", "hostname", "libc-bin", "login", "mawk",
              "ncurses-base", "ncurses-bin", "sed", "tar")

# what the builder does in its place
_NOT_IN_ROOT = ("gcc", "sparse")

# GNU's name of an architecture that Debian calls otherwise
GNU = {"arm64": "aarch64-linux-gnu"}

# The headers of this machine's architecture need the programs that all headers need.
_BUILDER = ("kmod", "linux-headers-amd64", "make", "python3", "python3-pytest", "xz-utils")

# What packages do when they are configured, as far as a guest needs it, and what a guest would
# otherwise do at each boot. The headers get those programs of the kernel's build that run here. The
# root is /mnt of the builder.
_CONFIGURE = """
    cd /mnt
    rm -rf usr/share/doc usr/share/info usr/share/locale usr/share/man
    mkdir -p mnt src results
    cp usr/share/base-passwd/passwd.master etc/passwd
    cp usr/share/base-passwd/group.master etc/group
    ln -sf mawk usr/bin/awk
    rm -rf usr/lib/linux-kbuild-*
    cp -a /usr/lib/linux-kbuild-* usr/lib
    find usr/lib/modules -name '*.ko.xz' -print0 | xargs -0 -r -n 64 -P 2 xz -d
    for version in $(ls usr/lib/modules); do
        depmod -b /mnt -C /dev/null "$version"
    done
    python3 -m compileall -q -j 0 --invalidation-mode unchecked-hash -s /mnt -p / usr/lib/python3*
"""

# what only builds use
_NOT_IN_IMAGE = ("boot", "usr/include", "usr/src")

def recipe(kernel):
    """Return all that decides what is in the root, save what the archive holds that day."""
    packages = tuple(name for name in root_builder.PACKAGES if name not in _NOT_IN_ROOT)
    arch_options = (f'APT::Architecture "{kernel.arch}"', "#clear APT::Architectures")
    guest = debian.recipe(kernel.suite, kernel.sources,
                          _ESSENTIAL + packages + kernel.packages, "extract",
                          kernel.apt_options + arch_options)
    builder = debian.recipe(kernel.suite, kernel.sources,
                            _BUILDER + (f"gcc-{GNU[kernel.arch]}",), "minbase",
                            kernel.apt_options, ('mkdir "$1/src"',))
    return {"guest": guest, "builder": builder, "configure": _CONFIGURE}


def _configure(folder, builder, image):
    quoted, mnt = shlex.quote(folder), shlex.quote(os.path.join(builder, "mnt"))
    hide = "\n".join(f"mount -t tmpfs none {quoted}/{name}" for name in _NOT_IN_IMAGE)
    script = f"""set -e
        mount --bind {quoted} {mnt}
        chroot {shlex.quote(builder)} /usr/bin/env -i PATH=/usr/sbin:/usr/bin LANG=C.UTF-8 \\
            sh -ec {shlex.quote(_CONFIGURE)}
        {hide}
        size=$(du -sxm {quoted} | cut -f1)
        mke2fs -q -t ext4 -O ^has_journal,^metadata_csum -m 0 -d {quoted} \\
            {shlex.quote(image)} "$((size + size / 4 + 64))M"
        chown {os.getuid()}:{os.getgid()} {shlex.quote(image)}
    """
    subprocess.run(cache.contained(["sh", "-c", script]), stdout=subprocess.DEVNULL, check=True)


def make(kernel, what, target, note):
    """Make the root of a kernel, of this recipe, in the folder `target`."""
    folder, builder = (os.path.join(target, name) for name in ("root", "builder"))
    note(f"making the guest root for {kernel.name} (Debian {kernel.suite})")
    debian.make(what["guest"], folder)
    note("making what builds for it")
    debian.make(what["builder"], builder)
    note("making its image")
    _configure(folder, builder, os.path.join(target, "root.img"))
    (vmlinuz,) = glob.glob(os.path.join(folder, "boot/vmlinuz-*"))
    shutil.copyfile(vmlinuz, os.path.join(target, "kernel"))
