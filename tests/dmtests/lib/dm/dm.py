# SPDX-License-Identifier: GPL-2.0
"""Mapped devices and their tables."""

import itertools
import os
import subprocess
from dataclasses import dataclass, field

from .. import command
from ..command import CommandError, run

_numbers = itertools.count(1)


class Target:
    """A line of a table. Where it starts follows from the lines before."""

    def __init__(self, kind, sectors, *words):
        self.sectors = sectors
        self.words = " ".join(str(word) for word in (kind, *words))

    def line(self, start):
        """Return the line, for a target that starts at this sector."""
        return f"{start} {self.sectors} {self.words}\n"


class Linear(Target):
    """The kernel's own, which forwards no failure."""

    def __init__(self, sectors, dev, offset=0):
        super().__init__("linear", sectors, dev, offset)


class Striped(Target):
    """The kernel's own, over (dev, offset) stripes."""

    def __init__(self, sectors, chunk, stripes):
        super().__init__("striped", sectors, len(stripes), chunk,
                         *(word for stripe in stripes for word in stripe))


class DaxLinear(Target):
    """Ours, in dm-linear's form."""

    def __init__(self, sectors, dev, offset=0):
        super().__init__("daxlinear", sectors, dev, offset)

    @classmethod
    def ranges(cls, ranges, *options):
        """Return one target of several (dev, offset, sectors), one after the other."""
        words = [word for one in ranges for word in one]
        if options:
            words += [len(options), *options]
        target = cls.__new__(cls)
        Target.__init__(target, "daxlinear", sum(one[2] for one in ranges), len(ranges), *words)
        return target


def table(*targets):
    """Return the text of a table; targets follow one another, a string is taken as it is."""
    text, start = "", 0
    for target in targets:
        if isinstance(target, str):
            text += target.rstrip("\n") + "\n"
        else:
            text += target.line(start)
            start += target.sectors
    return text


@dataclass(frozen=True)
class Status:
    """What `dmsetup status` says of a daxlinear target; `last` is a sector or None.

    So is `lost_2m`, a range; it is no counter, and makes no difference between two.
    """

    ranges: int
    alive: int
    gone: int
    received: int
    forwarded: int
    handled: int
    generic: int
    last: int
    lost_2m: int = field(default=None, compare=False)

    @classmethod
    def parse(cls, line):
        """Take a line apart."""
        _, _, kind, *fields = line.split()
        assert kind == "daxlinear" and len(fields) == 9, line
        return cls(*[None if word == "-" else int(word) for word in fields])


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
