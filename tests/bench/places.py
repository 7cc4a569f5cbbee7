# SPDX-License-Identifier: GPL-2.0
"""The pages of one table that are counted: half of random pages, half of random ranges."""

import itertools
from bisect import bisect_right

# pages of direct_access besides both ends of each range
LOOKUPS = 4096


class Places:
    """The pages of a table of ranges of so many pages."""

    def __init__(self, luck, lengths):
        self.starts = list(itertools.accumulate(lengths, initial=0))
        self._luck = luck
        self.ends = sorted({page for start, end in zip(self.starts, self.starts[1:])
                            for page in (start, end - 1)})

    def anywhere(self, number):
        """Return so many pages of the table."""
        return self.within([(0, self.starts[-1])], number)

    def within(self, spans, number):
        """Return so many pages of spans."""
        return [self._page(self._luck.choice(spans), at % 2) for at in range(number)]

    def _page(self, span, by_range):
        """Return a page of a span, or one of a range that has pages there."""
        start, end = span
        if by_range:
            first, last = (bisect_right(self.starts, page) - 1 for page in (start, end - 1))
            one = self._luck.randint(first, last)
            start, end = max(start, self.starts[one]), min(end, self.starts[one + 1])
        return self._luck.randrange(start, end)
