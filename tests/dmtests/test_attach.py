# SPDX-License-Identifier: GPL-2.0
"""Attached devices: they have other targets, and their live mapping is searched on a failure."""

import contextlib
import errno
import os
import stat

import pytest

from lib.beside import promptly
from lib.command import read_file, run
from lib.devices.unplug import Unplugged
from lib.dm.device import Device
from lib.dm.target import DaxLinear, Linear, Striped
from lib.holders import attach
from lib.holders.attach import attached, listed, order
from lib.holders.trace import Kprobe
from lib.judge.live import Live
from lib.judge.oracle import notified
from lib.module import HOLDER, TARGET
from lib.units import PAGE, WHOLE, pages

pytestmark = pytest.mark.at_once


def linear(ranges):
    """Return a dm-linear target for each range."""
    return [Linear(sectors, child, offset) for child, offset, sectors in ranges]


def striped_ranges(stripes, chunk, rows):
    """Return what a striped target maps, as ranges."""
    return [(child, offset + row * chunk, chunk) for row in range(rows)
            for child, offset in stripes]


@pytest.fixture(name="ranges")
def _ranges(bed):
    first, second, third = bed.nvdimms[:3]
    return [(first, 0, pages(8)), (second, pages(16), pages(24)), (first, pages(32), pages(4)),
            (third, pages(5), pages(1))]


def device_of(bed, live, ranges, *targets):
    """Return a device with these targets, which map these ranges; the probe holds it."""
    device = bed.device(*targets)
    bed.enter(bed.probe.holding(device))
    live.map(device, ranges)
    return device


def test_stock_is_not_told(bed, ranges):
    # the control of the other tests: it is not attached
    live = Live(bed, ranges)
    device = device_of(bed, live, ranges, *linear(ranges))
    live.unmap(device)
    live.check()


def test_linear(bed, ranges):
    live = Live(bed, ranges)
    device = device_of(bed, live, ranges, *linear(ranges))
    bed.enter(attached(device, *bed.nvdimms[:3]))
    live.check()


def test_only_the_attached_child(bed, ranges):
    live = Live(bed, ranges)
    device = device_of(bed, live, ranges, *linear(ranges))
    bed.enter(attached(device, bed.nvdimms[1]))
    live.map(device, [(child if child is bed.nvdimms[1] else None, offset, sectors)
                      for child, offset, sectors in ranges])
    live.check()


@pytest.mark.parametrize("count", [2, 3])
def test_striped(bed, count):
    stripes = [(child, pages(8 * number)) for number, child in enumerate(bed.nvdimms[:count])]
    ranges = striped_ranges(stripes, pages(2), 6)
    live = Live(bed, ranges)
    device = device_of(bed, live, ranges, Striped(pages(12 * count), pages(2), stripes))
    bed.enter(attached(device, *bed.nvdimms[:count]))
    live.check()


def test_mixed(bed, ranges):
    # ours and dm-linear on one child
    first = bed.nvdimms[0]
    more = [(first, pages(64), pages(8))]
    live = Live(bed, ranges + more)
    device = device_of(bed, live, ranges + more, DaxLinear.ranges(ranges),
                       Linear(pages(8), first, pages(64)))
    bed.enter(attached(device, *bed.nvdimms[:3]))
    live.check()


def test_one_page_in_two_places(bed):
    child = bed.nvdimms[0]
    ranges = [(child, 0, pages(8)), (child, pages(4), pages(8))]
    live = Live(bed, ranges)
    device = device_of(bed, live, ranges, *linear(ranges))
    bed.enter(attached(device, child))
    live.check()


def test_on_a_partition(bed):
    child = bed.nvdimms[0]
    part = bed.enter(child.partition(pages(512), pages(1024)))
    ranges = [(part, pages(8), pages(16))]
    live = Live(bed, ranges)
    device = device_of(bed, live, ranges, *linear(ranges))
    # a partition and its disk have the same slot
    bed.enter(attached(device, part))
    with pytest.raises(OSError) as error:
        attach.attach(device, child)
    assert error.value.errno == errno.EEXIST
    live.check()


def test_log(bed):
    # one line in the log each time, which warns if copy-on-write may mix data
    a, b = bed.nvdimms[:2]
    pieces = "; it is in pieces, and copy-on-write may mix data where they meet"
    cases: list[tuple[list, str]] = [
        ([Linear(pages(8), a, pages(8))], ""),
        ([Linear(pages(8), a, pages(8)), Linear(pages(8), a, pages(16))], ""),
        ([Linear(pages(8), a, pages(8)), Linear(pages(8), a, pages(32))], pieces),
        ([Linear(pages(8), a), Linear(pages(8), b, pages(8))], pieces),
        ([Striped(pages(16), pages(2), [(a, 0), (b, 0)])], pieces)]
    for targets, ending in cases:
        with Device(*targets) as device, attached(device, a):
            mark = bed.kmsg.mark()
            with pytest.raises(FileExistsError):
                attach.attach(device, a)
            assert not bed.kmsg.find("is attached", mark)
            attach.detach(device, a)
            attach.attach(device, a)
            (line,) = [line for line in bed.kmsg.lines(mark) if "is attached" in line]
            assert line.endswith(f"dax_holder: {device.disk} is attached to {a.name}{ending}")


def test_many_pages_at_once(bed, ranges):
    device = bed.device(*linear(ranges))
    bed.enter(bed.probe.holding(device))
    bed.enter(attached(device, *bed.nvdimms[:3]))
    first = bed.nvdimms[0]
    calls = bed.probe.inject(first, 0, 64 * PAGE).calls
    assert [(call.off, call.len) for call in calls] == [(0, 8 * PAGE), (32 * PAGE, 4 * PAGE)]


def test_registered_and_attached(bed, ranges):
    # registered and attached: notified once, counted for both
    live = Live(bed, ranges)
    device = device_of(bed, live, ranges, DaxLinear.ranges(ranges))
    first = bed.nvdimms[0]
    live.check()
    before = device.status()[0].received
    with attached(device, *bed.nvdimms[:3]):
        live.check()
        count = int(attach.attribute(device, first, "received"))
        assert count > 0
        assert device.status()[0].received == 2 * before
    live.check()
    # registered with one child, attached to the others
    with attached(device, first):
        live.check()


def test_converted_and_back(bed, ranges):
    """LVM and the conversion of its tables replace the table of a device that stays attached."""
    other = [(bed.nvdimms[1], 0, pages(8))] + ranges[1:]
    live = Live(bed, ranges, other)
    device = device_of(bed, live, ranges, *linear(ranges))
    bed.enter(attached(device, *bed.nvdimms[:3]))
    for now, then in ((ranges, other), (other, ranges)):
        device.load(DaxLinear.ranges(now))
        live.check()
        device.resume()
        live.check()
        device.load(*linear(then))
        live.check()
        device.suspend()
        live.check()
        device.resume()
        live.map(device, then)
        live.check()
    device.load(DaxLinear.ranges(ranges, "allow_move"))
    device.clear()
    live.check()
    device.wipe()
    live.unmap(device)
    live.check()


def test_two_attached_and_one_registered(bed, ranges):
    live = Live(bed, ranges)
    devices = [device_of(bed, live, ranges, *targets)
               for targets in (linear(ranges), [DaxLinear.ranges(ranges)], linear(ranges))]
    for device in (devices[0], devices[2]):
        bed.enter(attached(device, *bed.nvdimms[:3]))
    live.check()


def test_on_two_floors(bed, ranges):
    # dm-linear on daxlinear on dm-linear: each floor forwards it
    below = bed.device(*linear(ranges))
    size = sum(sectors for _, _, sectors in ranges)
    middle = bed.device(DaxLinear(size, below))
    live = Live(bed, ranges)
    top = bed.device(Linear(size, middle))
    bed.enter(bed.probe.holding(top))
    live.map(top, ranges)
    bed.enter(attached(below, *bed.nvdimms[:3]))
    bed.enter(attached(top, middle))
    live.check()


def test_straight_to_the_bottom(bed, ranges):
    below = bed.device(*linear(ranges))
    size = sum(sectors for _, _, sectors in ranges)
    top = bed.device(Linear(size, below))
    bed.enter(bed.probe.holding(top))
    bed.enter(attached(top, *bed.nvdimms[:3]))
    live = Live(bed, ranges)
    live.map(top, ranges)
    live.check()


def test_not_under_the_parent(bed):
    first, second = bed.nvdimms[:2]
    device = bed.device(Linear(pages(8), first))
    bed.enter(bed.probe.holding(device))
    bed.enter(attached(device, first, second))
    assert [call.off for call in bed.probe.inject(first, PAGE).calls] == [PAGE]
    assert not bed.probe.inject(second, PAGE).calls
    # until a table maps the second child
    device.reload(Linear(pages(4), second))
    assert [call.off for call in bed.probe.inject(second, PAGE).calls] == [PAGE]
    assert not bed.probe.inject(first, PAGE).calls


def test_child_with_a_hole(bed):
    # the range behind the hole is found too
    gone, there = bed.nvdimms[:2]
    below = bed.device(Linear(pages(8), there), Linear(pages(8), gone),
                       Linear(pages(8), there, pages(16)))
    top = bed.device(Linear(pages(24), below))
    bed.enter(bed.probe.holding(top))
    bed.enter(attached(top, below))
    with Unplugged(gone):
        assert [(call.off, call.len) for call in bed.probe.inject(below, 0, 24 * PAGE).calls] == [
            (0, 8 * PAGE), (16 * PAGE, 8 * PAGE)]


def test_files(bed):
    child = bed.nvdimms[0]
    device = bed.device(Linear(pages(8), child, pages(8)))
    with attached(device, child):
        assert listed() == [(child.name, device.disk)]
        names = ("received", "forwarded", "handled", "last_sector", "alive")
        assert [attach.attribute(device, child, name) for name in names] == [
            "0", "0", "0", "-", "1"]
        # without a holder: received and not forwarded
        bed.probe.inject(child, 9 * PAGE)
        assert [attach.attribute(device, child, name) for name in names] == [
            "1", "0", "0", str(pages(1)), "1"]
        with bed.probe.holding(device):
            bed.probe.inject(child, 10 * PAGE)
            bed.probe.answer(device, -errno.EOPNOTSUPP)
            bed.probe.inject(child, 8 * PAGE)
        assert [attach.attribute(device, child, name) for name in names] == [
            "3", "2", "1", "0", "1"]
    assert not listed()


def bad_orders(bed, device):
    """Yield errnos and orders that are refused with them, for attach and detach."""
    child = bed.nvdimms[0]
    yield "EINVAL", "\n"
    yield "EINVAL", "garbage"
    yield "EINVAL", device.number
    yield "EINVAL", f"{device.number} {child.number} {child.number}"
    yield "EINVAL", f"{device.number} {child.number}x"
    yield "EINVAL", f"{device.number} {child.path}"
    yield "EINVAL", f"-1:0 {child.number}"
    yield "EINVAL", f"4096:0 {child.number}"
    yield "EINVAL", f"253:1048576 {child.number}"
    yield "EINVAL", f"4294967549:0 {child.number}"
    yield "EINVAL", f"18446744073709551869:0 {child.number}"
    yield "EINVAL", f"{device.number}:1 {child.number}"
    yield "EINVAL", f"{device.number} {child.number}\0{child.number}"
    yield "EINVAL", "1" * 4000


def bad_attachments(bed, device):
    """Yield more of them, which only attach refuses."""
    child = bed.nvdimms[0]
    raw = bed.enter(bed.nvdimms[2].raw())
    no_dax = bed.device(Linear(pages(8), raw))
    number = os.stat(raw).st_rdev
    raw = f"{os.major(number)}:{os.minor(number)}"
    loop = bed.device(DaxLinear(pages(4), device))
    yield "ENXIO", f"{device.number} 253:1048575"
    yield "ENXIO", f"4000:0 {child.number}"
    yield "EINVAL", f"{raw} {child.number}"
    yield "EOPNOTSUPP", f"{device.number} {raw}"
    yield "EOPNOTSUPP", f"{no_dax.number} {child.number}"
    yield "EBUSY", f"{device.number} {bed.nvdimms[1].number}"
    yield "ELOOP", f"{device.number} {device.number}"
    yield "EINVAL", f"{child.number} {child.number}"
    yield "EINVAL", f"{bed.nvdimms[3].number} {child.number}"
    yield "ELOOP", f"{device.number} {loop.number}"


def test_bad_orders(bed):
    child = bed.nvdimms[0]
    device = bed.device(Linear(pages(8), child))
    bed.enter(bed.probe.holding(bed.nvdimms[1]))
    for verb in ("attach", "detach"):
        for name, text in bad_orders(bed, device):
            with pytest.raises(OSError) as error:
                order(verb, text)
            assert error.value.errno == getattr(errno, name), (verb, text)
            assert not listed()
    for name, text in bad_attachments(bed, device):
        with pytest.raises(OSError) as error:
            order("attach", text)
        assert error.value.errno == getattr(errno, name), text
        assert not listed()
    assert bed.probe.is_free(child)


def test_a_parent_is_a_mapped_device(bed):
    # an NVDIMM maps nothing, and its disk is torn down in another order than a mapped device's
    child, parent = bed.nvdimms[:2]
    mark = bed.kmsg.mark()
    with pytest.raises(OSError) as error, attached(parent, child):
        pass
    assert error.value.errno == errno.EINVAL
    assert len(bed.kmsg.find(rf"dax_holder: {parent.name}\b", mark)) == 1
    assert not listed()
    assert bed.probe.is_free(child)


def test_attached_before_its_first_table_is_live(bed):
    # it maps nothing yet; what it maps later is found
    child = bed.nvdimms[0]
    device = bed.device()
    device.load(Linear(pages(8), child))
    with attached(device, child):
        assert not bed.probe.inject(child, PAGE).calls
        device.resume()
        with bed.probe.holding(device):
            assert [call.off for call in bed.probe.inject(child, PAGE).calls] == [PAGE]
        promptly(device.remove)
        assert not bed.probe.inject(child, PAGE).calls
    # without a live table at all
    device = bed.device()
    device.load(Linear(pages(8), child))
    with attached(device, child):
        promptly(device.remove)
        assert not bed.probe.inject(child, PAGE).calls
        assert not bed.probe.inject(child, 0, WHOLE).calls
    assert bed.probe.is_free(child)


def test_twice_and_never(bed):
    child, other = bed.nvdimms[:2]
    device = bed.device(Linear(pages(8), child))
    with attached(device, child):
        with pytest.raises(OSError) as error:
            attach.attach(device, child)
        assert error.value.errno == errno.EEXIST
        with pytest.raises(OSError) as error:
            attach.detach(device, other)
        assert error.value.errno == errno.ENOENT
        assert listed() == [(child.name, device.disk)]
    with pytest.raises(OSError) as error:
        attach.detach(device, child)
    assert error.value.errno == errno.ENOENT


def test_loops(bed):
    child = bed.nvdimms[0]
    low = bed.device(Linear(pages(8), child))
    high = bed.device(Linear(pages(8), low))
    with attached(high, low):
        # neither another attachment nor a table may close the circle
        with pytest.raises(OSError) as error:
            attach.attach(low, high)
        assert error.value.errno == errno.ELOOP
        low.wipe()
        with pytest.raises(Exception, match="loops|Too many"):
            low.load(DaxLinear(pages(8), high))


def test_root_alone(bed):
    child = bed.nvdimms[0]
    device = bed.device(Linear(pages(8), child))
    for verb in ("attach", "detach"):
        done = run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "sh", "-c",
                   f"echo {device.number} {child.number} >{attach.FOLDER}/{verb} || echo refused")
        assert done.strip().endswith("Permission denied\nrefused")
    assert not listed()


def test_attaching_takes_the_capability(bed):
    """Like changing a table, it takes CAP_SYS_ADMIN: root in a container may open the files."""
    first, second = bed.nvdimms[:2]
    device = bed.device(Linear(pages(8), first))

    def refused(verb, child):
        done = run("setpriv", "--bounding-set=-sys_admin", "--inh-caps=-all", "tee",
                   f"{attach.FOLDER}/{verb}", stdin=f"{device.number} {child.number}", check=False)
        assert done.endswith("Operation not permitted\n"), done

    with attached(device, first):
        refused("detach", first)
        refused("attach", second)
        assert listed() == [(first.name, device.disk)]
        assert bed.probe.is_free(second)
        with bed.probe.holding(device):
            assert len(bed.probe.inject(first, 0).calls) == 1
    assert not listed()


def everyones_files(folder):
    """Return the files below a folder that any user may read."""
    return [path for parent, _, names in os.walk(folder)
            for path in (os.path.join(parent, name) for name in names)
            if os.stat(path).st_mode & stat.S_IROTH]


def test_no_user_can_start_a_search(bed):
    # a search takes as long as the mapping is large, so reading a file must not start one
    child = bed.nvdimms[0]
    device = bed.device(Linear(pages(8), child))
    bed.enter(attached(device, child))
    with Kprobe("dm_mod:dm_dax_direct_access") as lookups:
        files = everyones_files(attach.FOLDER + f"/{child.name}/")
        assert f"{attach.folder(device, child)}/received" in files
        for path in files:
            with contextlib.suppress(OSError):
                read_file(path)
        assert not lookups.lines(), files
        # the control: a failure starts one, which the kprobe sees
        bed.probe.inject(child, 0)
        assert lookups.lines()
    assert not os.path.exists(f"{attach.folder(device, child)}/mapped_bytes")


def test_removed_while_attached(bed):
    first, second = bed.nvdimms[:2]
    device = Device(Linear(pages(8), first))
    with device:
        attach.attach(device, first)
        attach.attach(device, second)
        promptly(device.remove)
    # the attachment is dead, and dropped by the next order
    assert attach.attribute(device, first, "alive") == "0"
    assert not bed.probe.inject(first, 0).calls
    with Device(Linear(pages(8), second)) as other:
        with attached(other, second):
            assert listed() == [(second.name, other.disk)]
    assert bed.probe.is_free(first) and bed.probe.is_free(second)


def test_others_with_its_name(bed):
    # the next device gets the number of the last, and is not attached
    child = bed.nvdimms[0]
    with Device(Linear(pages(8), child)) as device:
        attach.attach(device, child)
    with Device(Linear(pages(8), child)) as device, bed.probe.holding(device):
        assert not bed.probe.inject(child, 0).calls
        with attached(device, child):
            assert listed() == [(child.name, device.disk)]
            assert [call.off for call in bed.probe.inject(child, 0).calls] == [0]


def test_child_goes_away(bed):
    child = bed.nvdimms[0]
    other = bed.nvdimms[1]
    device = bed.device(
        Linear(pages(2), other), Linear(pages(8), child, pages(8)), Linear(pages(2), other, 64),
        Linear(pages(8), child, pages(32)), Linear(pages(2), other, 128))
    bed.enter(bed.probe.holding(device))
    bed.enter(attached(device, child, other))
    bed.probe.reset()
    with Unplugged(child):
        # one notification, of the whole range
        assert [(call.dev, call.off, call.len) for call in bed.probe.records()[1]] == [
            (device.number, 2 * PAGE, 18 * PAGE)]
        assert attach.attribute(device, child, "alive") == "0"
        # the other child has the ranges between the holes, and behind them
        assert notified(bed.probe.inject(other, 0, 64 * PAGE)) == [
            (device.number, page * PAGE) for page in (0, 1, 10, 11, 20, 21)]
        assert [call.off for call in bed.probe.inject(other, 16 * PAGE).calls] == [20 * PAGE]
    # the child that has come back is another disk
    with Device(Linear(pages(8), child)) as new, attached(new, child):
        assert listed() == [(child.name, new.disk), (other.name, device.disk)]


def test_child_is_in_use(bed):
    # attachments and claims share the child's slot, which is free after the last of them
    child = bed.nvdimms[0]
    device = bed.device(Linear(pages(8), child))
    with attached(device, child):
        assert not bed.probe.is_free(child)
        with Device(DaxLinear(pages(8), child)):
            pass
        assert not bed.probe.is_free(child)
    assert bed.probe.is_free(child)


def test_guard_sees_attached(bed):
    # a dm-linear on a daxlinear: what it maps must not move, whether it is attached or not
    child = bed.nvdimms[0]
    low = bed.device(DaxLinear(pages(8), child))
    high = bed.device(Linear(pages(8), low))
    bed.enter(attached(high, low))
    for hold in (False, True):
        if hold:
            bed.enter(bed.probe.holding(high))
        with pytest.raises(Exception, match="busy"):
            low.load(DaxLinear(pages(8), child, pages(8)))
        low.load(DaxLinear.ranges([(child, pages(8), pages(8))], "allow_move"))
        low.clear()


def test_unload(bed):
    # unloading detaches all devices, which go on as stock
    child = bed.nvdimms[0]
    device = bed.device(Linear(pages(8), child))
    bed.enter(bed.probe.holding(device))
    attach.attach(device, child)
    TARGET.remove()
    HOLDER.remove()
    try:
        assert not os.path.exists(attach.FOLDER)
        assert bed.probe.is_free(child)
        assert not bed.probe.inject(child, 0).calls
    finally:
        HOLDER.insert()
        TARGET.insert()
    assert not listed()
