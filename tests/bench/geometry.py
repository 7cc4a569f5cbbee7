# SPDX-License-Identifier: GPL-2.0
"""The geometries of tables, chosen by a seed: the lengths of their ranges, in pages."""

import random
from collections import namedtuple

# in order, they map a device from its first page on
Geometry = namedtuple("Geometry", "name lengths")

# what a filesystem below all of them takes
FS_PAGES = 262144
# so much longer than that is a device of few ranges, whatever is rounded
SPARE = 4
# a terabyte, which no machine has to have: stacks.py repeats what it has
LONG = 1 << 28

FEW = 16
EVEN, TWO, MANY = 4096, "2, random", "20000, random"


def odd(luck, number, pages=FS_PAGES + SPARE):
    """Return so many odd lengths that add up to so many pages, or to one less."""
    pairs = (pages - number) // 2
    cuts = [0, *sorted(luck.randrange(pairs + 1) for _ in range(number - 1)), pairs]
    return [1 + 2 * (end - start) for start, end in zip(cuts, cuts[1:])]


def _uneven(luck, number):
    """Return lengths that differ by a factor of up to 65,536."""
    weights = [2 ** luck.uniform(0, 16) for _ in range(number)]
    return [1 + int(weight * (FS_PAGES - number) / sum(weights)) for weight in weights]


def _one_long(luck, number):
    lengths = [1] * number
    lengths[luck.randrange(number)] = FS_PAGES - number
    return lengths


def _all_but_one(luck, number):
    lengths = [FS_PAGES // number] * number
    lengths[luck.randrange(number)] += SPARE - luck.randrange(2)
    return lengths


def _random(luck, number):
    return Geometry(f"{number}, random", odd(luck, number))


def geometries(seed):
    """Return all of them."""
    luck = random.Random(f"{seed}")
    powers = [1 << number for number in range(28)]
    return [
        *[_random(luck, number) for number in (*range(1, FEW + 1), 2048, EVEN, 20000, 65536)],
        Geometry("20000 of a page, one long", [1] * 20000 + [LONG]),
        Geometry("one long, 20000 of a page", [LONG] + [1] * 20000),
        Geometry("powers of two, growing", powers),
        Geometry("powers of two, shrinking", powers[::-1]),
        Geometry("4096 equal but one", _all_but_one(luck, 4096)),
        Geometry("65536 equal but one", _all_but_one(luck, 65536)),
    ]


def few(seed):
    """Return some that take little time to load."""
    wanted = {"1, random", TWO, "3, random", "8, random", MANY, "20000 of a page, one long"}
    return [one for one in geometries(seed) if one.name in wanted]


def by_page(seed):
    """Return those for a comparison page by page: where the ways to find a range change."""
    luck = random.Random(f"{seed} by page")
    numbers = [2, 3, *range(9, 15), 72, 73, 200, luck.randrange(15, 72), luck.randrange(74, 200),
               luck.randrange(201, 4096)]
    return [one for number in numbers for one in (
        Geometry(f"{number} odd", odd(luck, number)),
        Geometry(f"{number} uneven", _uneven(luck, number)),
        Geometry(f"{number} one long", _one_long(luck, number)))]
