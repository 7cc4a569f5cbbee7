# SPDX-License-Identifier: GPL-2.0
"""daxlinear damage: all failures of this boot, and what the monitor has kept of others."""

import json
import os
import re
import time
from contextlib import contextmanager

import pytest

from lib.command import read_file, run
from lib.devices.unplug import Unplugged
from lib.dm.target import DaxLinear, Linear, Target
from lib.fs.xfs import Xfs
from lib.holders.record import Record
from lib.tool.mounted import MountedTool
from lib.tool.tool import FOUND, ToolDevice, ask, call, daxlinear
from lib.units import MIB, MIB_SECTORS, PAGE, SECTOR

HISTORY = "/var/lib/daxlinear/failures.json"
NAMESPACE = "11111111-2222-3333-4444-555555555555"

RFC_3339 = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


def bad_of(device):
    """Return the bad ranges of a device, by their offsets."""
    return {bad["offset_bytes"]: bad for bad in ask("damage", device.name, code=FOUND)["bad"]}


@pytest.mark.usefixtures("renewed")
def test_forty_pages(clean):
    # of three files, of free space and at last of metadata, with nothing that watches
    setup = MountedTool(clean)
    fs = setup.fs
    fs.write("small", os.urandom(MIB))
    fs.reserve("wide", 300 * MIB)
    fs.clone("small", "clone")
    fs.reserve("free", 8 * MIB)
    free = fs.place("free", 4 * MIB)
    os.unlink(fs.path("free"))
    os.sync()
    expected = {}
    for page in range(0, 30, 2):
        expected[fs.place("small", page * PAGE)] = ["clone", "small"]
    second = next(place for _, place, length in fs.extents("wide")
                  if place >= setup.first and length > MIB)
    for page in range(0, 40, 2):
        expected[second + page * PAGE] = ["wide"]
    for page in range(0, 8, 2):
        expected[free + page * PAGE] = []
    before = time.time()
    for place in expected:
        setup.fail(place)
    # metadata ends the filesystem
    found = bad_of(setup.device)
    assert len(found) == len(expected) == 39 and found.keys() == expected.keys()
    for place, bad in found.items():
        names = sorted(os.path.basename(owner["path"]) for owner in bad["owners"]
                       if "path" in owner)
        assert names == expected[place]
        assert (bad["length_bytes"], bad["sources"], bad["count"]) == (PAGE, ["record"], 1)
        # no process maps these files, and of free space XFS has no owner
        assert bad["result"] in ("handled", "generic")
        assert re.fullmatch(RFC_3339, bad["since"]) and bad["since"] == bad["last"]
        stamp = time.mktime(time.strptime(bad["since"][:19], "%Y-%m-%dT%H:%M:%S"))
        assert abs(stamp - time.timezone - before) < 600
        assert bad["child"] == setup.children[place >= setup.first].name
        assert bad["namespace"]
    setup.fail(setup.first)
    found = bad_of(setup.device)
    assert len(found) == 40 and found[setup.first]["shutdown"]
    assert [place for place, bad in found.items() if bad["shutdown"]] == [setup.first]
    fs.unmount()
    # it outlives the device
    daxlinear("remove", setup.device.name)
    with ToolDevice(*setup.children, "--force") as again:
        assert len(bad_of(again)) == 40


def test_how_often(clean):
    # and what became of it: without a filesystem, the kernel's generic handling
    a = clean.nvdimms[1]
    device = clean.named_device(DaxLinear(MIB_SECTORS, a))
    for page in (3, 3, 7):
        clean.probe.inject(a, page * PAGE)
        time.sleep(0.01)
    found = bad_of(device)
    earlier = {place: sum(event.sector == place // SECTOR for event in Record(a).events())
               for place in found}
    assert found.keys() == {3 * PAGE, 7 * PAGE}
    assert {place: bad["count"] for place, bad in found.items()} == earlier
    assert found[3 * PAGE]["count"] >= 2 and found[3 * PAGE]["since"] < found[3 * PAGE]["last"]
    assert {bad["result"] for bad in found.values()} == {"generic"}
    text = daxlinear("damage", device.name, code=FOUND)
    assert "generic" in text and found[7 * PAGE]["last"] in text
    # a range that was cleared is not bad any more
    Record(a).clear(f"{3 * PAGE // SECTOR} {PAGE // SECTOR}")
    assert bad_of(device).keys() == {7 * PAGE}


def test_mapped_elsewhere(clean):
    # each device has its own part of the record
    a = clean.nvdimms[1]
    low = clean.named_device(DaxLinear(MIB_SECTORS, a, MIB_SECTORS))
    high = clean.named_device(DaxLinear(MIB_SECTORS, a, 8 * MIB_SECTORS),
                              Linear(MIB_SECTORS, low))
    clean.probe.inject(a, MIB + PAGE)
    clean.probe.inject(a, 8 * MIB)
    assert bad_of(low).keys() == {PAGE}
    assert bad_of(high).keys() == {0, MIB + PAGE}


def test_more_than_there_is_room_for(clean):
    a = clean.nvdimms[1]
    device = clean.named_device(DaxLinear(128 * MIB_SECTORS, a))
    room = PAGE // 8
    before = Record(a).number("overflow")
    for page in range(room + 3):
        clean.probe.inject(a, 2 * page * PAGE)
    # the events have what the record has not
    found = ask("damage", device.name, code=FOUND)
    assert len(found["bad"]) == room + 3
    (child,) = found["children"]
    assert child["overflow"] == before + 3
    done = call("damage", device.name)
    assert f"{a.name}: {before + 3} failures did not fit in the kernel's record" in done.err
    Record(a).clear()
    done = call("damage", device.name)
    assert (done.code, done.out) == (0, "no bad range is on record\n")


def test_lost_events(clean):
    a = clean.nvdimms[1]
    device = clean.named_device(DaxLinear(MIB_SECTORS, a))
    clean.probe.inject(a, 0)
    while Record(a).number("failures") <= 1030:
        clean.probe.inject(a, PAGE)
    (child,) = ask("damage", device.name, code=FOUND)["children"]
    lost = child["failures"] - 1024
    assert child["events_lost"] == lost > 0
    assert f"times and results of the first {lost} are not kept" in call("damage", device.name).err


def test_badblocks_are_cut(clean):
    # sysfs gives a page of them, whose last line may lack digits; later kernels warn
    clean.kmsg.expect_known()
    a = clean.nvdimms[1]
    device = clean.named_device(DaxLinear(128 * MIB_SECTORS, a))
    for number in range(PAGE // 8):
        a.add_badblocks(100000 + 50 * number, 1)
    text = read_file(f"/sys/block/{a.name}/badblocks")
    assert len(text) >= PAGE - 2
    listed = [int(line.split()[0]) * SECTOR for line in text.splitlines()[:-1]]
    found = ask("damage", device.name, code=FOUND)
    assert [bad["offset_bytes"] for bad in found["bad"]] == listed
    assert [child["media_cut"] for child in found["children"]] == [True]
    assert (f"/sys/block/{a.name}/badblocks is longer than a page"
            in call("damage", device.name).err)


def test_gone_is_one_line(clean):
    # whatever it has, on however many lines of the table
    a, b = clean.nvdimms[1:3]
    device = clean.named_device(DaxLinear(MIB_SECTORS, a, MIB_SECTORS), DaxLinear(MIB_SECTORS, b),
                                DaxLinear(MIB_SECTORS, a))
    clean.probe.inject(a, 0)
    with Unplugged(a):
        found = ask("damage", device.name, code=FOUND)["bad"]
        assert [(bad["offset_bytes"], bad["child"], bad["known_by"]) for bad in found] == [
            (0, a.name, "gone"), (2 * MIB, a.name, "gone")]
        (line,) = daxlinear("damage", device.name, code=FOUND).splitlines()
        assert line.startswith(f"all of {a.name}") and ": gone since 20" in line
        device.remove()
    # what failed is known when the child is back
    device = clean.named_device(DaxLinear(MIB_SECTORS, a))
    assert bad_of(device).keys() == {0}


@contextmanager
def history(*ranges, children=()):
    """Write what the monitor would have kept."""
    os.makedirs(os.path.dirname(HISTORY), exist_ok=True)
    with open(HISTORY, "w", encoding="utf-8") as file:
        json.dump({"version": 1, "children": list(children), "ranges": list(ranges)}, file)
    try:
        yield
    finally:
        os.unlink(HISTORY)


def kept(child, page, **other):
    """Return a range of the history."""
    return {"child": child.name, "namespace": None, "sector": page * PAGE // SECTOR,
            "sectors": PAGE // SECTOR, "first": "2026-01-01T00:00:00.000Z",
            "last": "2026-01-02T00:00:00.000Z", "count": 2, "source": "record",
            "result": "handled", "boot": NAMESPACE, "state": "bad",
            "owners": ["/mem/lost (data)"]} | other


def namespace_of(device):
    """Return the namespace of the only child of a device."""
    return ask("damage", device.name)["children"][0]["namespace"]


def test_earlier_boots(clean):
    a = clean.nvdimms[1]
    device = clean.enter(ToolDevice(a))
    namespace = namespace_of(device)
    with history(kept(a, 5, namespace=namespace), kept(a, 9, namespace=NAMESPACE),
                 kept(a, 7, namespace=namespace)):
        clean.probe.inject(a, 7 * PAGE)
        found = bad_of(device)
        # one of another namespace, which had the name, is none of this
        assert found.keys() == {5 * PAGE, 7 * PAGE}
        only, both = found[5 * PAGE], found[7 * PAGE]
        assert (only["sources"], only["known_by"], only["count"]) == (["history"], "history", 2)
        assert (only["since"], only["last"]) == (
            "2026-01-01T00:00:00.000Z", "2026-01-02T00:00:00.000Z")
        assert (only["result"], only["owners_before"]) == ("handled", ["/mem/lost (data)"])
        assert both["sources"] == ["record", "history"] and both["count"] >= 3
        assert both["since"] == only["since"] and both["last"] > only["last"]
        assert both["result"] == "generic"
        assert "when it failed: /mem/lost (data)" in daxlinear("damage", device.name, code=FOUND)
    assert bad_of(device).keys() == {7 * PAGE}


def test_this_boot(clean):
    # the monitor has kept what the record has as well: it is counted once, and not if cleared
    a = clean.nvdimms[1]
    device = clean.enter(ToolDevice(a))
    namespace = namespace_of(device)
    clean.probe.inject(a, 5 * PAGE)
    (event,) = bad_of(device).values()
    entry = kept(a, 5, namespace=namespace, first=event["since"], last=event["last"],
                 count=event["count"], boot=read_file("/proc/sys/kernel/random/boot_id").strip())
    with history(entry):
        found = bad_of(device)[5 * PAGE]
        assert found["count"] == event["count"]
        assert found["sources"] == ["record", "history"]
        Record(a).clear()
        assert ask("damage", device.name)["bad"] == []
    # of a record that began anew nothing of it is known
    with history(entry | {"last": "2099-01-01T00:00:00.000Z"}):
        assert bad_of(device)[5 * PAGE]["sources"] == ["history"]


def test_quarantined(clean):
    # what a repair has set aside is listed, and no damage unless there is more beside it
    a = clean.nvdimms[1]
    device = clean.enter(ToolDevice(a))
    with history(kept(a, 5, namespace=namespace_of(device), state="quarantined")):
        a.add_badblocks(5 * PAGE // SECTOR, 1)
        (bad,) = ask("damage", device.name)["bad"]
        assert (bad["quarantined"], bad["known_by"]) == (True, "quarantined")
        assert "quarantined" in daxlinear("damage", device.name)
        a.add_badblocks(6 * PAGE // SECTOR, 1)
        assert [bad["quarantined"] for bad in bad_of(device).values()] == [False]


def test_gone_and_remembered(clean):
    a, b = clean.nvdimms[1:3]
    device = clean.named_device(DaxLinear(MIB_SECTORS, a), DaxLinear(MIB_SECTORS, b))
    number = b.number
    with Unplugged(b):
        with history(children=[{"child": b.name, "namespace": NAMESPACE, "name": "data",
                                "dev": number, "seq": 0,
                                "boot": read_file("/proc/sys/kernel/random/boot_id").strip()}]):
            (line,) = daxlinear("damage", device.name, code=FOUND).splitlines()
            assert line.startswith(f"all of {b.name} (namespace {NAMESPACE}): gone")
        device.remove()


def test_damaged_history(clean):
    a = clean.nvdimms[1]
    device = clean.named_device(DaxLinear(MIB_SECTORS, a))
    clean.probe.inject(a, 0)
    with history():
        with open(HISTORY, "w", encoding="utf-8") as file:
            file.write("{")
        done = call("damage", device.name)
        assert done.code == FOUND and "0x0" in done.out and "failures.json is damaged" in done.err


@pytest.mark.usefixtures("renewed")
def test_not_recorded(clean):
    # nothing holds what only dm-linear maps
    a = clean.nvdimms[1]
    device = clean.named_device(Linear(MIB_SECTORS, a))
    (child,) = ask("damage", device.name)["children"]
    assert (child["child"], child["recorded"]) == (a.name, False)
    done = call("damage", device.name)
    assert done.code == 0 and f"{a.name}: its failures are not recorded" in done.err
    daxlinear("attach", device.name)
    assert call("damage", device.name).err == ""
    daxlinear("detach", device.name)


def test_unknown_targets(clean):
    a = clean.nvdimms[1]
    device = clean.named_device(DaxLinear(MIB_SECTORS, a), Target("zero", MIB_SECTORS))
    done = call("damage", device.name)
    assert done.code == 0
    assert 'how a target "zero" maps is not known' in done.err


def test_reads_whole_record_of_a_mounted_lv(clean):
    # as LVM's tables are: attached, not of our target
    a = clean.nvdimms[1]
    device = clean.named_device(Linear(200 * MIB_SECTORS, a, 2048))
    daxlinear("attach", device.name)
    with Xfs(device, clean.folder(), reflink=False) as fs:
        fs.write("file", b"x" * MIB)
        place = fs.place("file", 3 * PAGE)
        clean.probe.inject(a, MIB + place)
        clean.probe.inject(a, MIB + place)
        bad = bad_of(device)[place]
        assert [owner["path"] for owner in bad["owners"]] == [fs.path("file")]
        assert (bad["result"], bad["child_offset_bytes"]) == ("handled", MIB + place)
    daxlinear("detach", device.name)
    assert "not mounted" in bad_of(device)[place]["owners_unknown"]
    run("dmsetup", "info", device.name)
