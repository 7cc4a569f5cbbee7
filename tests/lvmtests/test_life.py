# SPDX-License-Identifier: GPL-2.0
"""All that LVM does to volumes: after each step failures are forwarded at the right place.

Some lives are led with stock LVM as well, and others detach their volumes in the end: then they
must not be notified of any, else the rest would prove nothing.
"""

import functools

import pytest

from lib.command import run
from lib.dm.device import Device
from lib.holders.attach import listed
from lib.lvm.conf import configured
from lib.lvm.udev import partition, without_rule
from lib.lvm.volume import Group
from lib.tool.tool import daxlinear
from lib.units import MIB_SECTORS


class Life:
    """A group and its volumes, for a `with` block; each step is checked."""

    def __init__(self, bed, way, *children, compared=False):
        self.bed = bed
        self.way = way
        self._compared = compared
        self.group = Group("vg", *children)
        self.volumes = []
        # LVM's output, and device-mapper's tables
        self.output = []

    def __enter__(self):
        self.group.make()
        return self

    def __exit__(self, *_):
        self.group.remove()

    def create(self, name, *words):
        """Make a volume, and check all volumes."""
        volume = self.group.create(name, *words)
        self.volumes.append(volume)
        self.check()
        return volume

    def step(self, *words):
        """Run a command, and check all volumes."""
        self.output.append(run(*words))
        self.check()

    def gone(self, *words):
        """Run a command after which no volume is active; each slot must be free then."""
        self.output.append(run(*words))
        assert not listed()
        assert all(self.bed.probe.is_free(child.disk) for child in self.group.children)

    def check(self):
        """Check all volumes, as soon as the command has returned."""
        segments = self.group.segments()
        for volume in self.volumes:
            kinds, loaded = volume.targets()
            assert not loaded
            if self.way == "converted" and "striped" not in kinds:
                assert kinds == {"daxlinear"}
            else:
                assert "daxlinear" not in kinds
            assert volume.has_dax()
            volume.check(self.bed, segments[volume.name], registered=self.way != "stock")
            self.output.append(Device(name=volume.mapped_name).table_text())
        if self._compared:
            # while udev reads a volume that LVM has just written to, lvs shows it as open, with our
            # rule and without it
            run("udevadm", "settle")
            self.group.segments()
            self.output.append(self.group.report)

    def detach(self):
        """Detach all volumes: as with stock LVM, no failure is forwarded."""
        if self.way != "attached":
            return
        segments = self.group.segments()
        for volume in self.volumes:
            daxlinear("detach", volume.path)
            volume.check(self.bed, segments[volume.name], registered=False)


def linear(lead, a, b, _):
    """A volume of two segments, and each of LVM's commands that change it."""
    with lead(a, b) as life:
        volume = life.create("data", "-L", "32M", a)
        life.step("lvextend", "-L", "+64M", volume.full_name, b)
        life.step("lvreduce", "-f", "-L", "40M", volume.full_name)
        volume.name = "more-data"
        life.step("lvrename", "vg", "data", "more-data")
        life.step("lvchange", "--refresh", volume.full_name)
        life.gone("lvchange", "-an", volume.full_name)
        life.step("lvchange", "-ay", volume.full_name)
        life.group.name = "other.vg"
        life.step("vgrename", "vg", "other.vg")
        life.gone("vgchange", "-an", "other.vg")
        life.step("vgchange", "-ay", "other.vg")
        life.step("lvchange", "-pr", volume.full_name)
        life.gone("lvremove", "-f", volume.full_name)
        return life.output


def striped(lead, a, b, c):
    """Two stripes, then three."""
    with lead(a, b, c) as life:
        life.create("wide", "-i", "2", "-I", "64k", "-L", "32M", a, b)
        volume = life.create("wider", "-i", "3", "-I", "2m", "-L", "48M")
        life.step("lvextend", "-L", "+48M", volume.full_name)
        life.step("lvchange", "--refresh", "vg/wide")
        return life.output


def mixed(lead, a, b, c):
    """Linear and striped segments."""
    with lead(a, b, c) as life:
        life.create("mixed", "-L", "16M", c)
        life.step("lvextend", "-i", "2", "-I", "2m", "-L", "+32M", "vg/mixed", a, b)
        life.detach()


def interleaved(lead, a, b, _):
    """Two volumes that take turns, extent by extent, on both disks."""
    with lead(a, b) as life:
        life.create("one", "-l", "4", f"{a}:0-0:2-2", f"{b}:1-1:3-3")
        volume = life.create("two", "-l", "4", f"{a}:1-1:3-3", f"{b}:0-0:2-2")
        assert len(volume.segments()) == 4
        life.gone("vgchange", "-an", "vg")
        life.step("vgchange", "-ay", "vg")
        life.detach()


def on_a_partition(lead, a, b, _):
    """A physical volume that does not start where its disk starts."""
    with partition(b, 16 * MIB_SECTORS, 128 * MIB_SECTORS) as part, lead(a, part) as life:
        volume = life.create("data", "-L", "32M", part)
        life.step("lvextend", "-L", "+32M", volume.full_name, a)
        life.detach()


@pytest.mark.parametrize("life", [mixed, interleaved, on_a_partition])
def test_attached(bed, life):
    life(functools.partial(Life, bed, "attached"), *bed.nvdimms[:3])


@pytest.mark.parametrize("life", [linear, striped])
def test_attached_and_stock(bed, life):
    children = bed.nvdimms[:3]
    lead = functools.partial(Life, compared=True)
    with without_rule():
        stock = life(functools.partial(lead, bed, "stock"), *children)
    # with and without our rule, LVM's output is the same
    assert life(functools.partial(lead, bed, "attached"), *children) == stock


@pytest.mark.parametrize("life", [linear, mixed, interleaved])
def test_converted(bed, life):
    with configured("convert = */*"):
        life(functools.partial(Life, bed, "converted"), *bed.nvdimms[:3])


def test_not_wanted(bed):
    # by a pattern, and by none
    a, b = bed.nvdimms[:2]
    with configured("# a comment", "attach = vg/d* other/*  # and another", "nonsense"):
        group = bed.enter(Group("vg", a, b))
        data = group.create("data", "-l", "1")
        log = group.create("log", "-l", "1")
        data.check(bed)
        log.check(bed, registered=False)
    with configured("attach ="):
        group.create("more", "-l", "1").check(bed, registered=False)
        data.check(bed)
    run("lvchange", "--refresh", "vg/log")
    log.check(bed)
