# SPDX-License-Identifier: GPL-2.0
"""What a table means, read word by word from the grammar, for tables that are made at random."""

import errno
import os
import re
import stat
from collections import namedtuple

from ..command import read_file
from ..units import HUGE, HUGE_SECTORS, PAGE_SECTORS, SECTOR

_MOST_SECTORS = ((1 << 63) - 1) // SECTOR

# A stretch of a mapped device, in sectors. `ours`: of a line of daxlinear; `moves`: of one with
# allow_move.
Range = namedtuple("Range", "start child offset sectors ours moves")


class Refused(Exception):
    """The table does not load: by daxlinear, or by device-mapper before it comes to that."""

    def __init__(self, error=None, ours=True):
        super().__init__(error and errno.errorcode[error])
        self.error = error
        self.ours = ours


class Unknown(Exception):
    """What becomes of the table is not specified, except that the kernel survives it."""


def _number(word, bits=64):
    if not re.fullmatch(r"\+?[0-9]+", word) or int(word) >> bits:
        raise Refused(errno.EINVAL)
    return int(word)


def _device_number(path):
    """Return the major:minor that a word names."""
    if re.fullmatch(r"[0-9]{1,6}:[0-9]{1,6}", path):
        return ":".join(str(int(number)) for number in path.split(":"))
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        # the kernel has more ways to name a disk, for the time before there are files
        if re.match(r"[0-9a-fA-F]+$|PART|/dev/", path) and path != "/dev/missing":
            raise Unknown from None
        raise Refused from None
    if not stat.S_ISBLK(status.st_mode):
        raise Refused
    return f"{os.major(status.st_rdev)}:{os.minor(status.st_rdev)}"


def _has_dax(number):
    try:
        return read_file(f"/sys/dev/block/{number}/queue/dax") == "1"
    except FileNotFoundError:
        return False


class Reader:
    """Reads tables of one mapped device over some children.

    `live` and `held` are what the device maps now, and whether it is held.
    """

    def __init__(self, children, number):
        self._children = {child.number: child for child in children}
        self._number = number

    def read(self, lines, live, held):
        """Return the Ranges of (start, length, kind, words) lines; raises Refused or Unknown."""
        ranges, end = [], 0
        for start, length, kind, words in lines:
            if (start != end or not 0 < length <= _MOST_SECTORS - start
                    or kind not in ("daxlinear", "linear")):
                raise Refused(ours=False)
            if re.search(r"[^ -~]|\\", words):
                raise Unknown
            if kind == "linear":
                ranges += self._linear(start, length, words.split())
            else:
                found = self._ours(start, length, words.split())
                if held and not found[0].moves:
                    _refuse_move(found, live)
                ranges += found
            end += length
        return ranges

    def _child(self, path):
        number = _device_number(path)
        if number not in self._children:
            # the asynchronous one, or another mapped device: only the first has a dax folder
            if number != self._number and _has_dax(number):
                raise Unknown
            raise Refused
        return self._children[number]

    def _linear(self, start, length, words):
        # The words are good ones: the kernel's own target is not what is tested.
        one = Range(start, self._child(words[0]), int(words[1]), length, False, False)
        if (start | length) % PAGE_SECTORS or one.offset + length > one.child.sectors:
            raise Unknown
        return [one]

    def _ours(self, start, length, words):
        if start % PAGE_SECTORS or length % PAGE_SECTORS:
            raise Refused(errno.EINVAL)
        options = []
        if len(words) == 2:
            parts = [(words[0], _number(words[1]), length)]
        else:
            number = _number(words[0], 32) if words else 0
            if not 0 < number <= (len(words) - 1) // 3:
                raise Refused(errno.EINVAL)
            parts = [(words[at], _number(words[at + 1]), _number(words[at + 2]))
                     for at in range(1, 1 + 3 * number, 3)]
            if (any(not sectors or sectors % PAGE_SECTORS for _, _, sectors in parts)
                    or sum(sectors for _, _, sectors in parts) != length):
                raise Refused(errno.EINVAL)
            options = words[1 + 3 * number:]
            if options and _number(options[0], 32) != len(options) - 1:
                raise Refused(errno.EINVAL)
            if set(options[1:]) - {"align_pmd", "align_2m", "allow_move"}:
                raise Refused(errno.EINVAL)
        ranges = []
        for path, offset, sectors in parts:
            one = Range(start, self._child(path), offset, sectors, True, "allow_move" in options)
            self._check(one, "align_pmd" in options or "align_2m" in options)
            ranges.append(one)
            start += sectors
        return ranges

    @staticmethod
    def _check(one, align_pmd):
        byte = one.child.byte(one.offset)
        if one.offset + one.sectors > one.child.sectors or byte // SECTOR % PAGE_SECTORS:
            raise Refused(errno.EINVAL)
        if align_pmd and (one.start % HUGE_SECTORS or (one.child.disk.phys + byte) % HUGE):
            raise Refused(errno.EINVAL)


def _place(one, sector):
    return one.child.disk.number, one.child.byte(one.offset + sector - one.start)


def _refuse_move(ranges, live):
    for new in ranges:
        for old in live:
            first = max(new.start, old.start)
            if (first < min(new.start + new.sectors, old.start + old.sectors)
                    and _place(new, first) != _place(old, first)):
                raise Refused(errno.EBUSY)
