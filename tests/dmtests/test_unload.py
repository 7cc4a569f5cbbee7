# SPDX-License-Identifier: GPL-2.0
"""The modules are loaded and unloaded while failures arrive."""

import errno
import os
import threading

import pytest

from lib.beside import Beside
from lib.command import CommandError
from lib.dm.device import Device
from lib.dm.target import DaxLinear
from lib.holders.injector import Injector
from lib.holders.probe import FOLDER, number_of
from lib.module import HOLDER, TARGET
from lib.units import PAGE, pages

pytestmark = pytest.mark.at_once

ROUNDS = 20


def refused(module):
    """Assert that a module stays."""
    with pytest.raises(CommandError) as caught:
        module.remove()
    # rmmod's "in use"
    assert caught.value.code == errno.EAGAIN
    assert module.loaded


@pytest.mark.usefixtures("modules", "hurry")
def test_in_rounds(bed):
    first, second = bed.nvdimms[:2]
    ranges = [(first, pages(4), pages(8)), (second, 0, pages(8))]
    # mapped, and not mapped
    places = [(first, 4 * PAGE), (second, 7 * PAGE), (second, 8 * PAGE)]
    offsets = {(first.number, 4 * PAGE): 0, (second.number, 7 * PAGE): 15 * PAGE}
    for child in (first, second):
        number_of(child)
    bed.probe.reset()
    devices = set()
    with Injector(places), Injector(places[::-1]):
        for number in range(ROUNDS):
            with Device(DaxLinear.ranges(ranges)) as device, bed.probe.holding(device):
                devices.add(device.number)
                # so that a failure is in our code most of the time
                bed.probe.delay(device, 5)
                if number % 4 == 0:
                    refused(TARGET)
                    refused(HOLDER)
                if number % 2:
                    device.load(DaxLinear.ranges(ranges))
                bed.probe.commands([f"inject {child.number} {byte} {PAGE} 0"
                                    for child, byte in places])
                if number % 4 == 1:
                    device.wipe()
            if number % 4 == 2:
                refused(HOLDER)
            TARGET.remove()
            HOLDER.remove()
            bed.probe.commands([f"inject {child.number} {byte} {PAGE} 0"
                                for child, byte in places])
            HOLDER.insert()
            TARGET.insert()

    done, _ = bed.probe.records()
    forwarded = mine = 0
    for injection in done:
        offset = offsets.get((injection.dev, injection.off))
        calls = [(call.off, call.len) for call in injection.calls]
        assert calls in ([[]] if offset is None else [[], [(offset, PAGE)]]), injection
        assert all(call.dev in devices for call in injection.calls)
        assert injection.rc == (0 if calls else -errno.EOPNOTSUPP), injection
        forwarded += bool(calls)
        if injection.pid == threading.get_native_id():
            mine += bool(calls)
    # the failures of this thread came while the table was live
    assert mine == 2 * ROUNDS
    assert forwarded > mine


@pytest.mark.usefixtures("modules")
def test_failure_on_its_way_out(bed):
    """A failure is still in a holder above when the last table, and so every reference, is gone."""
    child = bed.nvdimms[0]
    with Device(DaxLinear(pages(8), child)) as device, bed.probe.holding(device):
        bed.probe.delay(device, 3000)
        bed.probe.reset()
        line = f"inject {number_of(child)} {PAGE} {PAGE} 0"
        with Beside("sh", "-c", f"echo {line} >{FOLDER}/control") as failure:
            failure.wait_in("probe_notify_failure")
            device.wipe()
            assert bed.probe.is_free(child)
            with Beside("rmmod", TARGET.name) as target:
                target.end()
            with Beside("rmmod", HOLDER.name) as holder:
                # a failure is still in its code
                assert " dax_holder_exit+" in holder.wait_in("kill_dax")
                assert failure.running
                holder.end()
            failure.end()
        done, _ = bed.probe.records()
        assert [(injection.rc, len(injection.calls)) for injection in done] == [(0, 1)]
    assert not TARGET.loaded and not HOLDER.loaded
    assert os.path.exists(FOLDER)
