# SPDX-License-Identifier: GPL-2.0
"""The kernel modules that were built with the tests.

They are loaded by the system calls themselves: insmod takes longer to start than to run, on an
emulated CPU, and some tests load modules over and over.
"""

import ctypes
import os

from .command import CommandError, log, log_command, read_file

# the numbers of finit_module and delete_module
_FINIT_MODULE, _DELETE_MODULE = {"x86_64": (313, 176), "aarch64": (273, 106)}[os.uname().machine]

_libc = ctypes.CDLL(None, use_errno=True)

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "../../.."))


class Module:
    """A module, by its file below the project's top folder."""

    def __init__(self, path):
        self.path = os.path.join(TOP, path)
        self.name = os.path.basename(path).removesuffix(".ko").replace("-", "_")

    @property
    def loaded(self):
        """Whether it is in the kernel."""
        return os.path.exists(f"/sys/module/{self.name}")

    @property
    def users(self):
        """How often it is in use."""
        return int(read_file(f"/sys/module/{self.name}/refcnt"))

    def insert(self):
        """Load it."""
        fd = os.open(self.path, os.O_RDONLY)
        try:
            self._call(["insmod", self.path], _FINIT_MODULE, fd, b"", 0)
        finally:
            os.close(fd)

    def remove(self):
        """Unload it; raises CommandError if it is in use."""
        self._call(["rmmod", self.name], _DELETE_MODULE, self.name.encode(), os.O_NONBLOCK)

    @staticmethod
    def _call(words, *arguments):
        log_command(words)
        if _libc.syscall(*arguments):
            number = ctypes.get_errno()
            log.info("%s", os.strerror(number))
            raise CommandError(words, number, os.strerror(number))

    def __enter__(self):
        self.insert()
        return self

    def __exit__(self, *_):
        self.remove()


HOLDER = Module("dax-holder/dax_holder.ko")
TARGET = Module("dm-daxlinear/dm-daxlinear.ko")
GATE = Module("tests/modules/dm-gate.ko")
HEAL = Module("tests/modules/pmemheal.ko")
