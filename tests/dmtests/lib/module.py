# SPDX-License-Identifier: GPL-2.0
"""The kernel modules that were built with the tests."""

import os

from .command import read_file, run

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
        run("insmod", self.path)

    def remove(self):
        """Unload it; raises CommandError if it is in use."""
        run("rmmod", self.name)

    def __enter__(self):
        self.insert()
        return self

    def __exit__(self, *_):
        self.remove()


HOLDER = Module("dax-holder/dax_holder.ko")
TARGET = Module("dm-daxlinear/dm-daxlinear.ko")
GATE = Module("tests/modules/dm-gate.ko")
HEAL = Module("tests/modules/pmemheal.ko")
