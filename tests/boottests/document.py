# SPDX-License-Identifier: GPL-2.0
"""The commands of a document, and the output that it shows for them."""

import os
import re
import subprocess
import tempfile
import time
from dataclasses import dataclass

FOLDER = os.path.join(os.path.dirname(__file__), "../../Documentation")

_CONSOLE = re.compile(r"^\.\. code-block:: console\n\n((?:    .*\n|\n)+)", re.MULTILINE)


# how long a command in the background may take to print what a document shows
_SECONDS = 10


def read(name):
    """Return a document."""
    with open(os.path.join(FOLDER, name), encoding="utf-8") as file:
        return file.read()


@dataclass
class Step:
    """A command, and lines of which each is a part of one that it prints, in this order."""

    command: str
    expected: list

    def run(self):
        """Run it; assert that it prints what the document shows."""
        deadline = time.monotonic() + _SECONDS
        while missing := self._missing(self._print()):
            # only a command that reads a file may be run again, as another one writes to the file
            assert self.command.startswith("cat ") and time.monotonic() < deadline, missing
            time.sleep(0.2)

    def _print(self):
        """Run it; assert that it succeeds; return the lines that it prints."""
        # a file and no pipe, as a command in the background keeps it open
        with tempfile.TemporaryFile("w+") as output:
            done = subprocess.run(["bash", "-c", self.command], stdin=subprocess.DEVNULL,
                                  stdout=output, stderr=subprocess.STDOUT, check=False)
            output.seek(0)
            text = output.read()
        print(text)
        assert done.returncode == 0
        return text.splitlines()

    def _missing(self, printed):
        """Return the first expected line that was not printed, or None."""
        left = iter(printed)
        for line in self.expected:
            pattern = ".*".join(map(re.escape, line.split("...")))
            if not any(re.search(pattern, other) for other in left):
                return line
        return None


def steps(text):
    """Return all Commands of a document, or of a part of one, in their order."""
    found = []
    for block in _CONSOLE.findall(text):
        for line in block.splitlines():
            line = line[4:]
            if line.startswith("# "):
                found.append(Step(line[2:], []))
            elif line.startswith("> "):
                found[-1].command += "\n" + line[2:]
            elif line:
                found[-1].expected.append(line.strip())
    return found
