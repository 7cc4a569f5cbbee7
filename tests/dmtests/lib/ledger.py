# SPDX-License-Identifier: GPL-2.0
"""What each injection of a storm should have told, from the times at which things changed.

A step of device-mapper takes effect at some moment between its call and its return, and so does
an injection. Where an injection and the steps on a device do not overlap, there is one right
answer; where they do, any state that the device may have had then makes a right answer.
"""

from bisect import bisect_left
from collections import namedtuple

from .units import PAGE

# a device's state: where its table has each page {(child, page): [byte, ...]}, and is it held?
State = namedtuple("State", "layout held")
GONE = State(None, False)

_NOTHING = frozenset()

Step = namedtuple("Step", "begin end before after")
Strike = namedtuple("Strike", "begin end child page pages")


class Timeline:
    """The states of one device; steps must not overlap each other."""

    def __init__(self):
        self.steps = []
        self._ends = []

    def add(self, step):
        """Note a step that is over."""
        self.steps.append(step)
        self._ends.append(step.end)

    def states(self, begin, end):
        """Return the states that the device may have had at some moment in between."""
        number = bisect_left(self._ends, begin)
        found = {self.steps[number - 1].after if number else GONE}
        while number < len(self.steps) and self.steps[number].begin <= end:
            found.add(self.steps[number].before)
            found.add(self.steps[number].after)
            number += 1
        return found


class Layouts:
    """The tables of a storm, by number, so that states can be compared."""

    def __init__(self):
        self._ranges = []
        self._where = []

    def add(self, ranges):
        """Note a table of (child, page, pages) ranges; return its number."""
        where, byte = {}, 0
        for child, page, pages in ranges:
            for at in range(page, page + pages):
                where.setdefault((child, at), set()).add(byte)
                byte += PAGE
        self._ranges.append(ranges)
        self._where.append(where)
        return len(self._ranges) - 1

    def __len__(self):
        return len(self._ranges)

    def ranges(self, number):
        """Return the ranges of a table."""
        return self._ranges[number]

    def where(self, state, strike):
        """Return the bytes that a state tells of a strike."""
        return self.maps(state, strike) if state.held else _NOTHING

    def maps(self, state, strike):
        """Return the bytes at which a state maps what a strike hits, held or not."""
        if state.layout is None:
            return _NOTHING
        where = self._where[state.layout]
        _, _, child, page, pages = strike
        if pages == 1:
            return where.get((child, page), _NOTHING)
        return {byte for at in range(page, page + pages) for byte in where.get((child, at), ())}


def judge(layouts, states, strike, told):
    """Return what is wrong with the bytes that a device was told because of a strike, or None.

    `states` are those that the device may have had meanwhile.
    """
    answers = []
    for state in states:
        answer = layouts.where(state, strike)
        if not answer and not told:
            return None
        answers.append(answer)
    if len(set(told)) != len(told):
        return "told more than once"
    told = set(told)
    if told - set().union(*answers):
        return "told of what it did not map"
    if answers[0].intersection(*answers[1:]) - told:
        return "not told of what it mapped"
    return None
