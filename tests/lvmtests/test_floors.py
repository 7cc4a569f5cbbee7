# SPDX-License-Identifier: GPL-2.0
"""Physical volumes that are mapped devices: a failure is forwarded once on each floor."""

import pytest

from lib.command import run
from lib.dm.target import DaxLinear, Linear
from lib.fs.xfs import Xfs
from lib.holders.attach import listed
from lib.judge.oracle import notified
from lib.lvm.conf import configured
from lib.lvm.findings import all_good, bad
from lib.lvm.mounted import Mounted
from lib.lvm.volume import Group
from lib.tool.tool import ask, call, daxlinear
from lib.units import MIB, MIB_SECTORS

# of each child
_MIB = 160


class Floor:
    """A mapped device on two children, as a physical volume."""

    first_byte = 0

    def __init__(self, bed, kind):
        self.children = bed.nvdimms[1:3]
        ranges = [(child, 64 * MIB_SECTORS, _MIB * MIB_SECTORS) for child in self.children]
        self._stock = kind == "linear"
        if not self._stock:
            self.device = bed.named_device(DaxLinear.ranges(ranges))
        else:
            self.device = bed.named_device(*[Linear(sectors, child, offset)
                                             for child, offset, sectors in ranges])

    def __str__(self):
        return self.device.path

    @property
    def disk(self):
        """Itself, as it is no partition."""
        return self

    def below(self, byte):
        """Return the (child, byte) of one of its bytes."""
        number, rest = divmod(byte, _MIB * MIB)
        return self.children[number], 64 * MIB + rest

    def pfn(self, byte):
        """Return the frame number of the page of one of its bytes."""
        child, byte = self.below(byte)
        return child.pfn(byte)

    def edges(self):
        """Return the expected list of its attachments: none if it forwards failures by itself."""
        return [(child.name, self.device.disk) for child in self.children if self._stock]

    def received(self):
        """Return how many failures it received."""
        (found,) = ask("status", self.device.name)["devices"]
        return sum(one["received"] for one in found.get("attached") or found["targets"])


def counts(volume):
    """Return the counters of the floor above: received, forwarded and handled."""
    (found,) = ask("status", volume.mapped_name)["devices"]
    ((one,), (target,)) = found["attached"], found["targets"]
    counters = [[of[name] for name in ("received", "forwarded", "handled")]
                for of in (one, target) if "received" in of]
    assert all(counter == counters[0] for counter in counters), counters
    return counters[0]


@pytest.fixture(name="floor", params=["daxlinear", "linear"])
def _floor(bed, request):
    return Floor(bed, request.param)


@pytest.fixture(name="volume", params=["attached", "converted"])
def _volume(bed, floor, request):
    if request.param == "converted":
        bed.enter(configured("convert = */*"))
    # on both children
    return bed.enter(Group("vg", floor)).create("data", "-L", "240M")


def test_told_once(bed, floor, volume):
    expected = sorted([(floor.device.disk, volume.disk), *floor.edges()])
    for _ in range(2):
        assert listed() == expected
        daxlinear("attach", volume.path)
    places = [(offset, floor.below(byte)) for offset, _, byte in volume.places()]
    assert {child for _, (child, _) in places} == set(floor.children)
    with bed.probe.holding(volume.number):
        injections = bed.probe.inject_all([below for _, below in places])
    assert [notified(injection) for injection in injections] == [
        [(volume.number, offset)] for offset, _ in places]
    assert floor.received() == len(places)
    assert counts(volume) == [len(places)] * 3


def test_xfs_is_told_once(bed, floor, volume):
    mounted = bed.enter(Mounted(volume, bed.enter(Xfs(volume, bed.folder(), reflink=False))))
    mounted.fs.reserve("most", 200 * MIB)
    mounted.fail("most", 0, 100 * MIB)
    mounted.fail("most", 180 * MIB, 240 * MIB)
    assert len(mounted.notified()) == 2
    assert floor.received() == 2 and counts(volume) == [2] * 3


def test_check_of_a_floor(bed):
    """A volume is not notified if what it stands on is not."""
    floor = Floor(bed, "linear")
    with Group("vg", floor) as group:
        group.create("data", "-L", "240M")
        assert call("lvm", "check") == all_good("vg", 1)
        daxlinear("detach", floor.device.name)
        (subject, text), = bad("lvm", "check")
        assert subject == "vg/data" and text.startswith("it is not attached")
        assert daxlinear("lvm", "reconcile", "vg/data") != ""
        assert call("lvm", "check") == all_good("vg", 1)


def test_removed(bed, floor):
    """The volume goes first, then the device below: no attachment is left."""
    with Group("vg", floor) as group:
        volume = group.create("data", "-L", "240M")
        run("lvremove", "-f", volume.full_name)
        assert listed() == sorted(floor.edges())
    floor.device.remove()
    assert not listed()
    assert all(bed.probe.is_free(child) for child in floor.children)
