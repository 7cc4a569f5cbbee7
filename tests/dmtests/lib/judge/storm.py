# SPDX-License-Identifier: GPL-2.0
"""A storm: towers of devices over shared children change without pause while failures arrive."""

import contextlib
import errno
import multiprocessing
import os
import tempfile
import threading
from collections import Counter, defaultdict

from ..devices.unplug import Unplugged
from ..dm.device import Device
from ..dm.target import DaxLinear
from ..fs.xfs import Xfs
from ..holders.probe import FOLDER, number_of
from ..units import PAGE, PAGE_SECTORS
from .floors import WINDOW_PAGES
from .ledger import expected, fault, wrong_readings
from .part import Part
from .tower import SECONDS_TO_START, Tower

# where the mounter mounts
SCRATCH = "/run/dmtests"

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


class Mounter(Part):
    """Makes, mounts, fails and removes a filesystem until all is over.

    It lives on pages of its own and fails them itself, so that each failure is accounted for. None
    arrives while it is mounted or unmounted: XFS is notified then through a pointer that may be
    stale, which is the kernel's own bug.
    """

    PAGES = 16384
    FAILURES = 25

    def __init__(self, seed, child, minor, stop):
        super().__init__(seed)
        self._child = child
        self._minor = minor
        self._stop = stop

    def run(self):
        while not self._stop.is_set():
            self._cycle()

    def _cycle(self):
        first = WINDOW_PAGES * 2
        target = DaxLinear(self.PAGES * PAGE_SECTORS, self._child.number, first * PAGE_SECTORS)
        with (Device(target, name=f"storm{self._minor}", minor=self._minor) as device,
              tempfile.TemporaryDirectory(dir=SCRATCH) as folder, Xfs(device, folder) as xfs):
            xfs.write("file", b"x" * (1 << 20))
            pages = [first + self.chance.randrange(self.PAGES) for _ in range(self.FAILURES)]
            number = number_of(self._child)
            self.probe.commands([f"inject {number} {page * PAGE} {PAGE} 0" for page in pages])
            status, = device.status()
            shut_down = xfs.is_shut_down()
        assert (status.received, status.forwarded) == (len(pages), len(pages)), status
        # one that hits metadata shuts XFS down, which handles no other then
        least = 1 if shut_down else len(pages)
        assert least <= status.handled <= len(pages), status
        self.log.of_xfs += len(pages)


class Storm:
    """All parts, and the judgement. The first child is a tower's own, and goes and comes."""

    def __init__(self, children, seed=1, towers=2, injectors=2):
        own, *shared = children
        self._shared = shared
        self._seed = seed
        self._injectors = injectors
        self._stop = multiprocessing.Event()
        # all devices are there before the first failure is
        self._ready = multiprocessing.Barrier(towers + 1)
        self._changing = [Tower(seed + at, shared, None if at else Unplugged(own),
                                FIRST_MINOR + at * MINORS_OF_A_TOWER, self._ready, self._stop)
                          for at in range(towers)]
        self._changing.append(Mounter(seed + 50, shared[-1],
                                      FIRST_MINOR + towers * MINORS_OF_A_TOWER, self._stop))
        self.logs = []
        # by injection, or by the process that took a child away: {device: [(offset, length)]}
        self._calls = defaultdict(lambda: defaultdict(list))
        # by process: (injection, answer), in order
        self._injections = defaultdict(list)
        self._notified = defaultdict(list)
        self.ledger = Counter()
        self.wrong = []

    def blow(self, folder, number):
        """Let it blow until so many failures were injected."""
        for at, part in enumerate(self._changing):
            part.start(os.path.join(folder, f"changing{at}"))
        striking = [Injector(self._seed + 100 + at, self._shared, number // self._injectors)
                    for at in range(self._injectors)]
        try:
            # a part that has not come so far says why below
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

    def _read_calls(self):
        with open(f"{FOLDER}/calls", encoding="ascii") as file:
            for line in file:
                kind, seq, pid, dev, off, length, *rest = line.split()
                assert kind != "lost", line
                if kind == "call":
                    cause = int(seq) or f"pid {pid}"
                    self._calls[cause][dev].append((int(off), int(length)))
                else:
                    self._injections[int(pid)].append((int(seq), int(rest[-1])))

    @property
    def steps(self):
        """How often which step was done."""
        return sum((log.steps for log in self.logs), Counter())

    @property
    def of_xfs(self):
        """How many failures XFS was notified of."""
        return sum(log.of_xfs for log in self.logs)

    def judge(self):
        """Fill the ledger, and find what is wrong with it, a line each."""
        self._read_calls()
        for log in self.logs:
            # the mounter has judged its own
            done = self._injections[log.pid] if log.strikes else ()
            for strike, (seq, answer) in zip(log.strikes, done, strict=True):
                calls = self._calls.pop(seq, {})
                if answer != (0 if calls else -errno.EOPNOTSUPP):
                    self.wrong.append(f"{strike}: answered {answer}, calls {dict(calls)}")
                self._judge_strike(strike, calls)
            for pid, strike in log.unplugs:
                self._judge_strike(strike, self._calls.pop(f"pid {pid}", {}))
        for cause, calls in self._calls.items():
            self.wrong.append(f"{cause}: notified without a failure: {dict(calls)}")
        for log in self.logs:
            for number, readings in log.readings.items():
                self.ledger["counters read"] += len(readings)
                self.wrong += [f"{number}: {text}" for text in
                               wrong_readings(readings, self._notified[number])]

    def _judge_strike(self, strike, calls):
        self.ledger["children gone" if strike.is_gone else "injected"] += 1
        self.ledger["told somebody" if calls else "told nobody"] += 1
        self.ledger["calls"] += sum(map(len, calls.values()))
        for log in self.logs:
            if log.timeline:
                self._judge_tower(log, strike, calls)

    def _judge_tower(self, log, strike, calls):
        """What a failure did in a tower."""
        moments = log.timeline.floors(strike.begin, strike.end)
        quiet = len(moments) == 1
        self.ledger["met a step"] += not quiet
        must, may = expected(moments, strike)
        for number in may.keys() | (calls.keys() & log.readings.keys()):
            found = calls.get(number, [])
            self._notified[number] += [(strike.begin, strike.end, quiet)] * len(found)
            why = fault(strike, must.get(number, set()), may.get(number, set()), found)
            if why:
                self.ledger[why] += 1
                ways = {floors.way(piece.chain) for floors in moments
                        for piece in floors.heard.get(strike.child, ())
                        if piece.chain[0] == number}
                spans = [f"{len(places)} in {min(places)}..{max(places)}" if places else "none"
                         for places in (must.get(number), may.get(number))]
                self.wrong.append(f"{number} was {why}: {found}; {strike}; must {spans[0]}, "
                                  f"may {spans[1]}; ways: {ways}")
