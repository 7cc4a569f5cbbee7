# SPDX-License-Identifier: GPL-2.0
"""Puts a guest together: its initramfs, its disks, what it shares with the host."""

import os
import shlex
import shutil
import subprocess

from .. import SCRIPTS
from ..images import cache
from . import initramfs, systemd
from .qemu import Qemu, path_for_option

# What mounting the root takes. inside/init loads the rest from there.
_BOOT_MODULES = ("virtio_pci", "virtio_blk", "crc32c_generic", "ext4", "overlay")

_DISK_BYTES = 2 << 30


def _script(name):
    with open(os.path.join(SCRIPTS, "inside", name), "rb") as file:
        return file.read()


def _settings(options, interactive):
    """Return the variables that inside/init reads."""
    settings = {"INTERACTIVE": "yes" if interactive else "", "MAP": options.map}
    if interactive:
        size = shutil.get_terminal_size()
        settings.update(TERM=os.environ.get("TERM", "linux"), ROWS=str(size.lines),
                        COLUMNS=str(size.columns))
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in settings.items())


def _make_initramfs(path, root, command, settings):
    modules = initramfs.modules_in_order(root.modules, _BOOT_MODULES)
    files = {
        "guest/init": (_script("init"), 0o755),
        "guest/command": ((shlex.join(command) + "\n").encode(), 0o755),
        "guest/settings": (settings.encode(), 0o644),
        "guest/unit": (systemd.UNIT, 0o644),
        "guest/trigger.conf": (systemd.TRIGGER, 0o644),
    }
    if root.guest_modules:
        files.update(initramfs.tree("guest/modules", root.guest_modules))
    with open(path, "wb") as file:
        file.write(initramfs.make(root.busybox, _script("initramfs-init"), modules, files))


def _make_disk(path, layer):
    """Make a disk for what the guest writes; it starts with what is in the layer."""
    with open(path, "wb") as file:
        file.truncate(_DISK_BYTES)
    command = ["mke2fs", "-q", "-t", "ext4", "-F", path]
    if layer:
        # some of its files are readable by root alone
        command = cache.as_root(command + ["-d", layer])
    subprocess.run(command, check=True)


def make(root, options, temporary, source, interactive):
    """Return a Qemu that is ready to start; `temporary` is a folder for as long as it runs."""
    image = os.path.join(temporary, "initramfs")
    _make_initramfs(image, root, options.command, _settings(options, interactive))
    qemu = Qemu(options.emulator, options, temporary)
    qemu.port("output")
    qemu.port("verdict")
    if interactive:
        qemu.terminal()
    qemu.image(path_for_option(root.image))
    append = list(options.append)
    if options.systemd:
        disk = os.path.join(temporary, "disk")
        _make_disk(disk, options.layer)
        qemu.image(path_for_option(disk), writable=True)
        append += systemd.APPEND
    if source:
        qemu.share("src", path_for_option(source))
    if options.results:
        qemu.share("results", path_for_option(options.results), writable=True)
    if options.cxl:
        qemu.cxl(options.cxl)
    qemu.boot(root.kernel, image, append)
    qemu.add(*options.qemu_arg)
    return qemu
