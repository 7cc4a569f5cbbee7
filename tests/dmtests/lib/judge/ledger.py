# SPDX-License-Identifier: GPL-2.0
"""What each failure of a storm should have notified, from the times at which things changed.

A step of device-mapper takes effect at some moment between its call and its return, and so does
a failure. Where a failure and the steps on a tower do not overlap, there is one right answer.
Where they do, an offset that has mapped the failed page all the time must have been notified, and
one that did so for some of it may have been, as may one with an attachment that came or went.
"""

from bisect import bisect_left
from collections import namedtuple

from ..units import PAGE, WHOLE

Step = namedtuple("Step", "begin end after")

# A reading of a device's counter; None where the counter is not known from here on.
Reading = namedtuple("Reading", "begin end handled")


# A call of a device's holder, by when its failure began and ended, and whether no step met it.
Notified = namedtuple("Notified", "begin end quiet")


class Strike(namedtuple("Strike", "begin end child page pages")):
    """A failure of pages of a child, or of all of it, which then is gone."""

    @property
    def is_gone(self):
        """Whether it was all of the child."""
        return self.pages == WHOLE

    def bytes_of(self, piece):
        """Return the bytes of a device at which a piece maps what fails."""
        first = max(self.page, piece.page)
        end = min(self.page + self.pages, piece.page + piece.pages)
        start = piece.at - piece.page
        return range((start + first) * PAGE, (start + end) * PAGE, PAGE)


class Timeline:
    """The Floors of a tower through time; steps must not overlap each other."""

    def __init__(self, first):
        self._steps = []
        self._ends = []
        self.last = first
        self._first = first

    def add(self, step):
        """Add a step that is over."""
        self._steps.append(step)
        self._ends.append(step.end)
        self.last = step.after

    def floors(self, begin, end):
        """Return all that it may have been at some moment in between."""
        number = bisect_left(self._ends, begin)
        found = [self._steps[number - 1].after if number else self._first]
        while number < len(self._steps) and self._steps[number].begin <= end:
            found.append(self._steps[number].after)
            number += 1
        return found


def expected(moments, strike):
    """Return the bytes at which devices must be notified, and may be: {device: bytes}, twice."""
    hits = [[(piece, strike.bytes_of(piece)) for piece in floors.held_pieces.get(strike.child, ())
             if strike.page < piece.page + piece.pages and piece.page < strike.page + strike.pages]
            for floors in moments]
    must: list[dict] = []
    may: dict[int, set] = {}
    for floors, hit in zip(moments, hits):
        now: dict[int, set] = {}
        for piece, found in hit:
            may.setdefault(piece.chain[0], set()).update(found)
            if floors.is_notified(piece.chain, lambda number: _lasting(moments, number)):
                now.setdefault(piece.chain[0], set()).update(found)
        must.append(now)
    return {number: set.intersection(*(now.get(number, set()) for now in must))
            for number in may}, may


def _lasting(moments, number):
    """Return what a device is attached to all the time: an attachment leads up while it stays."""
    return frozenset.intersection(*(floors.devices[number].attached for floors in moments
                                    if number in floors.devices))


def fault(strike, must, may, calls):
    """Return what is wrong with the (offset, length) of the calls to a device, or None."""
    notified = [byte for off, length in calls for byte in range(off, off + length, PAGE)]
    if strike.is_gone and may:
        # one span, of all that is mapped of the child
        may = set(range(min(may), max(may) + PAGE, PAGE))
    if set(notified) - may:
        return "notified of what it does not map"
    if len(set(notified)) != len(notified) or strike.is_gone and len(calls) > 1:
        return "notified more than once"
    if must - set(notified):
        return "not notified of what it maps"
    return None


def wrong_readings(readings, notified):
    """Return what is wrong with the counter of a device, a text each."""
    wrong = []
    for before, after in zip(readings, readings[1:]):
        if before.handled is None or after.handled is None:
            continue
        sure = sum(before.end < call.begin and call.end < after.begin and call.quiet
                   for call in notified)
        most = sum(before.begin <= call.end and call.begin <= after.end for call in notified)
        if not sure <= after.handled - before.handled <= most:
            wrong.append(f"status went from {before.handled} to {after.handled} handled, "
                         f"the ledger has {sure} to {most}")
    return wrong
