# SPDX-License-Identifier: GPL-2.0
"""A part of a storm that changes the mapped devices of a tower, one after the other."""

import errno
import time

from ..dm import ioctl
from ..dm.status import Status
from ..holders.attach import order
from ..holders.probe import number_of
from ..units import WHOLE
from .floors import ERROR, WINDOW_PAGES, Range, Table, Tables
from .ledger import Strike
from .part import Part
from .record import Device, Record

# how many devices there are on each floor, the lowest first
FLOORS = (2, 2, 1)
SECONDS_TO_START = 120

# the steps that are done at random, and how often
_STEPS = {"reload": 6, "reload_suspended": 3, "suspend": 2, "load_and_clear": 3, "refused": 2,
          "wipe": 1, "rename": 1, "read": 3, "release": 3, "recreate": 2, "attach": 6}
# those of a tower that has a child of its own
_STEPS_OF_OWN = {"strike": 3, "unplug": 5}


class Tower(Part):
    """Changes devices on several floors over `children` until the storm is over.

    `own` is Unplugged, of a child that nothing else uses, or None.
    """

    def __init__(self, seed, children, own, minor, ready, stop):
        super().__init__(seed)
        self._children = [child.number for child in children]
        self._own = own
        self._ready = ready
        self._stop = stop
        self._tables = Tables(self.chance)
        floors = [floor for floor, count in enumerate(FLOORS) for _ in range(count)]
        self._devices = [Device(minor + at, floor) for at, floor in enumerate(floors)]
        self._record = Record(self.log, self._devices, children, own)
        self._steps = {**_STEPS, **(_STEPS_OF_OWN if own else {})}

    def run(self):
        if self._own:
            number_of(self._own.nvdimm)
        for device in self._devices:
            self._create(device)
            self.attach(device)
            self._hold_free()
        self._ready.wait(SECONDS_TO_START)
        while not self._stop.is_set():
            name, = self.chance.choices(list(self._steps), list(self._steps.values()))
            getattr(self, name)(self.chance.choice(self._devices))
            self.log.steps[name] += 1
            self._hold_free()
            time.sleep(self.chance.random() * 0.01)
        self._settle()

    # the holder slots of the devices

    def _hold(self, number, held):
        self._record.step(self._record.floors.changed(number, held=held),
                          (self.probe.commands, [f"{'hold' if held else 'release'} {number}"]))

    def _hold_free(self, likely=0.8):
        """Have the probe take slots that are free."""
        floors = self._record.floors
        for number, device in floors.devices.items():
            if (not device.held and not floors.is_taken(number) and
                    self.chance.random() < likely):
                self._hold(number, True)

    def _vacate(self, numbers):
        """Free the slots for devices above; failures that those forward count as well."""
        for number in numbers:
            if number in self._record.devices:
                self._record.unknown(number)
                if self._record.floors.devices[number].held:
                    self._hold(number, False)

    # tables

    def _other_table(self, device):
        below, now = self._record.below(device), self._record.now(device).table
        if self.chance.random() < 0.3:
            return self._tables.new(below)
        return self._tables.altered(now, below, self._record.floors)

    def _load(self, device, table):
        self._vacate(table.claims)
        device.is_cleared = False
        ioctl.load(device.name, table.text("allow_move"))

    def _create(self, device):
        table = self._tables.new(self._record.below(device))
        self._vacate(table.claims)
        ioctl.create(device.name, device.minor)
        self._record.put(device, table, (ioctl.load, device.name, table.text()),
                         (ioctl.resume, device.name))
        number_of(device.number)

    def _replace(self, device, table):
        self._record.put(device, table, (self._load, device, table), (ioctl.resume, device.name))

    def reload(self, device):
        """Load another table and make it live."""
        self._replace(device, self._other_table(device))

    def reload_suspended(self, device):
        """Load another table and make it live, suspended for a moment in between."""
        table = self._other_table(device)
        options: list[str] = self.chance.choice([[], ["--nolockfs"]])
        self._record.put(device, table,
                         (ioctl.suspend, device.name, "--noflush", *options),
                         (self._load, device, table),
                         (time.sleep, self.chance.random() * 0.005),
                         (ioctl.resume, device.name))

    def suspend(self, device):
        """Suspend for a moment, with the same table."""
        ioctl.suspend(device.name, "--noflush", "--nolockfs")
        time.sleep(self.chance.random() * 0.01)
        ioctl.resume(device.name)

    def load_and_clear(self, device):
        """Load a table, another, and drop it: three tables for a moment."""
        self._load(device, self._other_table(device))
        self._load(device, self._other_table(device))
        ioctl.clear(device.name)
        device.is_cleared = True

    def refused(self, device):
        """Load tables that must be refused: the live one goes on."""
        now = self._record.now(device)
        if not now.held or now.table.below - self._record.there(device).keys():
            return
        for at, one in enumerate(now.table.ranges):
            if one.below in self._children:
                moved = list(now.table.ranges)
                moved[at] = one._replace(page=one.page + 1)
                self._refuse(device, Table("daxlinear", moved), errno.EBUSY)
                self._refuse(device, Table("daxlinear", now.table.ranges), errno.EINVAL, "bogus")
                beyond = Table("daxlinear", [Range(one.below, 1 << 40, 1)])
                self._refuse(device, beyond, errno.EINVAL)
                return

    def _refuse(self, device, table, number, *options):
        self._vacate(table.claims)
        text = table.text(*options)
        try:
            ioctl.load(device.name, text)
        except OSError as error:
            assert error.errno == number, (text, error)
        else:
            raise AssertionError(f"loaded: {text}")

    def wipe(self, device):
        """Make an error target live, and then a table again."""
        self._replace(device, ERROR)
        self.reload(device)

    # the devices themselves

    def rename(self, device):
        """Rename it.

        Not between a clear and the next load: stock 6.1 then frees its IMA record of the device
        twice, with dm-linear as well.
        """
        new = f"storm{device.minor}.{self.chance.randrange(1000)}"
        if new != device.name and not device.is_cleared:
            ioctl.rename(device.name, new)
            device.name = new

    def read(self, device):
        """Read the counter, if only failures that the probe gets count."""
        if self._record.counts(device):
            self._record.read(device, lambda: Status.parse(ioctl.status(device.name)[0]).handled)

    def release(self, device):
        """Release the slot, perhaps for a moment."""
        if self._record.now(device).held:
            self._hold(device.number, False)

    def attach(self, device):
        """Attach it to what is below it, on any floor, or detach it again."""
        attached = self._record.now(device).attached
        possible = self._record.there(device).keys() - attached
        if attached and (not possible or self.chance.random() < 0.45):
            verb, number = "detach", self.chance.choice(sorted(attached))
        else:
            # an attachment to a device that it does not map makes no difference
            below = self._record.floors.all_below(device.number) & possible or possible
            verb, number = "attach", self.chance.choice(sorted(below))
            self._vacate({number})
        self._record.step(self._record.floors.changed(device.number, attached=attached ^ {number}),
                          (order, verb, f"{device.number} {number}"))

    def recreate(self, device):
        """Remove it, from below those that are on it, and make it anew."""
        # the lower ones first: no table of 6.1 is on an error target
        above = [other for other in self._devices
                 if other.number in self._record.floors.above(device.number)]
        for other in above:
            self._replace(other, ERROR)
        self._remove(device)
        self._create(device)
        for other in above:
            self.reload(other)
        # the next order drops the attachment of a device that was removed
        self.attach(device)

    def _remove(self, device):
        self.read(device)
        self.release(device)
        self._record.step(self._record.floors.without(device.number),
                          (ioctl.remove, device.name, "--retry"))

    # the child that nothing else uses

    def strike(self, _device):
        """Fail pages of the child."""
        for _ in range(10):
            if not self._own.is_gone:
                self.inject(self._own.nvdimm.number, self.chance.randrange(WINDOW_PAGES))

    def unplug(self, _device):
        """Unplug it while devices are on it, or plug it in again."""
        number = self._own.nvdimm.number
        if self._own.is_gone:
            # dm takes a new one of this name only where the old one is forgotten
            for other in self._record.floors.above(number):
                self.reload(self._record.devices[other])
            self._own.plug()
            number_of(self._own.nvdimm)
            return
        begin = time.monotonic_ns()
        with self._own.start() as unbind:
            unbind.end()
        self.log.unplugs[unbind.pid] = Strike(begin, time.monotonic_ns(), number, 0, WHOLE)
        self._record.step(self._record.floors.without(number))

    def _settle(self):
        """Hold and read each device once the storm is over, and remove all."""
        # a short storm may not have done this step
        if self._own and not self.log.unplugs:
            self.unplug(None)
        self._hold_free(likely=1)
        for device in reversed(self._devices):
            self.read(device)
            self.release(device)
            # the last order drops attachments of devices that were removed
            if not self._record.now(device).attached:
                self.attach(device)
            for number in self._record.now(device).attached:
                order("detach", f"{device.number} {number}")
            self._remove(device)
        if self._own:
            self._own.plug()
