# SPDX-License-Identifier: GPL-2.0
"""Mapped devices for a `with` block.

All are handled by device-mapper's system calls. dmsetup is started only for what administrators
rely on and the kernel does not do: it makes the node /dev/mapper/NAME, or has udev make it, and
removes the node again. So NamedDevice, which tests of the tool and of udev use, is created and
removed by dmsetup, and so is whatever a test leaves behind.
"""

import contextlib
import errno
import itertools
import os

from ..command import CommandError, log, log_command, read_file, run
from . import ioctl
from .status import Status
from .target import table

_numbers = itertools.count(1)


class Device:
    """A mapped device. Without targets it is only made and waits for a table.

    Each call is logged as the dmsetup command that does the same.
    """

    def __init__(self, *targets, name: str | None = None, minor: int | None = None):
        self.name = name or f"dt{next(_numbers)}"
        self.targets = targets
        self.path: str | None = None
        self.number: str | None = None
        self._minor = minor

    def __str__(self):
        return str(self.path)

    def __enter__(self):
        minor = [] if self._minor is None else ["--minor", str(self._minor)]
        self.number = self._do(ioctl.create, self._minor, shown=["--notable", *minor])
        self.path = f"/dev/{self.disk}"
        if self.targets:
            try:
                self.reload(*self.targets)
            except BaseException:
                self.remove()
                raise
        return self

    def __exit__(self, *_):
        # a test may leave it suspended, or remove it
        if self.suspended:
            with contextlib.suppress(CommandError):
                self.resume()
        try:
            self.remove("--retry")
        except CommandError as error:
            if error.code != errno.ENXIO:
                raise

    def _do(self, step, *arguments, shown=None, stdin=None):
        """Make a call of ioctl and return its answer; `shown` are the words of the command."""
        words = ["dmsetup", step.__name__, self.name, *(arguments if shown is None else shown)]
        log_command(words, stdin)
        try:
            return step(self.name, *arguments)
        except OSError as error:
            log.info("%s", error.strerror)
            raise CommandError(words, error.errno, error.strerror) from error

    @property
    def disk(self) -> str:
        """The kernel's name, dm-N."""
        return f"dm-{self.number.split(':')[1]}"

    @property
    def suspended(self) -> bool:
        """Whether it is suspended; a device that has had no table yet is not."""
        path = f"/sys/block/{self.disk}/dm/suspended"
        return os.path.exists(path) and read_file(path) == "1"

    @property
    def sectors(self) -> int:
        """Its size."""
        return int(read_file(f"/sys/block/{self.disk}/size"))

    def load(self, *targets):
        """Load a table; the live one stays until resume()."""
        text = table(*targets)
        self._do(ioctl.load, text, shown=[], stdin=text)

    def resume(self, *options: str):
        """Resume, with the loaded table if there is one."""
        self._do(ioctl.resume, *options)

    def reload(self, *targets):
        """Load a table and make it live."""
        self.load(*targets)
        self.resume()

    def suspend(self, *options: str):
        """Suspend; options such as --noflush."""
        self._do(ioctl.suspend, *options)

    def clear(self):
        """Drop the loaded table."""
        self._do(ioctl.clear)

    def wipe(self):
        """Put an error target in place of the table."""
        size = self.sectors
        self.suspend("--noflush", "--nolockfs")
        self.load(f"0 {size} error")
        self.resume()

    def rename(self, name: str):
        """Give it another name."""
        self._do(ioctl.rename, name)
        self.name = name

    def remove(self, *options: str):
        """Remove the device."""
        self._do(ioctl.remove, *options)

    def table_text(self, *options: str) -> str:
        """Return the live table, or with --inactive the loaded one."""
        return "".join(f"{line}\n" for line in self._do(ioctl.table, *options))

    def status_lines(self, *options: str) -> list:
        """Return a line for each target."""
        return self._do(ioctl.status, *options)

    def status(self, *options: str) -> list:
        """Return the Status of each target."""
        return [Status.parse(line) for line in self.status_lines(*options)]

    def events(self) -> int:
        """Return how many events there were."""
        return ioctl.events(self.name)


class NamedDevice(Device):
    """A mapped device with a node of its name."""

    def __init__(self, *targets, name=None):
        super().__init__(*targets, name=name)
        self.path = f"/dev/mapper/{self.name}"

    def __enter__(self):
        if self.targets:
            run("dmsetup", "create", self.name, stdin=table(*self.targets))
        else:
            run("dmsetup", "create", self.name, "--notable", "--addnodeoncreate")
        return self.found()

    def found(self):
        """Take the number from the node, which is there now; return the device."""
        number = os.stat(self.path).st_rdev
        self.number = f"{os.major(number)}:{os.minor(number)}"
        return self

    def __exit__(self, *_):
        if os.path.exists(self.path):
            super().__exit__()

    def remove(self, *options: str):
        """Remove the device and its node."""
        run("dmsetup", "remove", *options, self.name)


def remove_all() -> list:
    """Remove every mapped device; return their names."""
    left = ioctl.names()
    # those on top go first, so an order is found in at most as many rounds as there are
    for _ in left:
        rest = ioctl.names()
        if not rest:
            break
        for name in rest:
            run("dmsetup", "resume", name, check=False)
            run("dmsetup", "remove", name, check=False)
    if ioctl.names():
        raise CommandError(["dmsetup", "remove"], 1, f"{ioctl.names()} cannot be removed")
    return left
