# SPDX-License-Identifier: GPL-2.0
"""daxlinear replace, killed on its way, and what it leaves."""

import glob
import os
import random
import signal
import subprocess

from ..beside import wait_for
from ..command import ENVIRONMENT, log
from ..units import MIB, SECTOR
from .monitor import STATE
from .tool import PROGRAM

MAPS = f"{STATE}/replace"


def fill(path, seed, length):
    """Fill the start of a device with random data; return it."""
    data = random.Random(seed).randbytes(length)
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


def copied():
    """Return how many bytes the one map file says are copied."""
    paths = glob.glob(f"{MAPS}/*.map")
    if not paths:
        return 0
    with open(paths[0], encoding="utf-8") as file:
        words = [line.split() for line in file]
    return sum(int(word[1], 0) for word in words if len(word) == 3 and word[2] == "+")


def _wrapper(folder, text):
    """Put a script named ddrescue into a folder; return a PATH that begins with that."""
    path = os.path.join(folder, "ddrescue")
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"#!/bin/sh\n{text}\n")
    os.chmod(path, 0o755)
    return f"{folder}:{ENVIRONMENT['PATH']}"


def slow(folder, rate):
    """Return an environment in which ddrescue reads no faster than this."""
    path = _wrapper(folder, f'exec /usr/bin/ddrescue --max-read-rate={rate} "$@"')
    return {**ENVIRONMENT, "PATH": path}


def plain(folder):
    """Return a PATH by which ddrescue is neither counted nor killed, as the command is."""
    return _wrapper(folder, 'unset LD_PRELOAD; exec /usr/bin/ddrescue "$@"')


def kill_after(more, environment, *words):
    """Run it until so many more bytes are copied, and kill it."""
    log.info("$ daxlinear replace %s &", " ".join(map(str, words)))
    begin = copied()
    with subprocess.Popen([PROGRAM, "replace", *map(str, words)], env=environment,
                          stdin=subprocess.DEVNULL) as process:
        wait_for(lambda: copied() >= begin + more or process.poll() is not None,
                 "nothing is copied")
        assert process.poll() is None
        process.send_signal(signal.SIGKILL)
    log.info("killed with %d MiB copied", copied() // MIB)


def pages_of(ranges):
    """Return the sectors of (offset, length) ranges, in bytes."""
    return {sector for offset, length in ranges
            for sector in range(offset // SECTOR, (offset + length) // SECTOR)}
