# SPDX-License-Identifier: GPL-2.0
"""Makes the guest's root: a Debian folder to build modules in, and an image of it to boot from.

Modules are built inside the folder, by its own compiler against its own headers, so they match
the kernel whatever the machine outside runs. The guest boots from an image, not from the folder
over 9p: emulated, that starts Python a third faster. This file is part of the key of every root.
"""

import os
import shlex
import subprocess
import zlib
from lzma import LZMADecompressor

from . import cache, debian

PACKAGES = (
    "busybox-static",
    "dmsetup",
    "e2fsprogs",
    "fdisk",
    "fio",
    "gcc",
    "gddrescue",
    "kmod",
    "libblkid-dev",
    "libc6-dev",
    "libdevmapper-dev",
    "libfdisk-dev",
    "libjson-c-dev",
    "libmount-dev",
    "libndctl-dev",
    "libsystemd-dev",
    "libudev-dev",
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


def recipe(kernel):
    """Return all that decides what is in the root, save what the archive holds that day."""
    with open(__file__, encoding="utf-8") as file:
        builder = file.read()
    return debian.recipe(kernel.suite, kernel.sources, PACKAGES + kernel.packages, "minbase",
                         kernel.apt_options, HOOKS) | {"image": cache.digest(builder)}


def only_kernel(folder):
    """Return the version of the only kernel in a root."""
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


def make(kernel, what, target, note):
    """Make the root of a kernel, of this recipe, in the folder `target`."""
    note(f"making the guest root for {kernel.name} (Debian {kernel.suite})")
    folder = os.path.join(target, "root")
    debian.make(what, folder)
    note("making its image")
    _make_image(folder, os.path.join(target, "root.img"))
    _make_kernel(folder, only_kernel(folder), os.path.join(target, "kernel"))
