# SPDX-License-Identifier: GPL-2.0
"""daxlinear status and resolve: the parts of a device, and where a place of it is."""

import json

import pytest

from lib.devices.unplug import Unplugged
from lib.dm.status import Status
from lib.dm.target import DaxLinear, Linear
from lib.fs.xfs import Xfs
from lib.tool.tool import FAILED, USAGE, ask, call, daxlinear, refused
from lib.units import HUGE_MIB, MIB, MIB_SECTORS, PAGE, PAGE_SECTORS, SECTOR, pages


NO_FAILURES = dict.fromkeys(Status.counts(), 0)


def test_status_json(bed):
    a, b = bed.nvdimms[:2]
    assert ask("status") == {"devices": []}
    device = bed.named_device(DaxLinear.ranges([(a, pages(10), MIB_SECTORS),
                                                (b, pages(20), MIB_SECTORS)]),
                              DaxLinear(MIB_SECTORS, a, 8 * MIB_SECTORS))
    bed.named_device(Linear(MIB_SECTORS, b, 0))
    with bed.probe.holding(device):
        bed.probe.inject(b, 22 * PAGE)
    bed.probe.inject(a, 8 * MIB + PAGE)

    def part(start, child, offset):
        return {"start_bytes": start, "length_bytes": MIB, "child": child.name,
                "number": child.number, "offset_bytes": offset, "alive": True}

    expected = {
        "name": device.name, "number": device.number, "size_bytes": 3 * MIB,
        "suspended": False, "open_count": 0, "filesystem": None, "mounted_on": None, "set": None,
        "targets": [
            {"type": "daxlinear", "start_bytes": 0, "length_bytes": 2 * MIB,
             "ranges": [part(0, a, 10 * PAGE), part(MIB, b, 20 * PAGE)],
             "children_alive": 2, "children_gone": 0, **NO_FAILURES, "received": 1,
             "forwarded": 1, "handled": 1, "last_failure_bytes": MIB + 2 * PAGE,
             "loses_pmd_range": 0},
            {"type": "daxlinear", "start_bytes": 2 * MIB, "length_bytes": MIB,
             "ranges": [part(2 * MIB, a, 8 * MIB)],
             "children_alive": 1, "children_gone": 0, **NO_FAILURES, "received": 1,
             "generic": 1, "last_failure_bytes": 2 * MIB + PAGE, "loses_pmd_range": None},
        ]}
    # only daxlinear devices, unless a name is given
    assert ask("status") == {"devices": [expected]}
    assert ask("status", device.name) == {"devices": [expected]}
    assert ask("status", device.path) == {"devices": [expected]}


def cells(**counts):
    """Return the cells of a row of counts, each as wide as its name."""
    return "".join(f"  {counts.get(name, 0):>{len(name)}}" for name in Status.counts())


def test_status(bed):
    a, b = bed.nvdimms[:2]
    done = call("status")
    assert (done.code, done.out) == (0, "") and "no device has a daxlinear target" in done.err
    done = call("status", "--json")
    assert (done.code, done.err, json.loads(done.out)) == (0, "", {"devices": []})
    device = bed.named_device(DaxLinear.ranges([(a, 0, MIB_SECTORS), (b, 0, MIB_SECTORS)]),
                              DaxLinear(MIB_SECTORS, a, MIB_SECTORS))
    with bed.probe.holding(device):
        bed.probe.inject(b, PAGE)
    heads = "".join(f"  {name}" for name in Status.counts())
    assert daxlinear("status") == f"""\
{device.name}: /dev/mapper/{device.name}, {device.number}, 3 MiB
  start  length  child       offset  state
    0 B   1 MiB  {a.path}     0 B  alive
  1 MiB   1 MiB  {b.path}     0 B  alive
  2 MiB   1 MiB  {a.path}   1 MiB  alive
  target{heads}  last failure  of child
     0 B{cells(received=1, forwarded=1, handled=1)}{MIB + PAGE:#14x}  {b.path}
   2 MiB{cells()}             -
range 1 of the target at 0 B loses {HUGE_MIB} MiB mappings
range 0 of the target at 2 MiB loses {HUGE_MIB} MiB mappings
"""


def test_status_of_something_else(bed):
    other = bed.named_device(Linear(MIB_SECTORS, bed.nvdimms[0], 0))
    (device,) = ask("status", other.name)["devices"]
    (target,) = device["targets"]
    assert target["type"] == "linear" and "received" not in target
    said = daxlinear("status", other.name)
    assert other.name in said and "received" not in said


def test_status_of_a_mounted_one(bed):
    nvdimm = bed.nvdimms[3]
    device = bed.named_device(DaxLinear(400 * MIB_SECTORS, nvdimm))
    folder = bed.folder()
    with Xfs(device, folder):
        (found,) = ask("status", device.name)["devices"]
        assert (found["filesystem"], found["mounted_on"]) == ("xfs", folder)
        assert found["open_count"] == 1
        assert f"xfs on {folder}" in daxlinear("status")
    device.suspend()
    assert ask("status", device.name)["devices"][0]["suspended"]
    assert "suspended" in daxlinear("status").splitlines()[0]


def test_status_of_a_child_that_is_gone(bed):
    a, b = bed.nvdimms[:2]
    device = bed.named_device(DaxLinear(MIB_SECTORS, a), DaxLinear(MIB_SECTORS, b))
    with Unplugged(b):
        first, second = ask("status", device.name)["devices"][0]["targets"]
        assert (first["children_gone"], second["children_gone"]) == (0, 1)
        assert [target["ranges"][0]["alive"] for target in (first, second)] == [True, False]
        lines = daxlinear("status", device.name).splitlines()
        assert "alive" in lines[2] and lines[3].split()[-4:] == [b.name, "0", "B", "gone"]
        assert second["ranges"][0]["child"] == b.name
        device.remove()


@pytest.mark.parametrize("words, code, text", [
    (["a", "b"], USAGE, 'there are "a" and "b"'),
    (["missing"], FAILED, 'no mapped device "missing"'),
    (["--bytes"], USAGE, '"--bytes" is no option'),
])
def test_status_bad_input(bed, words, code, text):
    assert bed.nvdimms
    assert text in refused("status", *words, code=code)


def test_nobody_reads(bed):
    # output that cannot be written is an error
    bed.named_device(DaxLinear(MIB_SECTORS, bed.nvdimms[0]))
    done = call("status", prefix=["sh", "-c", 'exec "$@" >/dev/full', "sh"])
    assert done.code == FAILED and "standard output" in done.err


class Nest:
    """Two devices on three children, and one on both of them."""

    def __init__(self, bed):
        self.children = a, b, c = bed.nvdimms[:3]
        self.part = bed.enter(c.partition(16 * MIB_SECTORS, 8 * MIB_SECTORS))
        self.left = bed.named_device(DaxLinear(2 * MIB_SECTORS, a, MIB_SECTORS),
                                     DaxLinear(MIB_SECTORS, b, 0))
        self.right = bed.named_device(DaxLinear.ranges([(b, MIB_SECTORS, MIB_SECTORS),
                                                        (self.part, MIB_SECTORS, MIB_SECTORS)]))
        self.top = bed.named_device(DaxLinear.ranges([(self.left, MIB_SECTORS, 2 * MIB_SECTORS),
                                                      (self.right, 0, 2 * MIB_SECTORS)]))


def places(found):
    """Return (device, MiB) pairs."""
    return [(place["device"], place["offset_bytes"] / MIB) for place in found]


def test_resolve_down(bed):
    nest = Nest(bed)
    a, b, _ = nest.children
    cases: list[tuple[float, list]] = [
        (0, [(nest.left, 1), (a, 2)]), (1, [(nest.left, 2), (b, 0)]),
        (2, [(nest.right, 0), (b, 1)]), (3.5, [(nest.right, 1.5), (nest.part, 1.5)])]
    for offset, below in cases:
        found = ask("resolve", nest.top.name, int(offset * MIB))
        assert places(found["below"]) == [(device.path, at) for device, at in below]
        assert found["above"] == []
    assert found["below"][-1]["memory_bytes"] == nest.children[2].phys + int(17.5 * MIB)
    assert "memory_bytes" not in found["below"][0]


def test_resolve_up(bed):
    nest = Nest(bed)
    _, b, c = nest.children
    found = ask("resolve", b.path, "1M")
    assert places(found["above"]) == [(nest.right.path, 0), (nest.top.path, 2)]
    # through a partition, and to it; the last byte counts as much as the first
    found = ask("resolve", c.name, 18 * MIB - 1)
    last = 2 - 1 / MIB
    assert places(found["above"]) == [(nest.right.path, last), (nest.top.path, 2 + last)]
    assert found["above"] == ask("resolve", nest.part, 2 * MIB - 1)["above"]
    assert ask("resolve", c.name, 18 * MIB) == {"above": [], "below": []}
    # in the middle
    found = ask("resolve", nest.right.path, "1M")
    assert places(found["above"]) == [(nest.top.path, 3)]
    assert places(found["below"]) == [(nest.part.path, 1)]


def test_resolve_what_is_mapped_twice(bed):
    child = bed.nvdimms[0]
    one = bed.named_device(DaxLinear(MIB_SECTORS, child, 0), DaxLinear(MIB_SECTORS, child, 0))
    two = bed.named_device(DaxLinear(MIB_SECTORS, child, PAGE_SECTORS))
    found = places(ask("resolve", child, PAGE)["above"])
    assert sorted(found) == sorted([(one.path, PAGE / MIB), (one.path, 1 + PAGE / MIB),
                                    (two.path, 0)])


def test_resolve_for_people(bed):
    child = bed.nvdimms[0]
    device = bed.named_device(DaxLinear(MIB_SECTORS, child, PAGE_SECTORS))
    rows = [line.split() for line in daxlinear("resolve", device.name, "512s").splitlines()]
    at = 512 * SECTOR
    assert rows == [["device", "offset", "sector", "memory"],
                    [device.path, f"0x{at:x}", "512"],
                    ["below", child.path, f"0x{at + PAGE:x}", f"{512 + PAGE_SECTORS}",
                     f"0x{child.phys + at + PAGE:x}"]]
    done = call("resolve", child, "128M")
    assert done.code == 0 and "nothing stands on" in done.err


def test_resolve_through_what_is_not_ours(bed):
    child = bed.nvdimms[0]
    linear = bed.named_device(Linear(MIB_SECTORS, child, pages(2)))
    assert places(ask("resolve", linear.name, 0)["below"]) == [(child.path, 2 * PAGE / MIB)]
    striped = bed.named_device(f"0 4096 striped 2 8 {child} 0 {child} 4096")
    done = call("resolve", striped.name, 0)
    assert done.code == 0 and "is striped there" in done.err


@pytest.mark.parametrize("words, code, text", [
    ([], USAGE, "give a device and an OFFSET"),
    (["x"], USAGE, "give a device and an OFFSET"),
    (["x", "1", "2"], USAGE, 'there are "1" and "2"'),
    (["x", "1q"], USAGE, 'OFFSET: "1q" is no size'),
    (["x", "-1"], USAGE, '"-1" is no option'),
    (["missing", "0"], FAILED, "missing: neither a mapped device nor a device"),
    (["/dev/null", "0"], FAILED, "/dev/null is no block device"),
    (["{a}", "254M"], FAILED, "ends at 254 MiB, before 254 MiB"),
    (["{a}", "16383P"], FAILED, "ends at 254 MiB"),
])
def test_resolve_bad_input(bed, words, code, text):
    words = [word.format(a=bed.nvdimms[0].path) for word in words]
    assert text in refused("resolve", *words, code=code)
