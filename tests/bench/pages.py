# SPDX-License-Identifier: GPL-2.0
"""Compares daxlinear with dm-linear page by page, over tables that need no filesystem."""

import random

from count import instructions
from daxbench import Bench
from places import LOOKUPS, Places
from stacks import DAXLINEAR, LINEAR, device
from tables import ACCESS, DIRECT_READ, ENDS, listed, ranges_of, rows_of

BY_PAGE = "{}, page by page"
BIO = BY_PAGE.format(DIRECT_READ.what)
WHATS = (BY_PAGE.format(ACCESS), BY_PAGE.format(ENDS), BIO)

# pages that O_DIRECT reads
_READS = 512


def _counted(stack, child, geometry, places):
    """Return the samples of each use of a device."""
    with device(stack, ranges_of(child, geometry.lengths)) as path, Bench() as bench:
        return {ACCESS: bench.access_listed(path, places[ACCESS]),
                ENDS: bench.access_listed(path, places[ENDS]),
                DIRECT_READ.what: listed(path, DIRECT_READ, places[DIRECT_READ.what], "-d")}


def _over(child, geometry, seed):
    """Return the rows of both stacks, and how much more a page takes over daxlinear at most."""
    luck = random.Random(f"{seed} {geometry.name}")
    places = Places(luck, geometry.lengths)
    chosen = {ACCESS: places.anywhere(LOOKUPS), ENDS: places.ends,
              DIRECT_READ.what: luck.sample(places.ends, min(_READS, len(places.ends)))}
    counted = {stack: _counted(stack, child, geometry, chosen) for stack in (LINEAR, DAXLINEAR)}
    rows = []
    for stack in counted:
        rows += rows_of(stack, geometry, counted[stack].items())
    for what in chosen:
        more = max(over - under for under, over in zip(counted[LINEAR][what],
                                                       counted[DAXLINEAR][what], strict=True))
        rows.append(instructions(BY_PAGE.format(what), DAXLINEAR, len(geometry.lengths), more,
                                 table=geometry.name))
    return rows


def pages(child, geometries, seed):
    """Compare over each geometry."""
    return [row for geometry in geometries for row in _over(child, geometry, seed)]
