# SPDX-License-Identifier: GPL-2.0
"""Mapped devices on mapped devices on children: what each of them maps at one moment.

A device or a child is known by its number, "major:minor". Offsets are pages here.
"""

from collections import namedtuple
from functools import cached_property

from ..units import PAGE_SECTORS

# of every mapped device, so that any table may be below any other
DEVICE_PAGES = 384
# tables map a child's pages below this
WINDOW_PAGES = 800

_LENGTHS = (1, 24, 64, 128)
_CHUNK = 48
_MOST_RANGES = 16

Range = namedtuple("Range", "below page pages")

# what a device maps of a child: the chain leads from the device down to the child
Piece = namedtuple("Piece", "chain page pages at")

# those that `attached` has are below the device; `held` is by the probe
Device = namedtuple("Device", "table attached held")


class Table(namedtuple("Table", "kind ranges")):
    """A table of one kind of target; a striped one has its chunks for ranges."""

    def text(self, *options):
        """Return it as text; options are for our own target."""
        lines, start = [], 0
        if self.kind == "linear":
            for below, page, pages in self.ranges:
                lines.append(f"{start} {pages * PAGE_SECTORS} linear {below} {page * PAGE_SECTORS}")
                start += pages * PAGE_SECTORS
            return "\n".join(lines)
        words = ""
        if self.kind == "striped":
            words = f"2 {_CHUNK * PAGE_SECTORS}" + "".join(
                f" {below} {page * PAGE_SECTORS}" for below, page, _ in self.ranges[:2])
        elif self.kind == "daxlinear":
            words = " ".join([str(len(self.ranges))] + [
                f"{below} {page * PAGE_SECTORS} {pages * PAGE_SECTORS}"
                for below, page, pages in self.ranges])
            words += "".join(f" {word}" for word in (len(options), *options) if options)
        return f"0 {DEVICE_PAGES * PAGE_SECTORS} {self.kind} {words}"

    @property
    def below(self):
        """What it is on."""
        return {one.below for one in self.ranges}

    @property
    def claims(self):
        """Those of which it takes the holder slot."""
        return self.below if self.kind == "daxlinear" else set()


ERROR = Table("error", ())


class Tables:
    """Makes tables up, with this random.Random."""

    def __init__(self, chance):
        self._chance = chance

    def _range(self, below, pages):
        """Return a range of this length; `below` is how many pages of each may be mapped."""
        # mapped devices, which have fewer, are to be met more often than children
        number, = self._chance.choices(list(below), [1 / most for most in below.values()])
        return Range(number, self._chance.randint(0, below[number] - pages), pages)

    def new(self, below):
        """Return a table; its pages may be those of other tables, or its own once more."""
        kind = self._chance.choices(("daxlinear", "linear", "striped"), (4, 3, 1))[0]
        if kind == "striped":
            stripes = [self._range(below, DEVICE_PAGES // 2) for _ in range(2)]
            return Table(kind, tuple(Range(one.below, one.page + row, _CHUNK)
                                     for row in range(0, DEVICE_PAGES // 2, _CHUNK)
                                     for one in stripes))
        ranges, left = [], DEVICE_PAGES
        while left:
            ranges.append(self._range(below, min(left, self._chance.choice(_LENGTHS))))
            left -= ranges[-1].pages
        return Table(kind, tuple(ranges))

    def altered(self, table, below, floors):
        """Return a table that maps most pages where this one does, some of them by another way."""
        ranges = []
        for one in table.ranges:
            how = self._chance.random()
            if how < 0.2:
                ranges.append(self._range(below, one.pages))
            elif how < 0.4:
                ranges += floors.one_down(one)
            else:
                ranges.append(one)
        # what is gone cannot be mapped again
        ranges = [one if one.below in below else self._range(below, one.pages) for one in ranges]
        if not 0 < len(ranges) <= _MOST_RANGES:
            return self.new(below)
        return Table(self._chance.choice(("daxlinear", "daxlinear", "linear")), tuple(ranges))


class Floors:
    """The mapped devices of a tower at one moment, {number: Device}; it never changes."""

    def __init__(self, devices, pieces=None):
        self.devices = devices
        # of each device; moments at which all tables are the same share them
        self._pieces = {} if pieces is None else pieces

    def changed(self, number, **fields):
        """Return the floors with a device that differs in these fields, or is new."""
        device = self.devices.get(number, Device(ERROR, frozenset(), False))._replace(**fields)
        return Floors({**self.devices, number: device}, None if "table" in fields else self._pieces)

    def without(self, number):
        """Return the floors without a device or a child, to which nothing is attached then."""
        return Floors({other: device._replace(attached=device.attached - {number})
                       for other, device in self.devices.items() if other != number})

    def above(self, number):
        """Return the devices whose tables map a device."""
        return [other for other, device in self.devices.items() if number in device.table.below]

    def is_taken(self, number):
        """Return whether a device's holder slot is taken for the devices above it."""
        return any(number in device.attached or number in device.table.claims
                   for device in self.devices.values())

    def all_below(self, number):
        """Return all that a device comes down to, on every floor."""
        found = set()
        for below in self.devices[number].table.below if number in self.devices else ():
            found |= {below} | self.all_below(below)
        return found

    def one_down(self, one):
        """Return what a range is on the floor below, or the range if there is none."""
        found, at = [], 0
        device = self.devices.get(one.below)
        for below, page, pages in device.table.ranges if device else ():
            first, end = max(one.page, at), min(one.page + one.pages, at + pages)
            if first < end:
                found.append(Range(below, page + first - at, end - first))
            at += pages
        return found or [one]

    def pieces(self, number):
        """Return all Pieces that a device maps."""
        if number not in self.devices:
            return [Piece((number,), 0, 1 << 40, 0)]
        if number not in self._pieces:
            found, at = [], 0
            for below, page, pages in self.devices[number].table.ranges:
                for piece in self.pieces(below):
                    first = max(page, piece.at)
                    end = min(page + pages, piece.at + piece.pages)
                    if first < end:
                        found.append(Piece((number, *piece.chain), piece.page + first - piece.at,
                                           end - first, at + first - page))
                at += pages
            self._pieces[number] = found
        return self._pieces[number]

    @cached_property
    def held_pieces(self):
        """The Pieces of the devices that the probe holds, by child."""
        found: dict = {}
        for number, device in self.devices.items():
            for piece in self.pieces(number) if device.held else ():
                found.setdefault(piece.chain[-1], []).append(piece)
        return found

    def way(self, chain):
        """Return a chain in words."""
        words = []
        for number in chain[:-1]:
            table, attached, _ = self.devices[number]
            words.append(f"{number} {table.kind}"
                         f"{''.join(f' +{other}' for other in sorted(attached))}")
        return " > ".join((*words, chain[-1]))

    def is_notified(self, chain, attached):
        """Return whether a failure is forwarded up a chain.

        It is forwarded from floor to floor by a claim, or by an attachment to any floor that it
        has reached. attached() returns what a device is attached to.
        """
        *above, child = chain
        reached, below = {child}, child
        for number in reversed(above):
            claimed = below in reached and self.devices[number].table.kind == "daxlinear"
            if claimed or attached(number) & reached:
                reached.add(number)
            below = number
        return chain[0] in reached
