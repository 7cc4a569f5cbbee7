# SPDX-License-Identifier: GPL-2.0
"""The status of a daxlinear target."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Status:
    """What `dmsetup status` says of a daxlinear target; `last` is a sector or None.

    So is `lost_2m`, a range; it is no counter, and makes no difference between two.
    """

    ranges: int
    alive: int
    gone: int
    received: int
    forwarded: int
    handled: int
    generic: int
    last: int
    lost_2m: int = field(default=None, compare=False)

    @classmethod
    def parse(cls, line):
        """Take a line apart."""
        _, _, kind, *fields = line.split()
        assert kind == "daxlinear" and len(fields) == 9, line
        return cls(*[None if word == "-" else int(word) for word in fields])
