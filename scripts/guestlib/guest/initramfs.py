# SPDX-License-Identifier: GPL-2.0
"""The initramfs: a busybox, the modules that mount the root image, and this run's own files.

Each run writes its own, which takes some milliseconds and no cpio program. So the guest gets its
init script and its command without any use of the kernel's command line.
"""

import lzma
import os
import stat


class Newc:
    """A cpio archive in the one format that the kernel unpacks (`newc`)."""

    def __init__(self):
        self._chunks = []
        self._inode = 0
        self._seen_dirs = set()

    def _entry(self, name, mode, data=b"", rdev=(0, 0)):
        encoded = name.encode() + b"\0"
        self._inode += 1
        fields = (self._inode, mode, 0, 0, 1, 0, len(data), 0, 0, rdev[0], rdev[1],
                  len(encoded), 0)
        header = b"070701" + b"".join(b"%08x" % field for field in fields)
        self._chunks.append(_padded(header + encoded))
        self._chunks.append(_padded(data))

    def directory(self, name):
        """Add a directory and whatever is missing above it."""
        parent = os.path.dirname(name)
        if parent:
            self.directory(parent)
        if name not in self._seen_dirs:
            self._seen_dirs.add(name)
            self._entry(name, stat.S_IFDIR | 0o755)

    def file(self, name, data, mode=0o644):
        """Add a regular file."""
        self.directory(os.path.dirname(name))
        self._entry(name, stat.S_IFREG | mode, data)

    def symlink(self, name, target):
        """Add a symbolic link."""
        self.directory(os.path.dirname(name))
        self._entry(name, stat.S_IFLNK | 0o777, target.encode())

    def char_device(self, name, major, minor):
        """Add a character device."""
        self.directory(os.path.dirname(name))
        self._entry(name, stat.S_IFCHR | 0o600, rdev=(major, minor))

    def bytes(self):
        """Return the archive, closed by its trailer."""
        self._inode = -1
        self._entry("TRAILER!!!", 0)
        return b"".join(self._chunks)


def _padded(data):
    return data + b"\0" * (-len(data) % 4)


def _module_name(path):
    """Return the name of a module, `nd_pmem` for `kernel/drivers/nvdimm/nd-pmem.ko.xz`."""
    return os.path.basename(path).split(".ko")[0].replace("-", "_")


def modules_in_order(modules_dir, names):
    """Return the files of the named modules and their dependencies, in the order to load them.

    A name that modules.dep lacks is taken to be built into the kernel: which drivers are modules
    differs from one kernel to the next.
    """
    depends = {}
    with open(os.path.join(modules_dir, "modules.dep"), encoding="utf-8") as dep:
        for line in dep:
            path, *needs = line.replace(":", " ", 1).split()
            depends[_module_name(path)] = (path, needs)
    order = []
    for name in names:
        if name not in depends:
            continue
        path, needs = depends[name]
        # modules.dep lists the closure, the deepest dependency last
        for needed in list(reversed(needs)) + [path]:
            if needed not in order:
                order.append(needed)
    return [os.path.join(modules_dir, path) for path in order]


def _module_bytes(path):
    """Return a module uncompressed: busybox's insmod does not decompress."""
    with open(path, "rb") as file:
        data = file.read()
    return lzma.decompress(data) if path.endswith(".xz") else data


def tree(name, folder):
    """Return all files of a folder as make() takes them, below that name."""
    files = {}
    for path, _, inside in os.walk(folder):
        for each in inside:
            with open(os.path.join(path, each), "rb") as file:
                place = os.path.relpath(os.path.join(path, each), folder)
                files[os.path.join(name, place)] = (file.read(), 0o644)
    return files


def make(busybox, init, modules, files):
    """Return an initramfs.

    init is the text of /init; modules are loaded by it in the order of /modules/order; files
    maps further paths to (bytes, mode).
    """
    archive = Newc()
    for name in ("dev", "proc", "sys", "root", "overlay", "lower"):
        archive.directory(name)
    archive.char_device("dev/console", 5, 1)
    with open(busybox, "rb") as file:
        archive.file("bin/busybox", file.read(), 0o755)
    archive.symlink("bin/sh", "busybox")
    archive.file("init", init, 0o755)
    names = []
    for path in modules:
        names.append(_module_name(path) + ".ko")
        archive.file("modules/" + names[-1], _module_bytes(path))
    archive.file("modules/order", "".join(name + "\n" for name in names).encode())
    for name, (data, mode) in files.items():
        archive.file(name, data, mode)
    return archive.bytes()
