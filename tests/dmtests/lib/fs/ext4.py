# SPDX-License-Identifier: GPL-2.0
"""Ext4 filesystems."""

import os

from ..command import run
from ..units import PAGE


class Ext4:
    """A new filesystem that is mounted with DAX for its `with` block."""

    def __init__(self, device, folder):
        self._device = device
        self._folder = folder

    def __enter__(self):
        # without a journal there is less to write; the tests are not about the journal
        run("mkfs.ext4", "-q", "-F", "-b", PAGE, "-O", "^has_journal", self._device)
        run("mount", "-t", "ext4", "-o", "dax=always", self._device, self._folder)
        return self

    def __exit__(self, *_):
        run("umount", self._folder)

    def path(self, name):
        """Return the path of a file."""
        return os.path.join(self._folder, name)

    def write(self, name, data):
        """Write a file, and wait until it is on the device; return its path."""
        with open(self.path(name), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        return self.path(name)
