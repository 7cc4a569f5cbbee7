# SPDX-License-Identifier: GPL-2.0
"""Processes that map a file, and the signals that kill them."""

import os
import select
import subprocess
import time
from collections import namedtuple

from ..command import log, log_command

PROGRAM = os.path.join(os.path.dirname(__file__), "../../../programs/dax-victim")
EXIT_SIGBUS = 3

# the CPU may be emulated, and shared with other guests
_PATIENCE_SECONDS = 30

# `offset` counts from the start of the mapping
Sigbus = namedtuple("Sigbus", "code offset lsb")


class Victim:
    """A process that maps a file, for its `with` block.

    Options are dax-victim's: -r to map read-only, -s for MAP_SYNC, -e for early kill.
    """

    def __init__(self, path, *options, offset=0, length=0):
        self._words = [PROGRAM, *options, "-o", str(offset), "-n", str(length), path]
        self._process = None
        self._buffer = b""
        self.sigbus = None

    def __enter__(self):
        log_command(self._words + ["&"])
        self._process = subprocess.Popen(self._words, stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, bufsize=0)
        line = self._line()
        if line != "ready":
            self.__exit__()
            raise AssertionError(f"the victim never got ready, it printed {line!r}")
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.communicate()

    def _line(self, patience=_PATIENCE_SECONDS):
        """Return its next line, or None if it has closed its output."""
        deadline = time.monotonic() + patience
        while b"\n" not in self._buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._process.stdout], [], [], left)[0]:
                raise TimeoutError("the victim prints nothing")
            part = os.read(self._process.stdout.fileno(), 4096)
            if not part:
                return None
            self._buffer += part
        line, _, self._buffer = self._buffer.partition(b"\n")
        log.info("victim %d -> %s", self._process.pid, line.decode())
        return line.decode()

    def _die(self, line):
        _, code, offset, lsb = line.split()
        self.sigbus = Sigbus(code, int(offset), int(lsb))
        assert self._process.wait(timeout=_PATIENCE_SECONDS) == EXIT_SIGBUS

    def ask(self, *words):
        """Give a command; return the answer's words, or None if a SIGBUS has killed it."""
        text = " ".join(str(word) for word in words)
        log.info("victim %d <- %s", self._process.pid, text)
        try:
            self._process.stdin.write(f"{text}\n".encode())
        except BrokenPipeError:
            pass
        line = self._line()
        if line is None or line.startswith("sigbus"):
            if line:
                self._die(line)
            return None
        return line.split()

    def wait_sigbus(self):
        """Return the Sigbus that kills it."""
        if self.sigbus is None:
            line = self._line()
            assert line and line.startswith("sigbus"), line
            self._die(line)
        return self.sigbus

    def lives(self):
        """Return whether it lives; it has to answer, so a pending signal is not missed."""
        return self.sigbus is None and self.ask("ping") is not None
