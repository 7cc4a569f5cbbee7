# SPDX-License-Identifier: GPL-2.0
"""A part of a storm: a process, and what it notes down.

Processes, since Python's threads do not run side by side.
"""

import multiprocessing
import os
import pickle
import random
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field

from ..holders.probe import Probe
from ..units import PAGE
from .ledger import Strike, Timeline


@dataclass
class Log:
    """What a part did, with times of the monotonic clock."""

    pid: int = None
    # failures that were injected, in order
    strikes: list = field(default_factory=list)
    # the Strike of each child that went, by the process that took it away
    unplugs: dict = field(default_factory=dict)
    timeline: Timeline = None
    # Readings of each device
    readings: dict = field(default_factory=dict)
    # how often which step was done
    steps: Counter = field(default_factory=Counter)
    # failures of which XFS was notified
    of_xfs: int = 0
    # the traceback of what has ended it early
    failure: str | None = None


class Part:
    """A process of the storm; run() is what it does."""

    def __init__(self, seed):
        self.chance = random.Random(seed)
        self.log = Log()
        self.probe = None
        self._path = None
        self._process = None

    def run(self):
        """Do it."""
        raise NotImplementedError

    def start(self, path):
        """Start the process, which leaves its log in a file."""
        self._path = path
        self._process = multiprocessing.Process(target=self._main)
        self._process.start()
        return self

    def end(self):
        """Wait for the process's end; return its log."""
        self._process.join()
        with open(self._path, "rb") as file:
            log = pickle.load(file)
        assert log.failure is None, log.failure
        return log

    def wait(self):
        """Wait for the process's end."""
        self._process.join()

    def _main(self):
        try:
            self.log.pid = os.getpid()
            self.probe = Probe()
            self.run()
        except BaseException:
            self.log.failure = traceback.format_exc()
            raise
        finally:
            with open(self._path, "wb") as file:
                pickle.dump(self.log, file)

    def inject(self, child, page, pages=1):
        """Have pages of a child fail."""
        begin = time.monotonic_ns()
        self.probe.commands([f"inject {child} {page * PAGE} {pages * PAGE} 0"])
        self.log.strikes.append(Strike(begin, time.monotonic_ns(), child, page, pages))
