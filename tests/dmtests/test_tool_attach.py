# SPDX-License-Identifier: GPL-2.0
"""daxlinear attach, detach, and daxlinear status of attached devices."""

import contextlib
import errno
import re

import pytest

from lib.devices.unplug import Unplugged
from lib.dm.device import NamedDevice
from lib.dm.target import DaxLinear, Linear, Striped
from lib.holders.attach import listed, order
from lib.module import HOLDER, TARGET
from lib.tool.tool import FAILED, FOUND, USAGE, ask, call, daxlinear, refused
from lib.units import MIB, MIB_SECTORS, PAGE, SECTOR


def pairs(device, *children):
    """Return the expected list of attachments of a device to these children."""
    return sorted((child.name, device.disk) for child in children)


@contextlib.contextmanager
def _dropping_dead():
    yield
    daxlinear("attach", "--all")


@pytest.fixture(autouse=True)
def _drop_dead(bed):
    """Drop attachments in the end whose devices were removed while they were attached."""
    bed.enter(_dropping_dead())


@pytest.fixture(name="volume")
def _volume(bed):
    """A volume as LVM makes it, on a child and a partition of another."""
    a, b = bed.nvdimms[:2]
    part = bed.enter(b.partition(16 * MIB_SECTORS, 8 * MIB_SECTORS))
    return bed.named_device(Linear(MIB_SECTORS, a, 0), Linear(MIB_SECTORS, part, MIB_SECTORS),
                            Striped(2 * MIB_SECTORS, 16, [(a, 4 * MIB_SECTORS),
                                                          (part, 4 * MIB_SECTORS)]))


def test_attach(bed, volume):
    a, b = bed.nvdimms[:2]
    for name in (volume.name, volume.path, f"/dev/{volume.disk}"):
        assert daxlinear("attach", name) == ""
        assert listed() == pairs(volume, a, b)
    with bed.probe.holding(volume):
        assert [call.off for call in bed.probe.inject(b, 17 * MIB).calls] == [MIB]
    for name in (volume.name, volume.path):
        assert daxlinear("detach", name) == ""
        assert not listed()


def test_attach_after_a_change(bed, volume):
    a, b, c = bed.nvdimms[:3]
    daxlinear("attach", volume.name)
    # attachments that stay keep their counters
    bed.probe.inject(a, 0)
    volume.reload(Linear(MIB_SECTORS, a, 0), Linear(MIB_SECTORS, c, 0))
    assert listed() == pairs(volume, a, b)
    daxlinear("attach", volume.name)
    assert listed() == pairs(volume, a, c)
    assert bed.probe.is_free(b)
    found = ask("status", volume.name)["devices"][0]["attached"]
    assert [(one["child"], one["received"]) for one in found] == [(a.name, 1), (c.name, 0)]


@pytest.fixture(name="floors")
def _floors(bed):
    """Three of them: stock, ours, and stock again on two children."""
    a, b = bed.nvdimms[:2]
    low = bed.named_device(Linear(MIB_SECTORS, a, 0), Linear(MIB_SECTORS, b, 0))
    middle = bed.named_device(DaxLinear(2 * MIB_SECTORS, low))
    return bed.named_device(Linear(2 * MIB_SECTORS, middle)), middle, low


def edges(*attached):
    """Return what is listed of (parent, children)."""
    return sorted((child.disk if isinstance(child, NamedDevice) else child.name, parent.disk)
                  for parent, *children in attached for child in children)


def received(device, child):
    """Return how many failures of a child a device received because it is attached."""
    (found,) = ask("status", device.name)["devices"]
    name = child.disk if isinstance(child, NamedDevice) else child.name
    return {one["child"]: one["received"] for one in found["attached"]}[name]


@pytest.mark.parametrize("way", ["one", "all"])
def test_attach_floor_by_floor(bed, floors, way):
    a, b = bed.nvdimms[:2]
    top, middle, low = floors
    words = {"one": top.name, "all": "--all"}
    for _ in range(2):
        daxlinear("attach", words[way])
        assert listed() == edges((top, middle), (low, a, b))
    with bed.probe.holding(top):
        assert [(call.dev, call.off) for call in bed.probe.inject(b, PAGE).calls] == [
            (top.number, MIB + PAGE)]
    # each floor counts it once
    assert [received(low, a), received(low, b), received(top, middle)] == [0, 1, 1]
    assert middle.status()[0].received == 1


def test_detach_of_a_floor(bed, floors):
    """The devices below stay attached: they may be used by others, too."""
    a, b = bed.nvdimms[:2]
    top, middle, low = floors
    other = bed.named_device(DaxLinear(MIB_SECTORS, low))
    daxlinear("attach", top.name)
    daxlinear("detach", top.name)
    assert listed() == edges((low, a, b))
    with bed.probe.holding(top), bed.probe.holding(other):
        assert [call.dev for call in bed.probe.inject(a, 0).calls] == [other.number]
    daxlinear("detach", middle.name)
    daxlinear("detach", low.name)
    assert not listed() and bed.probe.is_free(a) and bed.probe.is_free(b)


def test_attached_to_the_bottom_before(bed, floors):
    """As earlier versions attached: attachments to other than direct children are dropped."""
    a, b = bed.nvdimms[:2]
    top, middle, low = floors
    for child in (a, b):
        order("attach", f"{top.number} {child.number}")
    with bed.probe.holding(top):
        assert [call.off for call in bed.probe.inject(b, PAGE).calls] == [MIB + PAGE]
        daxlinear("attach", top.name)
        assert listed() == edges((top, middle), (low, a, b))
        assert [call.off for call in bed.probe.inject(b, PAGE).calls] == [MIB + PAGE]


@pytest.mark.parametrize("way", ["one", "all"])
def test_not_attached_where_it_forwards(bed, way):
    child = bed.nvdimms[0]
    low = bed.named_device(DaxLinear(MIB_SECTORS, child))
    high = bed.named_device(DaxLinear(MIB_SECTORS, low))
    done = call("attach", {"one": high.name, "all": "--all"}[way])
    assert done.code == 0 and not listed()
    assert (f"{high.name} forwards failures by itself" in done.err) == (way == "one")
    with bed.probe.holding(high):
        assert len(bed.probe.inject(child, 0).calls) == 1
    # an attachment that was made by hand stays
    order("attach", f"{high.number} {low.number}")
    daxlinear("attach", "--all")
    assert listed() == edges((high, low))
    daxlinear("detach", high.name)
    assert not listed()


def test_lines_of_both_kinds(bed):
    """The whole mapping is searched: one notification, which line and attachment both count."""
    a, b = bed.nvdimms[:2]
    device = bed.named_device(DaxLinear(MIB_SECTORS, a), Linear(MIB_SECTORS, b))
    daxlinear("attach", device.name)
    assert listed() == edges((device, a, b))
    with bed.probe.holding(device):
        for child, offset in ((a, PAGE), (b, MIB + PAGE)):
            assert [call.off for call in bed.probe.inject(child, PAGE).calls] == [offset]
    assert received(device, b) == 1


def test_check(bed, floors):
    """A stock target is no finding where its device is attached to all children."""
    a, b = bed.nvdimms[:2]
    top, _, low = floors

    def found():
        return [(one["good"], one["text"]) for one in ask("check", top.name, code=FOUND)["checks"]
                if one["check"] == "targets"]

    bad = f'{low.name} has a target "linear" and is not attached to all'
    assert sum(text.startswith(bad) for _, text in found()) == 1
    daxlinear("attach", top.name)
    assert [good for good, _ in found()] == [True] * 3
    assert (True, f"{top.name} is attached to all that it stands on") in found()
    order("detach", f"{low.number} {a.number}")
    assert [text.startswith(bad) for good, text in found() if not good] == [True]
    assert b.name in [child for child, _ in listed()]


def test_attach_all(bed, volume):
    a, b, c = bed.nvdimms[:3]
    other = bed.named_device(Linear(MIB_SECTORS, c, 0))
    bed.named_device("0 8 zero")
    for _ in range(2):
        daxlinear("attach", "--all")
        assert listed() == sorted(pairs(volume, a, b) + pairs(other, c))
    # the attachment to the child that has gone is dropped
    other.remove()
    daxlinear("attach", "--all")
    assert listed() == pairs(volume, a, b)


def test_one_child_is_taken(bed, volume):
    # the volume is attached to the other one all the same
    a, b = bed.nvdimms[:2]
    with bed.probe.holding(a):
        assert f"{volume.name}: {a.name} has another holder" in refused(
            "attach", volume.name)
        assert listed() == pairs(volume, b)
        assert a.name in refused("attach", "--all")
    daxlinear("attach", volume.name)
    assert listed() == pairs(volume, a, b)


def test_status(bed):
    child = bed.nvdimms[0]
    device = bed.named_device(Linear(MIB_SECTORS, child, MIB_SECTORS))
    assert daxlinear("status") == ""
    daxlinear("attach", device.name)
    with bed.probe.holding(device):
        bed.probe.inject(child, MIB + 4 * PAGE)
    bed.probe.inject(child, MIB + PAGE)
    assert ask("status") == ask("status", device.name)
    (found,) = ask("status")["devices"]
    (attached,) = found["attached"]
    assert attached.items() >= {
        "child": child.name, "alive": True, "received": 2, "forwarded": 1, "handled": 1,
        "generic": 1, "last_failure_bytes": PAGE}.items()
    *above, heads, counts = daxlinear("status").splitlines()
    assert above == [
        f"{device.name}: /dev/mapper/{device.name}, {device.number}, 1 MiB",
        "  start  length  child       offset  state",
        f"    0 B   1 MiB  {child.path}   1 MiB  alive"]
    # the columns between are those of a target, which test_tool_status.py has all of
    assert re.fullmatch(r"  attached to  state  received  forwarded  handled  generic\b.*"
                        r"  last failure", heads)
    assert re.fullmatch(rf"  {child.path}   alive         2          1        1        1\b.*"
                        rf" +{PAGE:#x}", counts)


def test_status_of_an_error(bed):
    """An error is neither handled nor left to the kernel."""
    child = bed.nvdimms[0]
    device = bed.named_device(Linear(MIB_SECTORS, child))
    daxlinear("attach", device.name)
    with bed.probe.holding(device, -errno.EIO):
        bed.probe.inject(child, 0)
    (found,) = ask("status", device.name)["devices"]
    (one,) = found["attached"]
    assert [one[name] for name in ("received", "forwarded", "handled", "generic")] == [1, 1, 0, 0]


def test_status_of_one_of_ours(bed):
    child = bed.nvdimms[0]
    low = bed.named_device(Linear(MIB_SECTORS, child))
    device = bed.named_device(DaxLinear(MIB_SECTORS, low), Linear(MIB_SECTORS, child, MIB_SECTORS))
    assert "attached" not in ask("status", device.name)["devices"][0]
    daxlinear("attach", device.name)
    assert "attached" in ask("status", device.name)["devices"][0]
    # by their usual names
    said = [line.split()[0] for line in daxlinear("status", device.name).splitlines()]
    assert said.count(low.path) == said.count(child.path) == 1


def test_status_of_what_has_gone(bed):
    a, b = bed.nvdimms[:2]
    device = bed.named_device(Linear(MIB_SECTORS, a), Linear(MIB_SECTORS, b))
    daxlinear("attach", device.name)
    with Unplugged(b):
        found = ask("status")["devices"][0]["attached"]
        assert [(one["child"], one["alive"]) for one in found] == [
            (a.name, True), (b.name, False)]
        assert "gone" in daxlinear("status").splitlines()[-1]
        # it is attached to the child that is left all the same
        daxlinear("attach", device.name)
        assert listed() == pairs(device, a)
        device.remove()
    # another device that gets the same number is not attached
    other = bed.named_device(Linear(MIB_SECTORS, a))
    assert other.disk == device.disk and listed() == pairs(device, a)
    assert "attached" not in ask("status", other.name)["devices"][0]
    daxlinear("detach", other.name)
    assert not listed()


def test_damage(clean):
    # the place in the device is that of the stripe
    a, b = clean.nvdimms[:2]
    device = clean.named_device(Linear(MIB_SECTORS, a, MIB_SECTORS),
                              Striped(2 * MIB_SECTORS, 16, [(a, 4 * MIB_SECTORS), (b, 0)]))
    daxlinear("attach", device.name)
    assert ask("damage", device.name)["bad"] == []
    clean.probe.inject(a, MIB + PAGE)
    clean.probe.inject(b, 2 * PAGE)
    found = ask("damage", device.name, code=FOUND)["bad"]
    assert [(bad["offset_bytes"], bad["length_bytes"], bad["child"], bad["child_offset_bytes"],
             bad["known_by"]) for bad in found] == [
                 (PAGE, PAGE, a.name, MIB + PAGE, "failure"),
                 (MIB + 6 * PAGE, PAGE, b.name, 2 * PAGE, "failure")]
    # it is known when the device is attached no more, or made anew
    daxlinear("detach", device.name)
    assert ask("damage", device.name, code=FOUND)["bad"] == found


@pytest.mark.parametrize("words, code, text", [
    (["attach"], USAGE, "give a DEV or --all"),
    (["attach", "--all", "x"], USAGE, "give a DEV or --all"),
    (["attach", "x", "y"], USAGE, 'there are "x" and "y"'),
    (["attach", "missing"], FAILED, 'no mapped device "missing"'),
    (["attach", "/dev/null"], FAILED, "/dev/null is no mapped device"),
    (["attach", "/dev/none"], FAILED, "/dev/none: No such file"),
    (["attach", "{pmem}"], FAILED, "is no mapped device"),
    (["attach", "{zero}"], FAILED, "has no DAX"),
    (["detach"], USAGE, "give a DEV"),
    (["detach", "missing"], FAILED, 'no mapped device "missing"'),
])
def test_bad_input(bed, words, code, text):
    places = {"pmem": bed.nvdimms[0].path, "zero": bed.named_device("0 8 zero").name}
    assert text in refused(*[word.format(**places) for word in words], code=code)
    assert not listed()


def test_without_the_module(bed):
    device = bed.named_device(Linear(8 * PAGE // SECTOR, bed.nvdimms[0]))
    TARGET.remove()
    HOLDER.remove()
    try:
        for verb in ("attach", "detach"):
            assert "modprobe dax_holder" in refused(verb, device.name)
    finally:
        HOLDER.insert()
        TARGET.insert()
