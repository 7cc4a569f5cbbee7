# SPDX-License-Identifier: GPL-2.0
"""The status of a daxlinear target."""

from __future__ import annotations

from dataclasses import dataclass, field, fields


@dataclass(frozen=True, kw_only=True)
class Status:
    """The fields of a status line, in their order; by default those of a target of one range.

    A test names the fields that it is about. Two Status are equal whatever a field with
    compare=False has. A field that is added to the kernel gets that, behind all others: only tests
    that read it depend on it, and test_status.py::test_a_new_device, which is about the line.
    """

    ranges: int = 1
    alive: int = 1
    gone: int = 0
    received: int = 0
    forwarded: int = 0
    handled: int = 0
    generic: int = 0
    # the sector of the last failure
    last: int | None = None
    # the first range that loses PMD mappings
    lost_pmd: int | None = field(default=None, compare=False)

    @classmethod
    def counts(cls) -> list[str]:
        """Return the names of the counts of failures, in their order."""
        others = {"ranges", "alive", "gone", "last", "lost_pmd"}
        return [one.name for one in fields(cls) if one.name not in others]

    @classmethod
    def parse(cls, line: str) -> Status:
        """Return the Status of a line; fields behind the known ones are left out."""
        _, _, kind, *words = line.split()
        assert kind == "daxlinear" and len(words) >= len(fields(cls)), line
        return cls(**{one.name: None if word == "-" else int(word)
                      for one, word in zip(fields(cls), words)})
