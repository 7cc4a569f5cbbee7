# SPDX-License-Identifier: GPL-2.0
"""The modules as modules: their information, loading and unloading."""

import contextlib
import os
import re
import shutil

import pytest

from lib.beside import wait_for
from lib.command import CommandError, read_file, run, write_file
from lib.dm.device import Device
from lib.dm.target import DaxLinear, Linear
from lib.holders.attach import attached
from lib.units import MIB_SECTORS

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
FILES = {
    "dax_holder": f"{TOP}/dax-holder/dax_holder.ko",
    "dm_daxlinear": f"{TOP}/dm-daxlinear/dm-daxlinear.ko",
}


def loaded(name):
    """Return whether a module is loaded."""
    return os.path.isdir(f"/sys/module/{name}")


@contextlib.contextmanager
def installed(folder):
    """Yield a modprobe command that finds our modules, as after `make install`."""
    release = os.uname().release
    modules = f"{folder}/lib/modules/{release}"
    os.makedirs(f"{modules}/updates")
    for path in FILES.values():
        shutil.copy(path, f"{modules}/updates")
    for name in ("modules.order", "modules.builtin", "modules.builtin.modinfo"):
        shutil.copy(f"/lib/modules/{release}/{name}", modules)
    # the kernel's modules that ours need are loaded, or built in
    dm_mod = run("modinfo", "-n", "dm_mod").strip()
    if os.path.exists(dm_mod):
        shutil.copy(dm_mod, f"{modules}/updates")
    run("depmod", "-b", folder)
    yield ["modprobe", "-d", folder]


@pytest.mark.parametrize("name", FILES)
def test_modinfo(name):
    fields = dict(re.findall(r"^(\w+): +(.*)$", run("modinfo", FILES[name]), re.M))
    assert fields["license"] == "GPL"
    assert len(fields["description"]) > 20
    assert fields["version"] == read_file(f"{TOP}/VERSION")
    assert read_file(f"/sys/module/{name}/version") == fields["version"]


def test_target_version():
    targets = dict(re.findall(r"^(\w+) +v([\d.]+)$", run("dmsetup", "targets"), re.M))
    assert targets["daxlinear"] == "1.1.0"


def test_in_use_by_a_table(bed):
    with Device(DaxLinear(MIB_SECTORS, bed.nvdimms[0], 0)):
        for name in FILES:
            with pytest.raises(CommandError, match="in use"):
                run("rmmod", name)
        assert all(map(loaded, FILES))


def test_in_use_by_a_loaded_table(bed):
    # a table that never went live holds the module as well
    device = bed.device()
    device.load(DaxLinear(MIB_SECTORS, bed.nvdimms[0], 0))
    with pytest.raises(CommandError, match="in use"):
        run("rmmod", "dm_daxlinear")
    device.clear()
    assert read_file("/sys/module/dm_daxlinear/refcnt") == "0"


def test_one_needs_the_other(bed):
    del bed
    with pytest.raises(CommandError, match="in use by: dm_daxlinear"):
        run("rmmod", "dax_holder")


def test_modprobe(bed, unloaded):
    # by the target's name, as dm requests it; removing it removes dax_holder too
    del unloaded
    with installed(bed.folder()) as modprobe:
        run(*modprobe, "dm-daxlinear")
        assert all(map(loaded, FILES))
        with Device(DaxLinear(MIB_SECTORS, bed.nvdimms[0], 0)):
            with pytest.raises(CommandError, match="in use"):
                run(*modprobe, "-r", "dm-daxlinear")
            assert all(map(loaded, FILES))
        run(*modprobe, "-r", "dm-daxlinear")
        assert not any(map(loaded, FILES))
        assert "daxlinear" not in run("dmsetup", "targets")


def test_leaves_nothing_behind(bed, unloaded):
    # the slots are free, and the modules load again
    del unloaded
    for _ in range(3):
        for path in FILES.values():
            run("insmod", path)
        with Device(DaxLinear(MIB_SECTORS, bed.nvdimms[0], 0)) as device:
            with bed.probe.holding(device):
                assert bed.probe.inject(bed.nvdimms[0], 0).rc == 0
        assert bed.probe.is_free(bed.nvdimms[0])
        run("rmmod", "dm_daxlinear", "dax_holder")
        bed.probe.inject(bed.nvdimms[0], 0)
    assert not bed.kmsg.find("dax_holder: .*(leak|busy|refcount)")


def dax_devices():
    """Return how many dax_devices there are."""
    folder = "/sys/kernel/slab/dax_cache"
    # an object is counted as free only once it is back in its slab
    write_file(f"{folder}/shrink", 1)
    return int(read_file(f"{folder}/objects").split()[0])


def test_dax_devices_go(bed):
    first, second = bed.nvdimms[:2]
    ranges = [(first, 0, MIB_SECTORS), (second, 0, MIB_SECTORS)]

    def come_and_go():
        with Device(DaxLinear.ranges(ranges)) as device, \
                Device(Linear(MIB_SECTORS, first)) as stock, attached(stock, first):
            with bed.probe.holding(device):
                device.reload(DaxLinear.ranges(ranges))
                with pytest.raises(CommandError):
                    device.load(DaxLinear.ranges(ranges[::-1]))

    # the probe keeps the last dax_device of a number
    come_and_go()
    before = dax_devices()
    for _ in range(10):
        come_and_go()
    wait_for(lambda: dax_devices() <= before,
             lambda: f"{dax_devices() - before} dax_devices are left")
