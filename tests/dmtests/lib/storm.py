# SPDX-License-Identifier: GPL-2.0
"""A storm: devices over shared children change without pause while failures arrive.

Each part is a process of its own, since libdevmapper is not for threads and Python's do not run
side by side. What a part did it puts into a ledger, with the times of the system's clock.
"""

import errno
import multiprocessing
import os
import pickle
import random
import tempfile
import time
import traceback
from collections import Counter

from . import libdm
from .attach import order
from .ledger import GONE, Layouts, State, Step, Strike, Timeline, judge
from .probe import FOLDER, Probe, number_of
from .units import PAGE, PAGE_SECTORS
from .xfs import Xfs

# where the mounter mounts
SCRATCH = "/run/dmtests"

# tables map pages below this, failures hit them and a few beyond
WINDOW_PAGES = 2000
BATCH = 40
SECONDS_TO_START = 120
FIRST_MINOR = 200


def table(children, ranges, *options):
    """Return the text of a table of (child, page, pages) ranges."""
    words = " ".join(f"{children[child].number} {page * PAGE_SECTORS} {pages * PAGE_SECTORS}"
                     for child, page, pages in ranges)
    length = sum(pages for _, _, pages in ranges) * PAGE_SECTORS
    text = f"0 {length} daxlinear {len(ranges)} {words}"
    return f"{text} {len(options)} {' '.join(options)}" if options else text


def random_ranges(chance, nr_children):
    """Return a table; its pages may be those of other tables, or its own once more."""
    return tuple((chance.randrange(nr_children), chance.randrange(WINDOW_PAGES - 400),
                  chance.choice((1, 20, 150, 400))) for _ in range(chance.randint(2, 12)))


class Part:
    """A process of the storm; run() is what it does, `ledger` what it returns."""

    def __init__(self, seed):
        self.chance = random.Random(seed)
        self.ledger = None

    def run(self):
        """Do it."""
        raise NotImplementedError

    def start(self, folder, number):
        """Start the process."""
        path = os.path.join(folder, f"part{number}")
        process = multiprocessing.Process(target=self._main, args=(path,))
        process.start()
        return process, path

    def _main(self, path):
        try:
            outcome = None, self.run()
        except BaseException:  # pylint: disable=broad-exception-caught
            outcome = traceback.format_exc(), None
        with open(path, "wb") as file:
            pickle.dump(outcome, file)


class Injector(Part):
    """Injects failures, a batch at a time; returns its pid and the strikes in order."""

    def __init__(self, seed, children, number, done):
        super().__init__(seed)
        self._children = [number_of(child) for child in children]
        self._number = number
        self._done = done

    def _strike(self):
        chance = self.chance
        pages = 1 if chance.random() < 0.98 else chance.choice((2, 10, 40))
        return (chance.randrange(len(self._children)), chance.randrange(WINDOW_PAGES + 50), pages)

    def run(self):
        probe = Probe()
        strikes = []
        while len(strikes) < self._number:
            batch = [self._strike() for _ in range(BATCH)]
            lines = [f"inject {self._children[child]} {page * PAGE} {pages * PAGE} 0"
                     for child, page, pages in batch]
            begin = time.monotonic_ns()
            probe.commands(lines)
            end = time.monotonic_ns()
            strikes += [Strike(begin, end, *strike) for strike in batch]
            with self._done.get_lock():
                self._done.value += BATCH
        return os.getpid(), strikes


class Changer(Part):
    """Changes a few devices until all is over.

    Returns for each device its timeline, what `dmsetup status` said, with the times, and whether
    that must have been all.
    """

    def __init__(self, seed, children, layouts, minors, ready, stop):
        super().__init__(seed)
        self._children = children
        self.numbers = [number_of(child) for child in children]
        self._ready = ready
        self._layouts = layouts
        self._minors = minors
        self._stop = stop
        self._probe = None
        self._devices = {}
        self.counts = Counter()

    def run(self):
        self._probe = Probe()
        for minor in self._minors:
            device = _Device(self, minor)
            self._devices[minor] = device
            device.create()
        self._ready.wait(SECONDS_TO_START)
        while not self._stop.is_set():
            device = self.chance.choice(list(self._devices.values()))
            step = self.chance.choices(_Device.STEPS, _Device.WEIGHTS)[0]
            step(device)
            self.counts[step.__name__] += 1
            time.sleep(self.chance.random() * 0.01)
        for device in self._devices.values():
            device.settle()
        return ({device.number: (device.timeline, device.readings, device.counted_all)
                 for device in self._devices.values()}, self.counts)

    def ranges(self, layout):
        """Return the ranges of a layout."""
        return self._layouts.ranges(layout)

    def other_layout(self, layout):
        """Return another layout than this one."""
        return self.chance.choice([number for number in range(len(self._layouts))
                                   if number != layout])

    def text(self, layout, *options):
        """Return the table of a layout."""
        return table(self._children, self.ranges(layout), *options)

    def command(self, line):
        """Give the probe a command."""
        self._probe.commands([line])


class _Device:
    """A device of a changer; knows its state, and notes each step."""

    def __init__(self, changer, minor):
        self._changer = changer
        self._chance = changer.chance
        self._minor = minor
        self._name = f"storm{minor}"
        self.number = f"{_dm_major()}:{minor}"
        self._cleared = False
        self._attached = set()
        # A table that is replaced as a search finds the page in it may be gone by the counting.
        self.counted_all = True
        self.state = GONE
        self.timeline = Timeline()
        # (begin, end, handled) of each look at the counters, handled None where they start anew
        self.readings = []

    def _step(self, after, *actions):
        begin = time.monotonic_ns()
        for action, *arguments in actions:
            action(*arguments)
        step = Step(begin, time.monotonic_ns(), self.state, after)
        self.timeline.add(step)
        self.state = after
        return step

    def _load(self, layout):
        self._cleared = False
        libdm.load(self._name, self._changer.text(layout, "allow_move"))

    def create(self):
        """Make the device, and hold it."""
        layout = self._changer.other_layout(None)
        step = self._step(State(layout, False),
                          (libdm.create, self._name, self._minor, self._changer.text(layout)))
        self.readings.append((step.begin, step.end, None))
        number_of(self.number)
        self.hold()

    def hold(self):
        """Take the slot, if it is not ours."""
        if not self.state.held:
            self._step(self.state._replace(held=True),
                       (self._changer.command, f"hold {self.number}"))

    def release(self):
        """Leave the slot for a moment."""
        if self.state.held:
            self._step(self.state._replace(held=False),
                       (self._changer.command, f"release {self.number}"))
        self.hold()

    def reload(self):
        """Put another table in place."""
        layout = self._changer.other_layout(self.state.layout)
        self._load(layout)
        self._step(self.state._replace(layout=layout), (libdm.resume, self._name))

    def reload_suspended(self):
        """Put another table in place while suspended for a moment."""
        layout = self._changer.other_layout(self.state.layout)
        libdm.suspend(self._name, lockfs=self._chance.random() < 0.5)
        self._load(layout)
        time.sleep(self._chance.random() * 0.005)
        self._step(self.state._replace(layout=layout), (libdm.resume, self._name))

    def suspend(self):
        """Suspend for a moment; what it maps stays."""
        libdm.suspend(self._name)
        time.sleep(self._chance.random() * 0.01)
        libdm.resume(self._name)

    def load_and_clear(self):
        """Load a table, another, and drop it: three tables for a moment."""
        self._load(self._changer.other_layout(None))
        self._load(self._changer.other_layout(None))
        libdm.clear(self._name)
        self._cleared = True

    def refused(self):
        """Load tables that must be refused: the live one goes on."""
        ranges = self._changer.ranges(self.state.layout)
        child, page, pages = ranges[0]
        moved = ((child, page + 1, pages), *ranges[1:])
        # pylint: disable-next=protected-access
        children = self._changer._children
        for text, number in ((table(children, moved), errno.EBUSY),
                             (table(children, ranges) + " 1 bogus", errno.EINVAL),
                             (table(children, ((child, 1 << 40, 1),)), errno.EINVAL)):
            if number == errno.EBUSY and not self.state.held:
                continue
            try:
                libdm.load(self._name, text)
            except libdm.DmError as error:
                assert error.errno == number, (text, error)
            else:
                raise AssertionError(f"loaded: {text}")

    def wipe(self):
        """Put an error target in place, and then a table again."""
        length = sum(pages for _, _, pages in self._changer.ranges(self.state.layout))
        libdm.load(self._name, f"0 {length * PAGE_SECTORS} error ")
        step = self._step(self.state._replace(layout=None), (libdm.resume, self._name))
        # the last claim went with its counters
        self.readings.append((step.begin, step.end, None))
        self.reload()

    def attach(self):
        """Attach it to a child, or detach it: it must not make a difference."""
        number = self._chance.choice(self._changer.numbers)
        verb = "detach" if number in self._attached else "attach"
        order(verb, f"{self.number} {number}")
        self._attached ^= {number}
        self.counted_all = False

    def rename(self):
        """Give it another name.

        Not between a clear and the next load: stock 6.1 then frees its IMA record of the device
        twice, with dm-linear as well.
        """
        new = f"storm{self._minor}.{self._chance.randrange(1000)}"
        if new != self._name and not self._cleared:
            libdm.rename(self._name, new)
            self._name = new

    def read(self):
        """Look at the counters."""
        begin = time.monotonic_ns()
        fields = libdm.status(self._name).split()
        self.readings.append((begin, time.monotonic_ns(), int(fields[5])))

    def recreate(self):
        """Remove it and make it anew."""
        if self.state.held:
            self._step(self.state._replace(held=False),
                       (self._changer.command, f"release {self.number}"))
        self.read()
        self._step(GONE, (libdm.remove, self._name))
        self._attached = set()
        self.create()

    def settle(self):
        """Be held and read once all is over, and leave the children."""
        self.hold()
        self.read()
        # those that were removed attached are dropped by whoever attaches or detaches next
        if not self._attached:
            order("attach", f"{self.number} {self._changer.numbers[0]}")
            self._attached.add(self._changer.numbers[0])
        for number in self._attached:
            order("detach", f"{self.number} {number}")

    STEPS = (reload, reload_suspended, suspend, load_and_clear, refused, wipe, rename, read,
             release, recreate, attach)
    WEIGHTS = (6, 3, 2, 3, 2, 1, 1, 2, 3, 3, 3)


class Mounter(Part):
    """Makes, mounts, fails and removes a filesystem until all is over.

    It lives on pages of its own and fails them itself, so that each failure is accounted for. None
    arrives while it is mounted or unmounted: XFS is told then through a pointer that may be stale,
    which is the kernel's own bug. Returns how many failures it told of.
    """

    PAGES = 16384
    FAILURES = 25

    def __init__(self, seed, child, minor, stop):
        super().__init__(seed)
        self._child = child
        self._minor = minor
        self._stop = stop

    def run(self):
        told = 0
        while not self._stop.is_set():
            told += self._cycle()
        return told

    def _cycle(self):
        name = f"storm{self._minor}"
        first = WINDOW_PAGES * 2
        text = (f"0 {self.PAGES * PAGE_SECTORS} daxlinear {self._child.number} "
                f"{first * PAGE_SECTORS}")
        libdm.create(name, self._minor, text)
        folder = tempfile.mkdtemp(dir=SCRATCH)
        try:
            with Xfs(f"/dev/block/{number_of(f'{_dm_major()}:{self._minor}')}", folder) as xfs:
                xfs.write("file", b"x" * (1 << 20))
                pages = [first + self.chance.randrange(self.PAGES) for _ in range(self.FAILURES)]
                probe = Probe()
                number = number_of(self._child)
                probe.commands([f"inject {number} {page * PAGE} {PAGE} 0" for page in pages])
                probe.close()
                fields = libdm.status(name).split()
        finally:
            os.rmdir(folder)
            libdm.remove(name)
        received, forwarded, handled = map(int, fields[3:6])
        assert (received, forwarded, handled) == (len(pages),) * 3, fields
        return len(pages)


class Storm:
    """All parts, and the judgement."""

    def __init__(self, children, seed=1, nr_layouts=24):
        self.children = children
        chance = random.Random(seed)
        self._seed = seed
        self.layouts = Layouts()
        for _ in range(nr_layouts):
            self.layouts.add(random_ranges(chance, len(children)))
        self.strikes = {}
        self.devices = {}
        self.steps = Counter()
        self.mounter_told = 0
        self._calls = {}
        self._own = {}

    def blow(self, folder, number, injectors=2, changers=2, devices=3):
        """Let it blow until so many failures were injected."""
        stop = multiprocessing.Event()
        # all devices are there before the first failure is
        ready = multiprocessing.Barrier(changers + 1)
        done = multiprocessing.Value("l", 0)
        parts = [Changer(self._seed + at, self.children, self.layouts,
                         [FIRST_MINOR + at * devices + device for device in range(devices)],
                         ready, stop)
                 for at in range(changers)]
        parts.append(Mounter(self._seed + 50, self.children[-1],
                             FIRST_MINOR + changers * devices, stop))
        rest = [part.start(folder, at) for at, part in enumerate(parts)]
        try:
            ready.wait(SECONDS_TO_START)
            striking = [Injector(self._seed + 100 + at, self.children, number // injectors, done)
                        .start(folder, 100 + at) for at in range(injectors)]
            for process, _ in striking:
                process.join()
        finally:
            stop.set()
        for process, _ in rest:
            process.join()
        for _, path in striking:
            pid, strikes = self._outcome(path)
            self.strikes[pid] = strikes
        for _, path in rest[:-1]:
            devices, counts = self._outcome(path)
            self.devices.update(devices)
            self.steps.update(counts)
        self.mounter_told = self._outcome(rest[-1][1])

    @staticmethod
    def _outcome(path):
        with open(path, "rb") as file:
            failure, outcome = pickle.load(file)
        assert failure is None, failure
        return outcome

    def _read_calls(self):
        """Read the probe's records: what each injection told, and the injections in order."""
        with open(f"{FOLDER}/calls", encoding="ascii") as file:
            for line in file:
                kind, seq, pid, dev, off, length, *rest = line.split()
                assert kind != "lost", line
                if kind == "call":
                    self._calls.setdefault(int(seq), []).append((dev, int(off), int(length)))
                elif int(pid) in self.strikes:
                    self._own.setdefault(int(pid), []).append((int(seq), int(rest[-1])))

    def judge(self):
        """Return the ledger, and what is wrong with it, a line each."""
        self._read_calls()
        ledger, wrong = Counter(), []
        told_at = {number: [] for number in self.devices}
        for pid, strikes in self.strikes.items():
            moment, states = None, {}
            for strike, (seq, answer) in zip(strikes, self._own[pid], strict=True):
                told = {}
                for dev, off, length in self._calls.get(seq, ()):
                    told.setdefault(dev, []).extend(range(off, off + length, PAGE))
                    told_at[dev].append((strike.begin, strike.end))
                ledger["injected"] += 1
                ledger["told somebody" if told else "told nobody"] += 1
                ledger["calls"] += len(self._calls.get(seq, ()))
                if answer != (0 if told else -errno.EOPNOTSUPP):
                    wrong.append(f"{strike}: answered {answer}, told {told}")
                # the strikes of a batch have the same times
                if moment != strike.begin:
                    moment = strike.begin
                    states = {number: timeline.states(strike.begin, strike.end)
                              for number, (timeline, *_) in self.devices.items()}
                for number, possible in states.items():
                    fault = judge(self.layouts, possible, strike, told.get(number, []))
                    if fault:
                        wrong.append(f"{strike}: {number} was {fault}: {told.get(number)}")
                    ledger["met a step"] += len(possible) > 1
        for number, (_, readings, counted_all) in self.devices.items():
            wrong += self._check_readings(number, readings, told_at[number], counted_all, ledger)
        return ledger, wrong

    @staticmethod
    def _check_readings(number, readings, told, counted_all, ledger):
        """The counters agree with the ledger, as far as the times tell."""
        wrong, since = [], None
        for begin, end, handled in readings:
            if handled is None:
                since = begin, end
                continue
            sure = counted_all and sum(since[1] < b and e < begin for b, e in told)
            most = sum(since[0] < e and b < end for b, e in told)
            ledger["counters read"] += 1
            if not sure <= handled <= most:
                wrong.append(f"{number}: status says {handled} were handled, "
                             f"the ledger {sure} to {most}")
        return wrong


def _dm_major():
    with open("/proc/devices", encoding="ascii") as file:
        for line in file:
            if line.split()[1:] == ["device-mapper"]:
                return int(line.split()[0])
    raise LookupError("no device-mapper in /proc/devices")
