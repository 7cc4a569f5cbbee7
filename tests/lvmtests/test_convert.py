# SPDX-License-Identifier: GPL-2.0
"""Volumes whose tables are converted to daxlinear."""

import signal

import pytest

from lib.beside import wait_for
from lib.command import ENVIRONMENT, run
from lib.dm.device import Device
from lib.lvm.conf import configured
from lib.lvm.udev import without_rule
from lib.lvm.volume import Group
from lib.tool.strace import inject, record
from lib.tool.tool import ask, daxlinear, refused
from lib.units import SECTOR


@pytest.fixture(name="volume")
def _volume(bed):
    a, b = bed.nvdimms[:2]
    group = bed.enter(Group("vg", a, b))
    with without_rule():
        volume = group.create("data", "-L", "16M", a)
    bed.enter(configured("convert = */*"))
    return volume


def test_reconcile(bed, volume):
    assert volume.targets() == ({"linear"}, "")
    before = run("dmsetup", "table", volume.mapped_name)
    for _ in range(2):
        daxlinear("lvm", "reconcile")
        assert run("dmsetup", "table", volume.mapped_name) == before.replace(
            " linear ", " daxlinear ")
    volume.check(bed)


def segments_line(volume):
    """Return the line that maps LVM's segments, a range for each."""
    segments = volume.segments()
    ranges = [f"{child.number} {byte // SECTOR} {segment.length // SECTOR}"
              for segment in segments for child, byte in segment.stripes]
    total = sum(segment.length for segment in segments) // SECTOR
    return f"0 {total} daxlinear {len(ranges)} {' '.join(ranges)}"


def live_lines(volume):
    """Return the lines of the live table."""
    return Device(name=volume.mapped_name).table_text().splitlines()


@pytest.fixture(name="segmented")
def _segmented(bed, volume):
    """A volume of three segments on two disks, as LVM makes it."""
    a, b = bed.nvdimms[:2]
    with without_rule():
        run("lvextend", "-L", "+8M", volume.full_name, b)
        run("lvextend", "-L", "+24M", volume.full_name, a)
    assert len(live_lines(volume)) == 3
    return volume


def test_remove(bed, volume):
    # LVM would make it anew at the next activation, and does not miss it until then
    daxlinear("lvm", "reconcile")
    assert volume.targets()[0] == {"daxlinear"}
    assert f"lvremove {volume.full_name} deletes it" in refused("remove", volume.mapped_name)
    assert "lvextend" in refused("extend", volume.mapped_name, bed.nvdimms[2])
    volume.check(bed)


def test_segments_become_one_line(bed, segmented):
    # the target bridges segments only within a line
    daxlinear("lvm", "reconcile")
    assert live_lines(segmented) == [segments_line(segmented)]
    segmented.check(bed)
    # commands of LVM that wait for the conversion
    for words in (("lvextend", "-L", "+8M"), ("lvreduce", "-f", "-L", "20M"),
                  ("lvextend", "-L", "+40M")):
        run(*words, segmented.full_name, *(bed.nvdimms[1:2] if "lvextend" in words else ()))
        assert live_lines(segmented) == [segments_line(segmented)]
        segmented.check(bed)


@pytest.mark.parametrize("way", ["reconcile", "cookie", "no cookie"])
def test_several_lines_of_ours(bed, segmented, way, monkeypatch):
    # as earlier versions converted: only the word in each line
    device = Device(name=segmented.mapped_name)
    device.reload(device.table_text().replace(" linear ", " daxlinear "))
    (found,) = ask("lvm", "status")["volumes"]
    assert not found["converted"]
    if way == "cookie":
        monkeypatch.setitem(ENVIRONMENT, "DM_COOKIE", "1")
    words = ("reconcile",) if way == "reconcile" else ("event", segmented.number)
    daxlinear("lvm", *words)
    wait_for(lambda: live_lines(segmented) == [segments_line(segmented)], "it stays as it is")
    (found,) = ask("lvm", "status")["volumes"]
    assert found["converted"]
    segmented.check(bed)


def test_event_without_a_cookie(bed, volume):
    # as at boot: no command waits, so the conversion takes LVM's own lock
    run("udevadm", "trigger", "--action=add", "--settle", f"/sys/block/{volume.disk}")
    wait_for(lambda: volume.targets()[0] == {"daxlinear"}, "it is never converted")
    volume.check(bed)


def test_reconcile_waits_for_lvm(bed, volume):
    # the holder of the lock stands for an LVM command
    run("flock", "/run/lock/lvm/V_vg", "sh", "-c", "! timeout 2 daxlinear lvm reconcile")
    assert volume.targets() == ({"linear"}, "")
    daxlinear("lvm", "reconcile", "vg/data")
    assert volume.targets() == ({"daxlinear"}, "")
    volume.check(bed)


def next_command_works(bed, volume):
    """LVM must not find a loaded table that is not its own."""
    assert not volume.targets()[1]
    run("lvextend", "-L", "+16M", volume.full_name)
    assert len(volume.places()) in (3, 6)
    assert len(live_lines(volume)) == 1
    volume.check(bed)


def kill_at_every_step(volume, words, then):
    """Kill a command at each of its ioctls from the first that changes anything."""
    device = Device(name=volume.mapped_name)
    before = device.table_text()
    with without_rule():
        done, calls = record(*words)
        assert done.code == 0 and volume.targets() == ({"daxlinear"}, "")
        first = calls.index("DM_TABLE_LOAD")
        assert calls[first + 1] == "DM_DEV_SUSPEND"
        for number in range(first, len(calls)):
            device.reload(before)
            code = inject(number + 1, "signal=KILL", *words).code
            # how far it had come: to the table that is live or not
            assert volume.targets()[0] == {"linear" if number < first + 2 else "daxlinear"}
            then()
            assert not volume.targets()[1], (number, calls)
            if number < first + 3:
                assert code == -signal.SIGKILL
            elif not code:
                # its other process makes the other calls
                break


def test_reconcile_killed_at_every_step(bed, volume):
    def then():
        # its other process holds the lock until it has cleaned up
        run("vgs", "vg")

    kill_at_every_step(volume, ("lvm", "reconcile"), then)
    next_command_works(bed, volume)


def test_event_killed_at_every_step(bed, volume, monkeypatch):
    monkeypatch.setitem(ENVIRONMENT, "DM_COOKIE", "1")
    # the command that the rule runs next
    kill_at_every_step(volume, ("lvm", "event", volume.number),
                       lambda: daxlinear("lvm", "tidy", volume.number))
    next_command_works(bed, volume)


def test_what_cannot_be_converted(bed):
    a, b = bed.nvdimms[:2]
    with configured("convert = */*"):
        # a volume that daxlinear refuses, and one that is not linear
        with Group("odd", a, align="3k") as group:
            volume = group.create("data", "-L", "16M")
            assert volume.targets() == ({"linear"}, "")
        with Group("vg", a, b) as group:
            volume = group.create("wide", "-i", "2", "-L", "16M")
            assert volume.targets() == ({"striped"}, "")
            assert "stays as it is" in refused("lvm", "reconcile")
            volume.check(bed)
