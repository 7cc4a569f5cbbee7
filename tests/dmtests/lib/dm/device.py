# SPDX-License-Identifier: GPL-2.0
"""Mapped devices, handled by dmsetup."""

import itertools
import os
import subprocess

from .. import command
from ..command import CommandError, run
from .status import Status
from .target import table

_numbers = itertools.count(1)


class Device:
    """A mapped device that lives as long as its `with` block.

    Without targets it is only made and waits for a table.
    """

    def __init__(self, *targets, name=None):
        self.name = name or f"dt{next(_numbers)}"
        self.targets = targets
        self.path = f"/dev/mapper/{self.name}"
        self.number = None

    def __str__(self):
        return self.path

    def __enter__(self):
        if self.targets:
            run("dmsetup", "create", self.name, stdin=table(*self.targets))
        else:
            run("dmsetup", "create", self.name, "--notable", "--addnodeoncreate")
        number = os.stat(self.path).st_rdev
        self.number = f"{os.major(number)}:{os.minor(number)}"
        return self

    def __exit__(self, *_):
        # whatever the test did to it
        if os.path.exists(self.path):
            if self.suspended:
                run("dmsetup", "resume", self.name, check=False)
            self.remove("--retry")

    @property
    def disk(self):
        """The kernel's name, dm-N."""
        return f"dm-{self.number.split(':')[1]}"

    @property
    def suspended(self):
        """Whether it is suspended; a device that has had no table yet is not."""
        path = f"/sys/block/{self.disk}/dm/suspended"
        return os.path.exists(path) and command.read_file(path) == "1"

    @property
    def sectors(self):
        """Its size."""
        return int(command.read_file(f"/sys/block/{self.disk}/size"))

    def load(self, *targets):
        """Load a table; the live one stays until resume()."""
        run("dmsetup", "load", self.name, stdin=table(*targets))

    def resume(self, *options):
        """Resume, with the loaded table if there is one."""
        run("dmsetup", "resume", *options, self.name)

    def reload(self, *targets):
        """Load a table and make it live."""
        self.load(*targets)
        self.resume()

    def suspend(self, *options):
        """Suspend; options such as --noflush."""
        run("dmsetup", "suspend", *options, self.name)

    def clear(self):
        """Drop the loaded table."""
        run("dmsetup", "clear", self.name)

    def wipe(self):
        """Put an error target in place of the table."""
        run("dmsetup", "wipe_table", self.name)

    def remove(self, *options):
        """Remove the device."""
        run("dmsetup", "remove", *options, self.name)

    def table_text(self, *options):
        """Return the live table, or with --inactive the loaded one."""
        return run("dmsetup", "table", *options, self.name)

    def status_lines(self, *options):
        """Return a line for each target."""
        return run("dmsetup", "status", *options, self.name).splitlines()

    def status(self, *options):
        """Return the Status of each target."""
        return [Status.parse(line) for line in self.status_lines(*options)]

    def events(self):
        """Return how many events there were."""
        return int(run("dmsetup", "info", "-c", "--noheadings", "-o", "events", self.name))

    def start_wait(self, event):
        """Start `dmsetup wait` for an event after this one; return the process."""
        words = ["dmsetup", "wait", self.name, str(event)]
        command.log_command(words + ["&"])
        return subprocess.Popen(words, env=command.ENVIRONMENT, stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def names():
    """Return the names of all mapped devices."""
    lines = run("dmsetup", "info", "-c", "--noheadings", "-o", "name").splitlines()
    return [] if lines == ["No devices found"] else lines


def remove_all():
    """Remove whatever is left; return its names."""
    left = names()
    # those on top go first, so an order is found in at most as many rounds as there are
    for _ in left:
        rest = names()
        if not rest:
            break
        for name in rest:
            run("dmsetup", "resume", name, check=False)
            run("dmsetup", "remove", name, check=False)
    if left and names():
        raise CommandError(["dmsetup", "remove"], 1, f"{names()} cannot be removed")
    return left
