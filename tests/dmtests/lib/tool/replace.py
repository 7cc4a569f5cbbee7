# SPDX-License-Identifier: GPL-2.0
"""daxlinear replace, killed on its way, and what it leaves."""

import os
import random
import subprocess

from ..beside import PATIENCE_SECONDS, wait_for
from ..command import ENVIRONMENT, log
from ..units import MIB, SECTOR
from .monitor import STATE
from .tool import PROGRAM

MAPS = f"{STATE}/replace"


def pattern(seed, length):
    """Return random data, of the same seed the same."""
    generator = random.Random(seed)
    return b"".join(generator.randbytes(min(MIB, length - at)) for at in range(0, length, MIB))


def fill(path, seed, length):
    """Fill the start of a device with random data; return it."""
    data = pattern(seed, length)
    with open(path, "r+b") as device:
        device.write(data)
        os.fsync(device.fileno())
    return data


def content(path, length, offset=0):
    """Return what is on a device."""
    fd = os.open(path, os.O_RDONLY)
    try:
        return b"".join(os.pread(fd, min(MIB, length - at), offset + at)
                        for at in range(0, length, MIB))
    finally:
        os.close(fd)


def _copied(path):
    with open(path, encoding="utf-8") as file:
        words = [line.split() for line in file]
    return sum(int(word[1], 0) for word in words if len(word) == 3 and word[2] == "+")


def _wrapper(folder, text):
    """Put a script named ddrescue into a folder; return a PATH that begins with that."""
    path = os.path.join(folder, "ddrescue")
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"#!/bin/sh\n{text}\n")
    os.chmod(path, 0o755)
    return f"{folder}:{ENVIRONMENT['PATH']}"


class Held:
    """daxlinear replace, whose ddrescue copies so many bytes of a member, and then waits.

    A ddrescue that goes on by itself is slow, so that a kill finds it at work, however long that
    takes.
    """

    _SCRIPT = """
for word; do map=$word; done
cp "$map" "{folder}/map"
/usr/bin/ddrescue "$@" --size={size} || exit
touch "{folder}/held"
{wait}
exec /usr/bin/ddrescue {options} "$@"
"""
    _WAIT = 'while [ ! -e "{folder}/go" ]; do sleep 0.05; done'

    def __init__(self, folder, size, *words, slow=False):
        self._folder = folder
        for name in "held", "go":
            if os.path.exists(f"{folder}/{name}"):
                os.unlink(f"{folder}/{name}")
        script = self._SCRIPT.format(folder=folder, size=size,
                                     wait="" if slow else self._WAIT.format(folder=folder),
                                     options="--max-read-rate=65536" if slow else "")
        environment = {**ENVIRONMENT, "PATH": _wrapper(folder, script)}
        log.info("$ daxlinear replace %s &", " ".join(map(str, words)))
        # it ends by go() or kill(), or at the end of the `with` block
        # pylint: disable-next=consider-using-with
        self._process = subprocess.Popen(
            [PROGRAM, "replace", *map(str, words)], env=environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.pid = self._process.pid

    def __enter__(self):
        wait_for(lambda: os.path.exists(f"{self._folder}/held") or
                 self._process.poll() is not None, "nothing is copied")
        if self._process.poll() is not None:
            raise AssertionError(self._process.communicate())
        return self

    def __exit__(self, *_):
        self.kill()

    def kill(self):
        """Kill it at once."""
        self._process.kill()
        self._process.communicate()

    def go(self, code=0):
        """Have it go on, to end with this code; return what it printed, and its messages."""
        with open(f"{self._folder}/go", "w", encoding="utf-8"):
            pass
        out, err = self._process.communicate(timeout=4 * PATIENCE_SECONDS)
        log.info("%s%s", out, err)
        assert self._process.returncode == code, (out, err)
        return out, err

    def begun_with(self):
        """Return how many bytes were copied before it ran."""
        return _copied(f"{self._folder}/map")


def plain(folder):
    """Return a PATH by which ddrescue is neither counted nor killed, as the command is."""
    return _wrapper(folder, 'unset LD_PRELOAD; exec /usr/bin/ddrescue "$@"')


def pages_of(ranges):
    """Return the sectors of (offset, length) ranges, in bytes."""
    return {sector for offset, length in ranges
            for sector in range(offset // SECTOR, (offset + length) // SECTOR)}
