# SPDX-License-Identifier: GPL-2.0
"""What a tower's devices are, and when that changed."""

import time

from ..dm import ioctl
from .floors import DEVICE_PAGES, WINDOW_PAGES, Floors
from .ledger import Reading, Step, Timeline


class Device:
    """Of a mapped device, what is not of its Floors."""

    def __init__(self, minor, floor):
        self.minor = minor
        self.floor = floor
        self.number = f"{ioctl.major()}:{minor}"
        self.name = f"storm{minor}"
        # its loaded table was cleared last
        self.is_cleared = False


class Record:
    """Carries out changes, and writes them to the Log of a tower with their times.

    `devices` are all that the tower ever has, `own` is its own child, Unplugged or None.
    """

    def __init__(self, log, devices, children, own):
        self.devices = {device.number: device for device in devices}
        self._log = log
        self._children = [child.number for child in children]
        self._own = own
        log.timeline = Timeline(Floors({}))

    @property
    def floors(self):
        """The Floors as they are."""
        return self._log.timeline.last

    def now(self, device):
        """Return what a device is, a floors.Device."""
        return self.floors.devices[device.number]

    def counts(self, device):
        """Return whether a device has counters, and only failures that the probe gets count."""
        return self.now(device).table.claims and not self.floors.is_taken(device.number)

    def there(self, device):
        """Return {number: pages} of what a device may be attached to."""
        children = list(self._children)
        if self._own and not self._own.is_gone:
            children.append(self._own.nvdimm.number)
        lower = [number for number in self.floors.devices
                 if self.devices[number].floor < device.floor]
        return {**dict.fromkeys(children, WINDOW_PAGES), **dict.fromkeys(lower, DEVICE_PAGES)}

    def below(self, device):
        """Return {number: pages} of what a device may map.

        The child that goes is for the lowest floor, or those above would have some of it anywhere.
        """
        there = self.there(device)
        if self._own and device.floor:
            there.pop(self._own.nvdimm.number, None)
        return there

    # changes; an action is a function and its arguments

    def step(self, after, *actions):
        """Do what leads to other floors; return the Step."""
        begin = time.monotonic_ns()
        for action, *arguments in actions:
            action(*arguments)
        step = Step(begin, time.monotonic_ns(), after)
        self._log.timeline.add(step)
        return step

    def put(self, device, table, *actions):
        """Make a table live by the last action."""
        before = self.floors.devices.get(device.number)
        loading = time.monotonic_ns()
        for action, *arguments in actions[:-1]:
            action(*arguments)
        step = self.step(self.floors.changed(device.number, table=table), actions[-1])
        if not (before and before.table.claims):
            # nothing was counted before
            handled = 0 if self.counts(device) else None
            self.unknown(device.number)
            self._reading(device.number, loading, step.end, handled)
        elif not table.claims:
            # the last claim went with its counters
            self.unknown(device.number)

    # counters

    def _reading(self, number, begin, end, handled):
        self._log.readings.setdefault(number, []).append(Reading(begin, end, handled))

    def unknown(self, number):
        """Record that a device's counter is not known from here on."""
        self._reading(number, 0, 0, None)

    def read(self, device, counter):
        """Record what a function returns as the counter of a device."""
        begin = time.monotonic_ns()
        handled = counter()
        self._reading(device.number, begin, time.monotonic_ns(), handled)
