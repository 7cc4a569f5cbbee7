# SPDX-License-Identifier: GPL-2.0
"""What dax_holder has recorded of a child's failures."""

import contextlib
import os
import select
from collections import namedtuple

from ..command import log, read_file
from .attach import FOLDER

# how many events it keeps
EVENTS = 1024

Event = namedtuple("Event", "seq time sector sectors result flags")


class Record:
    """The record of a child, by the name of its directory."""

    def __init__(self, child):
        self.folder = f"{FOLDER}/{child if isinstance(child, str) else child.name}"

    def text(self, name):
        """Return what one of its files holds."""
        return read_file(f"{self.folder}/{name}")

    def number(self, name):
        """Return the number that one of its files holds."""
        return int(self.text(name))

    @property
    def seq(self):
        """Return the number of its last change."""
        return self.number("seq")

    def ranges(self):
        """Return the ranges that have failed, (sector, sectors)."""
        return [tuple(map(int, line.split())) for line in self.text("record").splitlines()]

    def events(self):
        """Return its events, the oldest first."""
        return [Event(*map(int, line.split()[:4]), *line.split()[4:])
                for line in self.text("events").splitlines()]

    def clear(self, text="all"):
        """Remove a range, "SECTOR COUNT", or all of them."""
        log.info("$ echo %s >%s/clear", text, self.folder)
        fd = os.open(f"{self.folder}/clear", os.O_WRONLY)
        try:
            os.write(fd, text.encode())
        finally:
            os.close(fd)

    @contextlib.contextmanager
    def poller(self):
        """Yield a function that returns the new number of the last change, or None in time."""
        with open(f"{self.folder}/seq", encoding="ascii") as file:
            poll = select.poll()
            poll.register(file, select.POLLPRI | select.POLLERR)

            def wait(milliseconds):
                if not poll.poll(milliseconds):
                    return None
                file.seek(0)
                return int(file.read())

            file.read()
            yield wait


def recorded():
    """Return the names of the children that have a record."""
    return sorted(name for name in os.listdir(FOLDER)
                  if os.path.exists(f"{FOLDER}/{name}/seq"))


def clear_all():
    """Clear all records, so that what failed in other tests is not bad any more."""
    for name in recorded():
        Record(name).clear()
