# SPDX-License-Identifier: GPL-2.0
"""A process that does I/O on files and compares them with a model of its own."""

import itertools
import os
import subprocess

from ..command import log, log_command

PROGRAM = os.path.join(os.path.dirname(__file__), "../../../programs/dax-cow")
_EXIT_DIFFERS = 1

# The first step of each process: the steps of two processes have different numbers.
_numbers = itertools.count(0, 500)


class Differs(Exception):
    """Files are not what was written to them; `lines` have where, and what is there."""

    def __init__(self, lines):
        super().__init__("\n".join(lines))
        self.lines = lines


class Cow:
    """A dax-cow in a folder, for its `with` block, with its model of the files there."""

    def __init__(self, folder):
        self._words = [PROGRAM, folder, str(next(_numbers) % 50000)]
        self._process = None

    def __enter__(self):
        log_command(self._words + ["&"])
        # it runs on until the end of the `with` block
        # pylint: disable-next=consider-using-with
        self._process = subprocess.Popen(self._words, stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                         text=True)
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.communicate()

    def start(self, *steps):
        """Have it take steps; wait() must be next."""
        for step in steps:
            log.info("cow %d <- %s", self._process.pid, step)
        try:
            self._process.stdin.write("".join(f"{step}\n" for step in steps) + "mark\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass

    def wait(self):
        """Wait until it has taken them; return the lines it printed."""
        lines: list[str] = []
        for line in self._process.stdout:
            if line == "mark\n":
                return lines
            log.info("cow %d -> %s", self._process.pid, line.rstrip())
            lines.append(line.rstrip())
        code = self._process.wait()
        if code == _EXIT_DIFFERS:
            raise Differs(lines)
        raise AssertionError(f"dax-cow ended with {code}: {lines}")

    def do(self, *steps):
        """Have it take steps; return the lines it printed."""
        self.start(*steps)
        return self.wait()
