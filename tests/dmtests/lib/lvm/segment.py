# SPDX-License-Identifier: GPL-2.0
"""Segments of logical volumes."""

from __future__ import annotations

from dataclasses import dataclass

from ..units import PAGE


@dataclass(frozen=True)
class Segment:
    """A stretch of a volume, in bytes: chunks by turns on its stripes, each a (child, byte).

    A linear one has a single stripe.
    """

    start: int
    length: int
    chunk: int
    stripes: tuple

    @property
    def end(self) -> int:
        """Where the next one starts."""
        return self.start + self.length

    def place(self, byte: int) -> tuple:
        """Return the (child, byte) of a byte of the volume."""
        number, rest = divmod(byte - self.start, self.chunk)
        child, first = self.stripes[number % len(self.stripes)]
        return child, first + number // len(self.stripes) * self.chunk + rest

    def places(self) -> list:
        """Return (byte, child, byte of it) of the first, a middle and the last page."""
        return [(self.start + offset, *self.place(self.start + offset))
                for offset in (0, self.length // 2 // PAGE * PAGE, self.length - PAGE)]
