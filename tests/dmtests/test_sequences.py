# SPDX-License-Identifier: GPL-2.0
"""Failures that arrive at each step of everything that dm does to a table.

A failure of a page that the live table maps is forwarded to the holder above once, at the live
table's offset. A page that it does not map is left to generic handling.
"""

import errno
import os

import pytest

from lib.beside import Doing, wait_for
from lib.command import CommandError, run
from lib.dm.device import Device
from lib.dm.gate import Gate, Gates
from lib.dm.ioctl import names
from lib.dm.target import DaxLinear, Linear, table
from lib.holders.injector import Injector
from lib.judge.live import Live
from lib.judge.oracle import Oracle, notified
from lib.kernel import MAPS_ITSELF
from lib.module import HOLDER, TARGET
from lib.units import HUGE_MIB, PAGE, PAGE_SECTORS, pages

SUSPENDS = [[], ["--nolockfs"], ["--noflush"], ["--noflush", "--nolockfs"]]

# of the gate's own range
GATE_SECTORS = pages(4)


class Layouts:
    """Ranges of two children for a table, for one that follows it, and for a third."""

    def __init__(self, bed):
        first, second = bed.nvdimms[:2]
        self.old = [(first, 0, pages(8)), (second, 0, pages(8))]
        # the first range stays, the second moves
        self.new = [(first, 0, pages(8)), (second, pages(16), pages(8)),
                    (first, pages(32), pages(4))]
        # nothing stays but one page, which is in another place
        self.third = [(second, pages(64), pages(8)), (first, pages(7), pages(12))]
        self.all = [self.old, self.new, self.third]


def moving(ranges):
    """Return a target that may move what is mapped."""
    return DaxLinear.ranges(ranges, "allow_move")


@pytest.fixture(name="layouts")
def _layouts(bed):
    return Layouts(bed)


@pytest.fixture(name="live")
def _live(bed, layouts):
    return Live(bed, *layouts.all)


@pytest.fixture(name="device")
def _device(bed, layouts, live):
    """Return a device with the old table, which the probe holds."""
    device = bed.device(moving(layouts.old))
    bed.enter(bed.probe.holding(device))
    live.map(device, layouts.old)
    live.check()
    return device


def test_first_load(bed, layouts, live):
    device = bed.device()
    live.check()
    device.load(moving(layouts.old))
    # the claims are there, but no table is live yet
    bed.enter(bed.probe.holding(device))
    live.check()
    device.load(moving(layouts.new))
    live.check()
    device.clear()
    live.check()
    device.load(moving(layouts.third))
    live.check()
    device.resume()
    live.map(device, layouts.third)
    live.check()


def test_suspend_and_resume(device, live):
    for options in SUSPENDS:
        device.suspend(*options)
        live.check()
        device.resume(*options)
        live.check()


def test_reload(device, layouts, live):
    for number, options in enumerate([None, *SUSPENDS]):
        ranges = layouts.old if number % 2 else layouts.new
        device.load(moving(ranges))
        live.check()
        if options is not None:
            device.suspend(*options)
            live.check()
        device.resume(*(options or []))
        live.map(device, ranges)
        live.check()


def test_reload_while_suspended(device, layouts, live):
    for number, options in enumerate(SUSPENDS):
        ranges = layouts.old if number % 2 else layouts.third
        device.suspend(*options)
        device.load(moving(layouts.new))
        live.check()
        # another one in its place, while the device stays suspended
        device.load(moving(ranges))
        live.check()
        device.resume(*options)
        live.map(device, ranges)
        live.check()


def test_reload_of_the_same_table(device, layouts, live):
    # a place that two tables map alike is notified once
    for _ in range(3):
        device.load(moving(layouts.old))
        live.check()
        device.load(moving(layouts.old))
        live.check()
        device.resume()
        live.check()


def test_clear(device, layouts, live):
    device.load(moving(layouts.new))
    device.clear()
    live.check()
    # nothing is loaded
    device.resume()
    live.check()
    assert device.sectors == sum(sectors for _, _, sectors in layouts.old)


def test_three_tables(bed, device, layouts, live):
    # while the third is made, the live one and the loaded one are there as well
    with Gates() as gates:
        device.load(moving(layouts.new))
        gates.stop("ctr")
        third = moving(layouts.third), Gate(GATE_SECTORS, bed.nvdimms[2])
        with Doing(device.load, *third):
            gates.wait_at("ctr")
            live.check()
            gates.open()
        live.check()
        device.resume()
        live.map(device, layouts.third)
        live.check()
        device.reload(moving(layouts.old))


@pytest.mark.parametrize("gate_first", [False, True], ids=["gate last", "gate first"])
def test_every_step(bed, layouts, live, gate_first):
    gate = Gate(GATE_SECTORS, bed.nvdimms[2])
    start = GATE_SECTORS if gate_first else 0

    def targets(ranges):
        return [gate, moving(ranges)] if gate_first else [moving(ranges), gate]

    with Gates() as gates, Device() as device:
        def step_by_step(steps, function, *arguments):
            """Call a function; check at each step, some of which change which table is live."""
            gates.stop(steps[0][0])
            with Doing(function, *arguments):
                for number, (step, ranges) in enumerate(steps):
                    gates.wait_at(step)
                    if ranges:
                        live.map(device, ranges, start)
                    else:
                        live.unmap(device)
                    live.check()
                    if number + 1 < len(steps):
                        gates.advance(steps[number + 1][0])
                gates.open()
            live.check()

        old, new, third = layouts.all
        step_by_step([("ctr", None)], device.load, *targets(old))
        bed.enter(bed.probe.holding(device))
        step_by_step([("preresume", old), ("resume", old)], device.resume)
        step_by_step([("presuspend", old), ("postsuspend", old)], device.suspend)
        step_by_step([("preresume", old), ("resume", old)], device.resume)
        step_by_step([("ctr", old)], device.load, *targets(new))
        step_by_step([("ctr", old), ("dtr", old)], device.load, *targets(third))
        step_by_step([("presuspend", old), ("postsuspend", old), ("preresume", third),
                      ("resume", third), ("dtr", third)], device.resume)
        step_by_step([("ctr", third)], device.load, *targets(new))
        step_by_step([("dtr", third)], device.clear)
        step_by_step([("ctr", third)], device.load, *targets(new))
        step_by_step([("presuspend", third), ("postsuspend", third)], device.suspend)
        step_by_step([("preresume", new), ("resume", new), ("dtr", new)], device.resume)
        step_by_step([("ctr", new)], device.load, *targets(old))
        # First the loaded table, then the live one. A device that is held is not removed, so once
        # it is marked dead there is no holder to notify.
        step_by_step([("dtr", new), ("presuspend", None), ("postsuspend", None), ("dtr", None)],
                     device.remove)


def test_wipe_step_by_step(bed, layouts, live):
    targets = [moving(layouts.old), Gate(GATE_SECTORS, bed.nvdimms[2])]
    with Gates() as gates, Device(*targets) as device, bed.probe.holding(device):
        live.map(device, layouts.old)
        gates.stop("presuspend")
        with Doing(device.wipe):
            gates.wait_at("presuspend")
            live.check()
            gates.advance("postsuspend")
            live.check()
            gates.advance("dtr")
            live.unmap(device)
            live.check()
            gates.open()
        live.check()


def test_wipe_table(bed, device, layouts, live):
    device.wipe()
    live.unmap(device)
    live.check()
    assert not any(child.holders() for child in bed.nvdimms)
    # and back again, with the same holder above all the time
    device.load(moving(layouts.new))
    live.check()
    device.resume()
    live.map(device, layouts.new)
    live.check()


def test_wipe_leaves_the_loaded_table_out(bed, device, layouts, live):
    # it goes as well
    device.load(moving(layouts.new))
    device.wipe()
    live.unmap(device)
    live.check()
    assert all(bed.probe.is_free(child) for child in bed.nvdimms[:2])


@pytest.mark.parametrize("suspended", [False, True])
@pytest.mark.parametrize("loaded", [False, True])
def test_remove(bed, device, layouts, live, loaded, suspended):
    if loaded:
        device.load(moving(layouts.new))
    if suspended:
        device.suspend()
    device.remove()
    live.unmap(device)
    live.check()
    assert all(bed.probe.is_free(child) for child in bed.nvdimms[:2])


def test_remove_before_the_first_resume(bed, layouts, live):
    with Device() as device:
        device.load(moving(layouts.old))
        device.load(moving(layouts.new))
        device.remove()
        live.check()
    assert all(bed.probe.is_free(child) for child in bed.nvdimms[:2])


def test_remove_deferred(bed, device, live):
    with open(device.path, "rb"):
        device.remove("--deferred")
        live.check()
        assert device.name in names()
    # its name goes first; the disk goes later
    wait_for(lambda: not os.path.exists(f"/sys/block/{device.disk}"), f"{device} stays")
    assert device.name not in names()
    live.unmap(device)
    live.check()
    assert all(bed.probe.is_free(child) for child in bed.nvdimms[:2])


def test_remove_deferred_is_called_off(device, layouts, live):
    with open(device.path, "rb"):
        device.remove("--deferred")
        run("dmsetup", "message", device.name, "0", "@cancel_deferred_remove")
        device.reload(moving(layouts.new))
        live.map(device, layouts.new)
        live.check()
    live.check()
    assert device.name in names()


def test_rename(device, layouts, live):
    device.load(moving(layouts.new))
    for number in range(2):
        device.rename(f"{device.name}-{number}")
        live.check()
    device.resume()
    live.map(device, layouts.new)
    live.check()


def bad_tables(bed, layouts):
    """Yield the step of ctr at which a table fails, the table, and the message."""
    first, other = bed.nvdimms[0], bed.nvdimms[2]
    good = f"{other} 0 64"
    size = sum(sectors for _, _, sectors in layouts.old)
    taken = bed.nvdimms[3]
    bed.enter(bed.probe.holding(taken))
    yield "counting", f"0 64 daxlinear 2 {good}", "2 ranges need 6 words"
    yield "parsing", f"0 128 daxlinear 2 {good} {other} x 64", 'offset "x" is no number'
    yield "options", f"0 64 daxlinear 1 {good} 1 fast", '"fast" is no option'
    yield "opening", f"0 128 daxlinear 2 {good} /dev/missing 0 64", "/dev/missing cannot be opened"
    yield "itself", f"0 128 daxlinear 2 {good} {{self}} 0 64", MAPS_ITSELF
    yield "alignment", f"0 128 daxlinear 2 {good} {other} 4 64", "is not a multiple of a page"
    yield "size", f"0 128 daxlinear 2 {good} {other} {other.sectors} 64", "reach past the end"
    yield "PMD", f"0 128 daxlinear 2 {good} {other} 64 64 1 align_pmd", \
        f"not both on {HUGE_MIB} MiB"
    yield "busy", f"0 128 daxlinear 2 {good} {taken} 0 64", "has another holder"
    yield "guard", f"0 {size} daxlinear 1 {first} {PAGE_SECTORS} {size}", \
        "is in use and its sector 0"
    yield "guard, far", (f"0 {size} daxlinear 2 {first} 0 {size - PAGE_SECTORS} "
                         f"{other} 0 {PAGE_SECTORS}"), "is in use"
    yield "guard, 2nd line", table(DaxLinear(pages(8), first), DaxLinear(pages(8), other)), \
        f"is in use and its sector {pages(8)}"
    # our targets load, and dm destroys them again
    yield "other target", f"0 64 daxlinear 1 {good} 1 allow_move\n64 32 gate {other} 0", \
        "Fails as requested"
    yield "not DAX", f"0 64 daxlinear 1 {good} 1 allow_move\n64 32 zero", "device type"


@pytest.mark.parametrize("loaded", [False, True], ids=["alone", "one is loaded"])
def test_failing_ctr(bed, device, layouts, live, loaded):
    run("modprobe", "dm-zero")
    if loaded:
        device.load(moving(layouts.new))
    before = device.table_text(), device.table_text("--inactive")
    other = bed.nvdimms[2]
    users = TARGET.users, HOLDER.users
    with Gates() as gates:
        gates.fail("ctr")
        for step, text, message in bad_tables(bed, layouts):
            mark = bed.kmsg.mark()
            with pytest.raises(CommandError):
                device.load(text.format(self=device.path))
            assert bed.kmsg.find(message, mark), (step, bed.kmsg.lines(mark))
            live.check()
            assert bed.probe.is_free(other) and not other.holders(), step
            assert (TARGET.users, HOLDER.users) == users, step
        assert (device.table_text(), device.table_text("--inactive")) == before
    device.reload(moving(layouts.third))
    live.map(device, layouts.third)
    live.check()


def test_failing_ctr_of_a_first_table(bed, layouts, live):
    with Gates() as gates, Device() as device:
        gates.fail("ctr")
        with pytest.raises(CommandError):
            device.load(moving(layouts.old), Gate(GATE_SECTORS, bed.nvdimms[2]))
        live.check()
        assert all(bed.probe.is_free(child) for child in bed.nvdimms[:2])
        gates.fail("none")
        device.reload(moving(layouts.old), Gate(GATE_SECTORS, bed.nvdimms[2]))
        with bed.probe.holding(device):
            live.map(device, layouts.old)
            live.check()
        device.remove()


@pytest.mark.parametrize("gate_first", [False, True], ids=["gate last", "gate first"])
@pytest.mark.parametrize("first_load", [False, True], ids=["reload", "first load"])
@pytest.mark.parametrize("then", ["resume", "reload", "remove"])
def test_failing_preresume(bed, layouts, live, gate_first, first_load, then):
    # dm leaves the new table live, the device suspended, and the old table is gone
    start = GATE_SECTORS if gate_first else 0
    gate = Gate(GATE_SECTORS, bed.nvdimms[2])

    def targets(ranges):
        return [gate, moving(ranges)] if gate_first else [moving(ranges), gate]

    with Gates() as gates, Device() as device:
        if not first_load:
            device.reload(*targets(layouts.old))
            live.map(device, layouts.old, start)
        device.load(*targets(layouts.new))
        with bed.probe.holding(device):
            live.check()
            gates.fail("preresume")
            with pytest.raises(CommandError):
                device.resume()
            live.map(device, layouts.new, start)
            assert device.suspended
            live.check()
            # once more; nothing is loaded now
            with pytest.raises(CommandError):
                device.resume()
            live.check()
            gates.fail("none")
            if then == "reload":
                device.load(*targets(layouts.third))
                live.check()
                device.resume()
                live.map(device, layouts.third, start)
            elif then == "resume":
                device.resume()
            else:
                device.remove()
                live.unmap(device)
            live.check()


def test_failing_swap(bed, device, layouts, live):
    # The new table fails as it goes live: dm drops it, keeps the old one, and stays suspended.
    other = bed.nvdimms[2]
    below = bed.device(Linear(pages(8), other))
    device.load(moving([(below, 0, pages(8))]))
    below.reload(Linear(pages(4), other))
    with pytest.raises(CommandError):
        device.resume()
    live.check()
    assert device.suspended
    assert bed.probe.is_free(below)
    device.resume()
    live.check()
    device.load(moving(layouts.new))
    device.resume()
    live.map(device, layouts.new)
    live.check()


def test_from_and_to_dm_linear(bed, device, layouts, live):
    # only daxlinear forwards; the holder stays through all tables
    stock = [Linear(sectors, child, offset) for child, offset, sectors in layouts.old]
    device.reload(*stock)
    live.unmap(device)
    live.check()
    assert all(bed.probe.is_free(child) for child in bed.nvdimms[:2])
    device.load(DaxLinear.ranges(layouts.old))
    # dm-linear's table stays live, so the holder is not notified, before or now
    live.map(device, layouts.old)
    live.check()
    device.resume()
    live.check()


def test_failures_all_the_time(bed, device):
    """Failures arrive at any moment, not only between steps.

    A page that all tables map alike is notified once for each failure. One that they map at one
    offset or another is notified for each failure, and at no offset twice.
    """
    first, second = bed.nvdimms[:2]
    tables = [[(first, 0, pages(8)), (second, pages(4 * number), pages(16))]
              for number in range(3)]
    kept = [(first, 0), (first, 7 * PAGE)]
    # pages that all tables map, at one offset each; that the first maps; the last; none
    moved = [(second, 12 * PAGE), (second, 0), (second, 23 * PAGE), (second, 40 * PAGE)]
    oracle = Oracle()
    for ranges in tables:
        oracle.map(device, ranges)

    device.reload(moving(tables[0]))
    bed.probe.reset()
    # two threads, so that failures also meet each other
    with Injector(kept), Injector(moved + kept), Gates() as gates:
        for number in range(3):
            device.load(moving(tables[1]))
            device.load(moving(tables[2]))
            device.clear()
            device.suspend("--noflush")
            device.load(moving(tables[1]))
            device.resume()
            with pytest.raises(CommandError):
                device.load("0 64 daxlinear /dev/missing 0")
            with pytest.raises(CommandError):
                device.load(DaxLinear.ranges(tables[2]))
            device.load(moving(tables[2]), Gate(GATE_SECTORS, bed.nvdimms[2]))
            gates.fail("preresume")
            with pytest.raises(CommandError):
                device.resume()
            gates.fail("none")
            device.resume()
            device.rename(f"{device.name}-{number}")
            device.reload(moving(tables[0]))

    done, strays = bed.probe.records()
    assert not strays
    counts = {(child.number, byte): 0 for child, byte in kept + moved}
    ever = {(child.number, byte): set(oracle.where(child, byte)) for child, byte in kept + moved}
    always = [(child.number, byte) for child, byte in kept + moved[:1]]
    assert sorted(map(len, ever.values())) == [0, 1, 1, 1, 1, 3]
    for injection in done:
        place = (injection.dev, injection.off)
        counts[place] += 1
        places = notified(injection)
        assert len(set(places)) == len(places) and ever[place].issuperset(places), injection
        assert places or place not in always, injection
        assert injection.rc == (0 if places else -errno.EOPNOTSUPP), injection
    # how many depends on the speed of the machine
    assert min(counts.values()) > 4, counts
