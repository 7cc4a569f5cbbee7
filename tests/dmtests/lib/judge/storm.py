# SPDX-License-Identifier: GPL-2.0
"""A storm: towers of devices on shared children change all the time while failures arrive."""

import contextlib
import multiprocessing
import os
import threading
from collections import Counter

from ..devices.unplug import Unplugged
from ..holders.probe import number_of
from .floors import WINDOW_PAGES
from .mounter import Mounter
from .part import Part
from .tower import SECONDS_TO_START, Tower

FIRST_MINOR = 200
MINORS_OF_A_TOWER = 10


class Injector(Part):
    """Injects failures."""

    def __init__(self, seed, children, number):
        super().__init__(seed)
        self._children = [number_of(child) for child in children]
        self._number = number

    def run(self):
        for _ in range(self._number):
            pages = 1 if self.chance.random() < 0.98 else self.chance.choice((2, 10, 40))
            self.inject(self.chance.choice(self._children),
                        self.chance.randrange(WINDOW_PAGES + 50), pages)


class Storm:
    """All parts. The first child is a tower's own, and goes and comes."""

    def __init__(self, children, seed=1, towers=2, injectors=2):
        own, *shared = children
        self._shared = shared
        self._seed = seed
        self._injectors = injectors
        self._stop = multiprocessing.Event()
        # all devices are there before the first failure is
        self._ready = multiprocessing.Barrier(towers + 1)
        self._changing: list[Part] = [Tower(seed + at, shared, None if at else Unplugged(own),
                                FIRST_MINOR + at * MINORS_OF_A_TOWER, self._ready, self._stop)
                          for at in range(towers)]
        self._changing.append(Mounter(seed + 50, shared[-1],
                                      FIRST_MINOR + towers * MINORS_OF_A_TOWER, self._stop))
        self.logs = []

    def blow(self, folder, number):
        """Run all parts until so many failures were injected."""
        for at, part in enumerate(self._changing):
            part.start(os.path.join(folder, f"changing{at}"))
        striking = [Injector(self._seed + 100 + at, self._shared, number // self._injectors)
                    for at in range(self._injectors)]
        try:
            # if a part has failed before, end() raises its reason below
            with contextlib.suppress(threading.BrokenBarrierError):
                self._ready.wait(SECONDS_TO_START)
            for at, part in enumerate(striking):
                part.start(os.path.join(folder, f"striking{at}"))
            for part in striking:
                part.wait()
        finally:
            self._stop.set()
            for part in self._changing:
                part.wait()
        self.logs = [part.end() for part in (*self._changing, *striking)]

    @property
    def steps(self):
        """How often which step was done."""
        return sum((log.steps for log in self.logs), Counter())

    @property
    def of_xfs(self):
        """How many failures XFS was notified of."""
        return sum(log.of_xfs for log in self.logs)
