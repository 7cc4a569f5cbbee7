# SPDX-License-Identifier: GPL-2.0
"""The guest's root: a Debian folder to build modules in, and an image of it to boot from.

Modules are built inside the folder, by its own compiler against its own headers, so they match
the kernel whatever the machine outside runs. The guest boots from an image, not from the folder
over 9p: emulated, that starts Python a third faster.
"""

import contextlib
import os
import re
import shlex
import subprocess
import zlib
from dataclasses import dataclass
from lzma import LZMADecompressor

from . import apt, cache, debian

PACKAGES = (
    "busybox-static",
    "dmsetup",
    "e2fsprogs",
    "fdisk",
    "fio",
    "gcc",
    "kmod",
    "libblkid-dev",
    "libc6-dev",
    "libdevmapper-dev",
    "libjson-c-dev",
    "libmount-dev",
    "libndctl-dev",
    "lvm2",
    "make",
    "ndctl",
    "procps",
    "python3",
    "python3-pytest",
    "sparse",
    "strace",
    "systemd",
    "udev",
    "util-linux",
    "xfslibs-dev",
    "xfsprogs",
)

HOOKS = (
    'mkdir -p "$1/src" "$1/results"',
    # once and here, not by each guest at each boot
    'find "$1"/usr/lib/modules -name "*.ko.xz" -print0 | xargs -0 -r -n 64 -P 2 xz -d',
    'chroot "$1" sh -c \'depmod "$(ls /usr/lib/modules)"\'',
)

# what the image needn't hold: only builds use the headers, and the kernel is handed to QEMU
NOT_IN_IMAGE = ("boot", "usr/include", "usr/src")


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


def _recipe(kernel):
    """Return all that decides what is in the root, save what the archive holds that day."""
    with open(__file__, encoding="utf-8") as file:
        builder = file.read()
    return debian.recipe(kernel.suite, kernel.sources, PACKAGES + kernel.packages, "minbase",
                         kernel.apt_options, HOOKS) | {"image": cache.digest(builder)}


def _only_kernel(folder):
    versions = os.listdir(os.path.join(folder, "usr/lib/modules"))
    if len(versions) != 1:
        raise cache.Error(f"{folder} has {len(versions)} kernels, not one")
    return versions[0]


def _make_image(folder, image):
    """Make an ext4 image of the folder, owned by whoever asks.

    Neither journal nor checksums: it is only ever read, by a CPU that is emulated.
    """
    hide = "".join(f"mount -t tmpfs none {shlex.quote(os.path.join(folder, name))}\n"
                   for name in NOT_IN_IMAGE)
    script = f"""set -e
        {hide}
        size=$(du -sxm {shlex.quote(folder)} | cut -f1)
        mke2fs -q -t ext4 -O ^has_journal,^metadata_csum -m 0 \\
            -d {shlex.quote(folder)} {shlex.quote(image)} "$((size + size / 4 + 64))M"
        chown {os.getuid()}:{os.getgid()} {shlex.quote(image)}
    """
    subprocess.run(cache.contained(["sh", "-c", script]),
                   stdout=subprocess.DEVNULL, check=True)


def _unpack_kernel(vmlinuz):
    """Return the ELF kernel inside a bzImage, or None if it is packed in another way.

    QEMU starts the ELF at once, by its PVH entry; the bzImage would first unpack itself, which
    takes four seconds when the CPU is emulated.
    """
    setup_sectors = vmlinuz[0x1f1] or 4
    offset = int.from_bytes(vmlinuz[0x248:0x24c], "little")
    length = int.from_bytes(vmlinuz[0x24c:0x250], "little")
    start = (setup_sectors + 1) * 512 + offset
    payload = vmlinuz[start:start + length]
    if payload.startswith(b"\xfd7zXZ"):
        unpacked = LZMADecompressor().decompress(payload)
    elif payload.startswith(b"\x1f\x8b"):
        unpacked = zlib.decompressobj(wbits=31).decompress(payload)
    elif payload.startswith(b"\x28\xb5\x2f\xfd"):
        # the last four bytes are the unpacked length, not zstd's
        unpacked = subprocess.run(["zstd", "-dcq"], input=payload[:-4], stdout=subprocess.PIPE,
                                  check=True).stdout
    else:
        return None
    return unpacked if unpacked.startswith(b"\x7fELF") else None


def _make_kernel(folder, version, kernel):
    with open(os.path.join(folder, "boot", "vmlinuz-" + version), "rb") as file:
        vmlinuz = file.read()
    with open(kernel, "wb") as file:
        file.write(_unpack_kernel(vmlinuz) or vmlinuz)


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
    recipe = _recipe(kernel)

    def make(target):
        note(f"making the guest root for {kernel.name} (Debian {kernel.suite})")
        folder = os.path.join(target, "root")
        debian.make(recipe, folder)
        note("making its image")
        _make_image(folder, os.path.join(target, "root.img"))
        _make_kernel(folder, _only_kernel(folder), os.path.join(target, "kernel"))

    with cache.entry(f"root-{kernel.name}", _entry_name(kernel, recipe, ask_apt), make) as path:
        folder = os.path.join(path, "root")
        yield Root(folder=folder, image=os.path.join(path, "root.img"),
                   kernel=os.path.join(path, "kernel"), version=_only_kernel(folder))
