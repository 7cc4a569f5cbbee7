# SPDX-License-Identifier: GPL-2.0
"""The administrator's command, daxlinear(8)."""

import json
import os
import subprocess
from collections import namedtuple

from ..command import ENVIRONMENT, CommandError, log, log_command
from ..dm.device import NamedDevice
from ..module import TOP

PROGRAM = os.path.join(TOP, "tools/daxlinear")

# its exit codes
FAILED, USAGE, FOUND = 1, 2, 3

# what a command refuses that takes the name of one device: words, its exit code, a part of the
# message
BAD_NAMES: tuple[tuple[list, int, str], ...] = (
    ([], USAGE, "give a NAME"),
    (["a", "b"], USAGE, 'there are "a" and "b"'),
    (["missing"], FAILED, 'no mapped device "missing"'),
    (["/dev/missing"], FAILED, "No such file"),
    (["/dev/null"], FAILED, "is no mapped device"),
    (["--what"], USAGE, '"--what" is no option'),
)

Done = namedtuple("Done", "code out err")


def call(*words, prefix=()):
    """Run it; return its exit code and what it printed."""
    command = [*map(str, prefix), PROGRAM, *map(str, words)]
    log_command(command)
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, env=ENVIRONMENT, check=False)
    for text in (done.stdout, done.stderr):
        if text:
            log.info("%s", text.rstrip())
    if done.returncode:
        log.info("exit code %d", done.returncode)
    return Done(done.returncode, done.stdout, done.stderr)


def daxlinear(*words, code=0):
    """Run it, to end with this code; return what it printed."""
    done = call(*words)
    if done.code != code:
        raise CommandError([PROGRAM, *map(str, words)], done.code, done.out + done.err)
    return done.out


def ask(*words, code=0):
    """Run it with --json; return the parsed output."""
    return json.loads(daxlinear(*words, "--json", code=code))


def refused(*words, code=FAILED):
    """Run it, to be refused; return its message."""
    done = call(*words)
    assert done.code == code, done
    assert done.out == "", done
    return done.err


class ToolDevice(NamedDevice):
    """A mapped device that the command makes; `words` are what follows the name.

    Its children have no labels: most tests are about what is the same with them, and start from
    children that are blank.
    """

    def __init__(self, *words, name=None):
        super().__init__(name=name)
        self.words = words
        self.output = None

    def __enter__(self):
        self.output = daxlinear("create", "--no-label", self.name, *self.words)
        return self.found()
