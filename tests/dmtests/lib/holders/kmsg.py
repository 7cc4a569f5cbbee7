# SPDX-License-Identifier: GPL-2.0
"""The kernel's log, and the warnings and oopses in it."""

import os
import re

from guestlib.guest.console import Console

from ..kernel import KNOWN_SPLATS


class Kmsg:
    """The kernel's log from the moment this was made."""

    def __init__(self):
        self._fd = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        os.lseek(self._fd, 0, os.SEEK_END)
        self._lines = []
        self.known: tuple[str, ...] = ()

    def close(self):
        """Stop reading."""
        os.close(self._fd)

    def mark(self):
        """Return a mark, for lines() to start from."""
        return len(self.lines())

    def lines(self, mark=0):
        """Return the messages so far."""
        while True:
            try:
                record = os.read(self._fd, 8192)
            except BlockingIOError:
                return self._lines[mark:]
            except BrokenPipeError:
                # overwritten before we read it; reading goes on with what is left
                self._lines.append("(messages lost)")
                continue
            message = record.decode(errors="replace").partition(";")[2]
            self._lines.append(message.split("\n", 1)[0])

    def find(self, pattern, mark=0):
        """Return the messages that a regular expression matches."""
        return [line for line in self.lines(mark) if re.search(pattern, line)]

    def expect_known(self):
        """Take none of the KNOWN_SPLATS of this kernel for a splat, in this test."""
        self.known = KNOWN_SPLATS

    def splat(self):
        """Return the first line of a warning, an oops or the like, or None."""
        console = Console(self.known)
        for line in self.lines():
            console.feed(line.encode() + b"\n")
        return console.splat
