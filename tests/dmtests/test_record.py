# SPDX-License-Identifier: GPL-2.0
"""Each failure of a child is recorded, from its first hold until dax_holder is unloaded."""

import contextlib
import errno
import os
import threading
import time

import pytest

from lib.beside import Beside, Doing
from lib.command import run
from lib.devices.badblocks import Healed
from lib.devices.unplug import Unplugged
from lib.dm.device import Device
from lib.dm.target import DaxLinear, Linear
from lib.holders.attach import FOLDER, attached, listed
from lib.holders.injector import Injector
from lib.holders.probe import FOLDER as PROBE, Probe, number_of
from lib.holders.record import EVENTS, Record, recorded
from lib.holders.trace import Kprobe
from lib.module import HEAL, HOLDER, TARGET
from lib.units import MIB, PAGE, PAGE_SECTORS, WHOLE, pages

pytestmark = pytest.mark.usefixtures("renewed")

# how many ranges the kernel's table of bad blocks has room for
ROOM = PAGE // 8

# how long a holder takes at most, in milliseconds; the tests end it before
LONG = 600000

# <linux/mm.h>
MF_SOFT_OFFLINE = 1 << 3
MF_SW_SIMULATED = 1 << 5


@pytest.fixture(name="child")
def _child(bed):
    """Return a child that a device holds."""
    child = bed.nvdimms[0]
    bed.device(DaxLinear(pages(8), child))
    return child


def every_other(child, number, length=PAGE, first=0):
    """Return failures of pages that do not touch."""
    return [(child, first + 2 * at * length, length) for at in range(number)]


def test_from_the_first_hold(bed):
    child, other = bed.nvdimms[:2]
    assert not recorded()
    device = bed.device(DaxLinear(pages(8), child))
    record = Record(child)
    assert recorded() == [child.name]
    assert record.text("record") == record.text("events") == ""
    assert [record.number(name) for name in ("seq", "failures", "overflow", "gone")] == [0] * 4
    assert record.text("dev") == child.number
    # attaching holds a child, too; a mapped device has no memory of its own, and no record
    above = bed.device(Linear(pages(8), device))
    with attached(above, other, device):
        assert recorded() == sorted([child.name, other.name])
    assert recorded() == sorted([child.name, other.name])
    assert not listed()


def test_each_result(bed):
    child = bed.nvdimms[0]
    device = bed.device(DaxLinear(pages(8), child, pages(8)))
    record = Record(child)
    before = time.time_ns()
    bed.probe.inject(child, 8 * PAGE)
    for rc in (0, -errno.EUCLEAN, -errno.EIO):
        with bed.probe.holding(device, rc):
            bed.probe.inject(child, 9 * PAGE)
    bed.probe.inject(child, 0, 2 * PAGE)
    after = time.time_ns()
    events = record.events()
    assert [event[2:] for event in events] == [
        (pages(8), pages(1), "generic", "-"), (pages(9), pages(1), "handled", "-"),
        (pages(9), pages(1), "handled", "shutdown"),
        (pages(9), pages(1), str(-errno.EIO), "-"), (0, pages(2), "unused", "-")]
    assert [event.seq for event in events] == [1, 3, 5, 7, 9]
    assert before < events[0].time < events[4].time < after
    assert record.seq == 10 and record.number("failures") == 5
    assert record.ranges() == [(0, pages(2)), (pages(8), pages(2))]


def test_flags(bed, child):
    bed.probe.inject(child, 0, PAGE, MF_SOFT_OFFLINE)
    bed.probe.inject(child, 0, PAGE, MF_SW_SIMULATED)
    bed.probe.inject(child, 0, PAGE, MF_SOFT_OFFLINE | MF_SW_SIMULATED)
    assert [event.flags for event in Record(child).events()] == [
        "soft", "injected", "soft,injected"]


def test_two_children_and_two_floors(bed):
    first, second = bed.nvdimms[:2]
    part = bed.enter(second.partition(pages(64), pages(64)))
    below = bed.device(DaxLinear.ranges([(first, 0, pages(8)), (part, 0, pages(8))]))
    top = bed.device(DaxLinear(pages(16), below))
    bed.enter(bed.probe.holding(top))
    failures = [(child, base + 3 * number * PAGE) for number in range(20)
                for child, base in ((first, 0), (second, 64 * PAGE))]
    bed.probe.inject_all(failures)
    for child, base in ((first, 0), (second, 64)):
        record = Record(child)
        assert record.number("failures") == 20
        assert record.ranges() == [(pages(base + 3 * number), pages(1)) for number in range(20)]
        assert [event.sector for event in record.events()] == [
            pages(base + 3 * number) for number in range(20)]
        assert [event.result for event in record.events()] == ["handled"] * 3 + ["unused"] * 17


def test_more_than_fit(bed, child):
    record = Record(child)
    bed.probe.inject_all(every_other(child, 1500))
    assert record.ranges() == [(pages(2 * number), pages(1)) for number in range(ROOM)]
    assert record.number("failures") == 1500
    assert record.number("overflow") == 1500 - ROOM
    events = record.events()
    last = range(1500 - EVENTS, 1500)
    assert [event.sector for event in events] == [pages(2 * number) for number in last]
    assert [event.seq for event in events] == [2 * number + 1 for number in last]
    assert [event.flags for event in events] == [
        "-" if number < ROOM else "overflow" for number in last]
    assert len(bed.kmsg.find(f"{child.name}: its record of failed ranges is full")) == 1
    # what is in the record already needs no room
    bed.probe.inject(child, 0)
    assert record.number("overflow") == 1500 - ROOM
    # of a range that is cleared, no event says that the record lacks it
    record.clear(f"{pages(2 * (1500 - EVENTS) + 2)} {pages(2 * 900)}")
    flags = [event.flags for event in record.events()]
    assert flags[:900] == ["-"] * 900 and "overflow" in flags
    record.clear()
    assert [event.flags for event in record.events()] == ["-"] * EVENTS
    assert record.number("overflow") == 1500 - ROOM


def test_ranges_merge(bed, child):
    record = Record(child)
    for page in (9, 11, 50, 10, 9):
        bed.probe.inject(child, page * PAGE)
    assert record.ranges() == [(pages(9), pages(3)), (pages(50), pages(1))]
    # over all of these, and longer than an entry of the table
    bed.probe.inject(child, 0, 300 * PAGE)
    ranges = record.ranges()
    assert sum(sectors for _, sectors in ranges) == pages(300)
    assert max(sectors for _, sectors in ranges) == 512
    end = 0
    for sector, sectors in ranges:
        assert sector == end
        end += sectors


def test_read_in_pieces(bed, child):
    record = Record(child)
    bed.probe.inject_all(every_other(child, 1100, first=100 * MIB))
    for name in ("record", "events"):
        with open(f"{record.folder}/{name}", "rb", buffering=0) as file:
            whole = b""
            while part := file.read(1 << 20):
                whole += part
            assert whole.decode().strip() == record.text(name)
            assert len(whole) > PAGE
            if name == "events":
                assert {len(line) for line in whole.splitlines(True)} == {128}
            for step in (1000, PAGE - 1, 3 * PAGE):
                parts = [os.pread(file.fileno(), step, at) for at in range(0, len(whole), step)]
                # at most a page is read at a time
                assert [whole[at:at + min(step, PAGE)]
                        for at in range(0, len(whole), step)] == parts
            assert not os.pread(file.fileno(), 100, len(whole))


def test_clear(bed, child):
    record = Record(child)
    bed.probe.inject(child, 0, 8 * PAGE)
    bed.probe.inject(child, 100 * PAGE)
    before = record.seq
    record.clear(f"{pages(2)} {pages(3)}\n")
    assert record.ranges() == [(0, pages(2)), (pages(5), pages(3)), (pages(100), pages(1))]
    assert record.seq == before + 1
    # what has not failed is not bad already
    record.clear(f"{pages(200)} 1")
    record.clear(f"{pages(1)} {pages(50)}")
    assert record.ranges() == [(0, pages(1)), (pages(100), pages(1))]
    record.clear()
    assert not record.ranges()
    assert len(record.events()) == record.number("failures") == 2
    # and it is entered again
    bed.probe.inject(child, PAGE)
    assert record.ranges() == [(pages(1), pages(1))]


@pytest.mark.parametrize("text", [
    "", "\n", "0", "a 8", "0 a", "0 8 8", "-1 8", "0 -8", "0 0", "all 8", "0x0 8", " 0 8", "0  8",
    "0,8", f"{1 << 64} 8", f"0 {1 << 64}", f"{(1 << 64) - 8} 8", "0" * 30 + " 8", "0 8\0 8",
    "{size} 8", "0 {more}", "8 {size}"])
def test_clear_is_checked(bed, child, text):
    record = Record(child)
    bed.probe.inject(child, 0)
    size = child.sectors // PAGE_SECTORS * PAGE_SECTORS
    with pytest.raises(OSError) as caught:
        record.clear(text.format(size=size, more=size + 1) or "\0")
    assert caught.value.errno == errno.EINVAL
    assert record.ranges() == [(0, pages(1))] and record.seq == 2


def test_clear_takes_the_capability(bed, child):
    record = Record(child)
    bed.probe.inject(child, 0)
    done = run("setpriv", "--bounding-set=-sys_admin", "--inh-caps=-all", "tee",
               f"{record.folder}/clear", stdin="all", check=False)
    assert done.endswith("Operation not permitted\n"), done
    assert record.ranges() == [(0, pages(1))]


def test_clear_of_a_full_record(bed, child):
    # to take the middle out of a range takes an entry more
    record = Record(child)
    bed.probe.inject_all(every_other(child, ROOM, 3 * PAGE))
    with pytest.raises(OSError) as caught:
        record.clear(f"{pages(1)} {pages(1)}")
    assert caught.value.errno == errno.ENOSPC
    assert record.ranges()[0] == (0, pages(3))
    record.clear(f"0 {pages(1)}")
    assert record.ranges()[0] == (pages(1), pages(2))
    # some kernels keep an entry free
    for page in (6, 18):
        record.clear(f"{pages(page)} {pages(3)}")
    record.clear(f"{pages(13)} {pages(1)}")
    assert record.ranges()[1:3] == [(pages(12), pages(1)), (pages(14), pages(1))]


@pytest.mark.usefixtures("modules")
def test_it_survives(bed):
    first, second = bed.nvdimms[:2]
    bed.probe.hold(bed.device(Linear(pages(8), second)))
    with Device(DaxLinear(pages(8), first)) as device:
        bed.probe.inject(first, PAGE)
        kept = [Record(first).text(name) for name in ("record", "events", "seq", "failures")]
        assert kept[0] == f"{pages(1)} {pages(1)}"

        def is_kept():
            assert [Record(first).text(name)
                    for name in ("record", "events", "seq", "failures")] == kept
            assert recorded()[0] == first.name

        device.reload(DaxLinear(pages(8), first, pages(8)), DaxLinear(pages(8), second))
        is_kept()
        device.wipe()
        is_kept()
    is_kept()
    stock = bed.device(Linear(pages(8), first))
    with attached(stock, first):
        is_kept()
        assert listed() == [(first.name, stock.disk)]
    assert not listed()
    is_kept()
    # a failure of a child that is not held is not of those that dax_holder is notified of
    bed.probe.inject(first, PAGE)
    is_kept()
    bed.enter(attached(stock, first))
    bed.probe.inject(first, PAGE)
    assert Record(first).number("failures") == 2
    # but not the module itself
    TARGET.remove()
    HOLDER.remove()
    assert not os.path.exists(FOLDER)


def test_a_load_makes_it_once(bed):
    child = bed.nvdimms[0]
    with Kprobe("badblocks_init") as made, Device(DaxLinear(pages(8), child)):
        assert len(made.lines()) == 1
    with Kprobe("badblocks_init") as made, Device(DaxLinear(pages(8), child)) as device:
        device.reload(DaxLinear(pages(8), child, pages(8)))
        device.wipe()
        device.reload(DaxLinear(pages(8), child))
        assert not made.lines()
    with Device(DaxLinear(pages(8), child)) as device, Kprobe("device_add") as added:
        device.reload(DaxLinear(pages(8), child, pages(8)))
        device.wipe()
        device.reload(DaxLinear(pages(8), child))
        assert not added.lines()


def test_gone_and_back(bed):
    child = bed.nvdimms[0]
    name = child.name
    device = bed.device(DaxLinear(pages(8), child))
    bed.enter(bed.probe.holding(device))
    record = Record(name)
    bed.probe.inject(child, PAGE)
    unplugged = Unplugged(child)
    unplugged.unplug()
    with contextlib.ExitStack() as stack:
        stack.callback(unplugged.plug)
        assert record.events()[-1][2:] == (0, 0, "handled", "gone")
        assert record.text("gone") == "1"
        assert record.ranges() == [(pages(1), pages(1))]
        assert record.text("dev") == child.number
    # it is another disk on the same memory
    assert record.text("gone") == "1"
    other = bed.device(DaxLinear(pages(8), child))
    bed.enter(bed.probe.holding(other))
    assert record.text("gone") == "0"
    assert record.text("dev") == child.number
    assert recorded() == [name]
    bed.probe.inject(child, 3 * PAGE)
    assert record.ranges() == [(pages(1), pages(1)), (pages(3), pages(1))]
    assert record.number("failures") == 3


def make_anew(child, where):
    """Make a child's namespace anew, with its struct pages in this place."""
    run("ndctl", "create-namespace", "-f", "-e", child.namespace, "-m", "fsdax", "-M", where)


def test_the_name_for_other_memory(bed):
    child = bed.nvdimms[2]
    name, size = child.name, child.sectors
    with Device(DaxLinear(pages(8), child)):
        bed.probe.inject(child, PAGE)
    make_anew(child, "dev")
    try:
        other = next(one for one in type(bed)().nvdimms if one.region == child.region)
        assert other.name == name and other.sectors < size
        with Device(DaxLinear(pages(8), other)):
            assert recorded() == [name, f"{name}~1"]
            assert not Record(name).ranges()
            assert Record(f"{name}~1").ranges() == [(pages(1), pages(1))]
            bed.probe.inject(other, 5 * PAGE)
    finally:
        make_anew(child, "mem")
    back = next(one for one in type(bed)().nvdimms if one.region == child.region)
    with Device(DaxLinear(pages(8), back)):
        assert recorded() == [name, f"{name}~2"]
        assert Record(name).ranges() == [(pages(1), pages(1))]
        assert Record(f"{name}~2").ranges() == [(pages(5), pages(1))]
        # what is attached finds the directory by the child
        stock = bed.device(Linear(pages(8), back))
        with attached(stock, back):
            assert listed() == [(name, stock.disk)]


def test_written_anew(bed):
    child = bed.enter(Healed(bed.nvdimms[1]))
    other = bed.nvdimms[0]
    device = bed.device(DaxLinear.ranges([(other, 0, pages(8)), (child, pages(8), pages(16))]))
    record = Record(child)
    bed.probe.inject(child, 8 * PAGE, 4 * PAGE)
    bed.probe.inject(other, 0, PAGE)
    child.add_badblocks(pages(9) + 3, 1)
    child.add_badblocks(pages(11), 1)
    all_of_it = [(pages(8), pages(4))]
    # not cleared: the NVDIMM cannot
    assert bed.probe.recover(device, 9 * PAGE, PAGE, 1) == 0
    assert record.ranges() == all_of_it
    with HEAL:
        # a part of a page cannot be
        assert bed.probe.recover(device, 9 * PAGE + 512, 1024, 1) == 0
        # a page that the driver does not have is written as any other
        assert bed.probe.recover(device, 8 * PAGE, PAGE, 1) == PAGE
        assert record.ranges() == all_of_it
        seq = record.seq
        assert bed.probe.recover(device, 9 * PAGE, PAGE, 1) == PAGE
        assert record.ranges() == [(pages(8), pages(1)), (pages(10), pages(2))]
        assert record.seq == seq + 1
        # through two floors
        above = bed.device(DaxLinear(pages(8), device, pages(8)))
        assert bed.probe.recover(above, 3 * PAGE, PAGE, 1) == PAGE
        assert record.ranges() == [(pages(8), pages(1)), (pages(10), pages(1))]
    assert Record(other).ranges() == [(0, pages(1))]
    # it has failed again
    bed.probe.inject(child, 9 * PAGE)
    assert record.ranges() == [(pages(8), pages(3))]


@pytest.mark.at_once
def test_entered_before_a_holder_is_asked(bed):
    child = bed.nvdimms[0]
    device = bed.device(DaxLinear(pages(8), child))
    bed.enter(bed.probe.holding(device))
    bed.probe.delay(device, LONG)
    record = Record(child)
    line = f"inject {number_of(child)} {PAGE} {PAGE} 0"
    with record.poller() as poll:
        assert poll(0) is None
        with Beside("sh", "-c", f"echo {line} >{PROBE}/control") as failure, \
                contextlib.ExitStack() as stack:
            stack.callback(bed.probe.delay, device, 0)
            failure.wait_in("probe_notify_failure")
            assert poll(10000) == 1
            assert [event[2:] for event in record.events()] == [
                (pages(1), pages(1), "pending", "-")]
            assert record.ranges() == [(pages(1), pages(1))]
            assert failure.running
            stack.close()
            failure.end()
        assert poll(10000) == 2
        assert [event.result for event in record.events()] == ["handled"]
        assert poll(0) is None


@pytest.mark.at_once
def test_pages_fail_while_a_child_goes(bed):
    """The entry of a child that goes away is overwritten before its result is known."""
    child = bed.nvdimms[0]
    device = bed.device(DaxLinear(pages(8), child))
    bed.enter(bed.probe.holding(device))
    bed.probe.delay(device, LONG)
    record = Record(child)
    line = f"inject {number_of(child)} 0 {WHOLE} 0"
    with Beside("sh", "-c", f"echo {line} >{PROBE}/control") as failure, \
            contextlib.ExitStack() as stack:
        stack.callback(bed.probe.delay, device, 0)
        failure.wait_in("probe_notify_failure")
        other = Probe()
        other.commands([f"inject {number_of(child)} {100 * PAGE} {PAGE} 0"] * (EVENTS + 1))
        other.close()
        assert failure.running
        stack.close()
        failure.end()
    assert record.number("failures") == EVENTS + 2
    assert {event[2:] for event in record.events()} == {
        (pages(100), pages(1), "unused", "-")}
    assert record.seq == 2 * (EVENTS + 2)


@pytest.mark.at_once
def test_a_reader_that_polls_loses_nothing(bed):
    first, second = bed.nvdimms[:2]
    bed.device(DaxLinear.ranges([(first, 0, pages(8)), (second, 0, pages(8))]))
    record = Record(first)
    found: dict[int, int] = {}
    with record.poller() as poll:
        places = [(first, page * PAGE) for page in range(8)] + [(second, 0)]
        with Injector(places), Injector(places[::-1]):
            deadline = time.monotonic() + 3
            while time.monotonic() < deadline:
                # a change that comes while it reads wakes it up again
                assert poll(10000) is not None
                found.update((event.seq, event.sector) for event in record.events())
        while poll(0) is not None:
            found.update((event.seq, event.sector) for event in record.events())
    assert len(found) == record.number("failures") > 100
    assert record.seq == 2 * len(found)


@pytest.mark.at_once
@pytest.mark.usefixtures("modules")
def test_unloaded_under_a_reader(bed):
    child = bed.nvdimms[0]
    with Device(DaxLinear(pages(8), child)):
        bed.probe.inject_all(every_other(child, 600))
    record = Record(child)
    stop = threading.Event()

    def read():
        while not stop.is_set():
            for name in ("events", "record", "seq"):
                try:
                    record.text(name)
                except OSError as error:
                    # it was removed before it was opened, or after
                    assert error.errno in (errno.ENOENT, errno.ENODEV)

    def sleep():
        with pytest.raises(OSError) as caught, record.poller() as poll:
            poll(60000)
        assert caught.value.errno == errno.ENODEV

    with Doing(read) as reader, Doing(sleep) as poller:
        time.sleep(0.5)
        TARGET.remove()
        HOLDER.remove()
        poller.end()
        stop.set()
        reader.end()
