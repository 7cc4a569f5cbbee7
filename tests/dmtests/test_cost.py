# SPDX-License-Identifier: GPL-2.0
"""Work that grows with a table or a stack: it ends soon, and does not keep a CPU."""

import os
import signal
import threading
import time

import pytest

from lib.beside import Beside
from lib.command import log
from lib.dm.device import Device
from lib.dm.target import DaxLinear, Linear, Striped, table
from lib.holders.attach import attached
from lib.units import MIB_SECTORS, PAGE, SECTOR, WHOLE, pages

GIB_SECTORS = 1024 * MIB_SECTORS


class Heartbeat(threading.Thread):
    """A real-time thread that wakes a thousand times a second, for its `with` block."""

    def __init__(self):
        super().__init__()
        self._end = threading.Event()
        self._started = threading.Event()
        self.longest = 0.0

    def run(self):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        last = time.monotonic()
        self._started.set()
        while not self._end.is_set():
            time.sleep(0.001)
            now = time.monotonic()
            self.longest = max(self.longest, now - last)
            last = now

    def __enter__(self):
        self.start()
        self._started.wait()
        return self

    def __exit__(self, *_):
        self._end.set()
        self.join()


def test_a_search_lets_others_run(bed):
    """A search on the only CPU: a striped device has a run for each chunk, so it takes long."""
    stripes, child = [(device, 0) for device in bed.nvdimms[:2]], bed.nvdimms[2]
    sectors = bed.nvdimms[0].sectors // MIB_SECTORS * MIB_SECTORS
    striped = Striped(2 * sectors, pages(1), stripes)
    device = bed.device(*[striped] * 8, Linear(pages(1), child))
    bed.enter(attached(device, child))
    bed.enter(bed.probe.holding(device))
    with Heartbeat() as heartbeat:
        start = time.monotonic()
        injection = bed.probe.inject(child, 0)
        took = time.monotonic() - start
    log.info("the search took %.3f s, nothing else ran for %.3f s", took, heartbeat.longest)
    assert [call.off for call in injection.calls] == [16 * sectors * SECTOR]
    assert heartbeat.longest < took / 4


@pytest.mark.large
def test_a_search_of_a_terabyte_in_chunks(bed):
    """Sixteen million chunks of 64 KiB take as long each as the first, and let others run."""
    stripes, child = [(device, 0) for device in bed.nvdimms[:2]], bed.nvdimms[2]
    chunk = 64 * 1024 // SECTOR
    half = bed.nvdimms[0].sectors // chunk * chunk
    striped = Striped(2 * half, chunk, stripes)
    number = 1024 * GIB_SECTORS // (2 * half) + 1
    took = {}
    for targets in (1, number):
        device = bed.device(*[striped] * targets, Linear(pages(1), child))
        with attached(device, child), bed.probe.holding(device), Heartbeat() as heartbeat:
            start = time.monotonic()
            injection = bed.probe.inject(child, 0)
            took[targets] = time.monotonic() - start
        log.info("%d chunks took %.3f s, nothing else ran for %.3f s",
                 targets * 2 * half // chunk, took[targets], heartbeat.longest)
        assert [call.off for call in injection.calls] == [targets * 2 * half * SECTOR]
    assert heartbeat.longest < took[number] / 4
    assert took[number] < 3 * number * took[1]


def gone_cost(bed, number):
    """Return the CPU time of a failure of a whole child below so many lines, two of three on it."""
    child, beside = bed.nvdimms[:2]
    lines = [DaxLinear(pages(1), child if at % 3 else beside, pages(at)) for at in range(number)]
    with Device(*lines) as device, bed.probe.holding(device):
        start = time.thread_time()
        injection = bed.probe.inject(child, 0, WHOLE)
        took = time.thread_time() - start
    last = max(at for at in range(number) if at % 3)
    assert [(call.off, call.len) for call in injection.calls] == [(PAGE, last * PAGE)]
    return took


def test_a_child_that_goes_takes_as_long_for_each_line(bed):
    costs = [gone_cost(bed, number) for number in (500, 4000)]
    log.info("it took %s s", costs)
    assert costs[1] < 20 * costs[0]


def cost(function, *arguments):
    """Return the CPU time that a call takes of this thread, the least of some."""
    found = []
    for _ in range(3):
        start = time.thread_time()
        function(*arguments)
        found.append(time.thread_time() - start)
    return min(found)


def load_cost(device, *targets):
    """Return what it costs to load a table."""
    def load():
        device.load(*targets)
        device.clear()
    return cost(load)


def test_many_targets_on_many_floors_load_quickly(bed):
    """Each of a floor's targets is on the floor below: there are 16^6 ways from top to bottom."""
    floors = [bed.nvdimms[0]]
    costs = []
    for _ in range(6):
        targets = [DaxLinear(pages(1), floors[-1], pages(number)) for number in range(16)]
        device = bed.device(*targets)
        costs.append(load_cost(device, *targets))
        floors.append(device)
    log.info("loading took %s s", costs)
    assert costs[-1] < 10 * costs[0]
    # nor does finding the holders above the lowest one
    targets = [DaxLinear(pages(1), floors[0], pages(number)) for number in range(16)]
    assert load_cost(floors[1], *targets) < 10 * costs[0]


def test_many_ranges_on_many_floors_load_quickly(bed):
    # no two neighbouring ranges are on the same child
    child, beside = bed.nvdimms[:2]
    number, apart = 4000, 256
    size = child.sectors // pages(apart) * pages(apart)
    same = DaxLinear.ranges([(child, 0, size)] * (number * pages(apart) // size + 1))
    alone, low = (bed.device(same) for _ in range(2))
    floors = [low]
    for _ in range(2):
        ranges = [one for at in range(0, number * apart, apart)
                  for one in ((floors[-1], pages(at), pages(1)), (beside, 0, pages(apart - 1)))]
        floors.append(bed.device(DaxLinear.ranges(ranges)))
    costs = [load_cost(device, same) for device in (alone, low)]
    log.info("loading took %s s", costs)
    assert costs[1] < 10 * costs[0]


@pytest.mark.at_once
def test_a_load_over_a_large_hole_ends(bed):
    """The table was wiped below a filesystem; whether the new one moves anything takes a search."""
    child = bed.nvdimms[0]
    size = child.sectors // MIB_SECTORS * MIB_SECTORS
    number = 128 * GIB_SECTORS // size
    device = bed.device(DaxLinear(size, child))
    bed.enter(attached(device, child))
    bed.enter(bed.probe.holding(device))
    # the first failure looks up the device's dax_device
    assert bed.probe.inject(child, 0).calls
    sectors = number * size
    device.reload(f"0 {sectors} error")
    new = DaxLinear.ranges([(child, 0, size)] * number)
    with Beside("dmsetup", "load", device.name, stdin=table(new)) as load:
        deadline = time.monotonic() + 3
        while load.running and time.monotonic() < deadline:
            time.sleep(0.1)
        if load.running:
            log.info("it goes on; it is killed")
            os.kill(load.pid, signal.SIGKILL)
        load.end(within=10, check=False)
