# SPDX-License-Identifier: GPL-2.0
"""Copy-on-write where ranges meet.

The kernel's copy-on-write, unshare and dedupe go on past what they were given an address of
(dax_iomap_direct_access() compares the length only if the caller wants a pfn). Over dm-linear
they read and write what lies behind the range on its child: shown as the control. One line of
daxlinear must give them addresses for all that they ask for.
"""

import pytest

from lib import kernel
from lib.dm import seams
from lib.dm.target import Striped
from lib.fs.cow import Cow, Differs
from lib.fs.xfs import Xfs
from lib.judge.neighbours import Layout, Volume, chance, shuffled
from lib.units import HUGE, MIB, MIB_PAGES, MIB_SECTORS, PAGE

CONTROL = pytest.param("linear", marks=pytest.mark.control)
BARE = pytest.param("bare", marks=pytest.mark.control)
KINDS = pytest.mark.parametrize("kind", [BARE, "daxlinear", CONTROL])

# pages of the first range: the filesystem's metadata are there
HEAD = 14 * MIB_PAGES + 7


def few(children, _):
    """Two seams, far apart."""
    return Layout(children).add(0, 40 * MIB_PAGES + 5).add(1, 30 * MIB_PAGES + 3).add(
        0, 90 * MIB_PAGES + 1, 3)


def adjacent(children, luck):
    """Ranges that lie behind one another on each of two children, of odd lengths."""
    layout = Layout(children).add(0, HEAD)
    for number in range(80):
        layout.add((number + 1) % 2, 1 + 2 * luck.randrange(150))
    return layout


def single(children, luck):
    """Ranges of one page each."""
    layout = Layout(children).add(0, HEAD)
    for number in range(1500):
        layout.add(number % 3, 1, luck.randrange(4))
    return layout.add(1, 24 * MIB_PAGES + 3, 5)


def same_child(children, luck):
    """Ranges of one child, in any order."""
    layout = Layout(children).add(2, HEAD)
    for _ in range(60):
        layout.add(2, 1 + 2 * luck.randrange(200), luck.randrange(3))
    return shuffled(layout, luck)


def many(children, luck):
    """Ranges of all children, in any order, and room for long requests."""
    layout = Layout(children).add(0, HEAD)
    for number in range(145):
        layout.add(number % 4, 201 + 2 * luck.randrange(200), 1 + luck.randrange(5))
    return shuffled(layout, luck)


SHAPES = {function.__name__: function for function in (few, adjacent, single, same_child, many)}


def make(bed, kind, shape):
    """Return a volume, a process that works on it, and random numbers."""
    # pages that are shared are mapped
    bed.kmsg.expect_known()
    luck = chance(shape)
    volume = Volume(bed, kind, SHAPES[shape](bed.nvdimms, luck).ranges)
    return volume, bed.enter(Cow(volume.fs.folder)), luck


def lengths(luck):
    """Return a length for each side of a seam, in bytes."""
    return [luck.choice((1, luck.randrange(100), PAGE - 1, PAGE, PAGE + 1,
                         luck.randrange(1, 5 * PAGE), luck.randrange(1, 100 * PAGE)))
            for _ in range(2)]


def spots(luck, offsets, size, number):
    """Return (offset, length) of places over so many seams of a file that don't touch."""
    found, free = [], 0
    for at in sorted(luck.sample(offsets, min(number, len(offsets)))):
        before, after = lengths(luck)
        first = max(at - before, free)
        if first < at:
            found.append((first, min(at + after, size) - first))
            # no other write is in the block that is copied there
            free = (first + found[-1][1] + PAGE) // PAGE * PAGE
    return found


def problems(volume, cow, *steps, answers=()):
    """Take steps; return what is wrong then, in the files and outside of them, a line each."""
    try:
        assert cow.do(*steps) == list(answers)
        found = []
    except Differs as differs:
        found = differs.lines
    return found + volume.neighbours.damage()


def judge(volume, found, *wanted):
    """Assert that nothing is wrong, or that something is over dm-linear."""
    if volume.kind == "linear" and kernel.USES_WHAT_IS_NOT_MAPPED:
        assert found
        for words in wanted:
            assert any(words in line for line in found), words
    else:
        assert not found


def crossed(volume, before):
    """Assert that requests were made seamless over daxlinear, and over nothing else."""
    if volume.kind == "daxlinear":
        assert seams.requests() > before


@pytest.fixture(name="requests")
def _requests():
    """Return how many requests were made seamless before the test."""
    return seams.requests()


@pytest.mark.parametrize("kind", ["daxlinear", CONTROL])
@pytest.mark.parametrize("verb", ["write", "unshare"])
@pytest.mark.parametrize("shape", SHAPES)
def test_over_a_clone(bed, kind, shape, verb, requests):
    volume, cow, luck = make(bed, kind, shape)
    size = (36 if shape == "few" else 20) * MIB + 4711
    cow.do(f"write source 0 {size}", "clone source clone", "sync clone")
    offsets = list(volume.crossings("source").values())
    assert offsets
    steps = [f"{verb} clone {offset} {length}"
             for offset, length in spots(luck, offsets, size, 24)]
    found = problems(volume, cow, *steps, "check", "load clone")
    # a neighbour's data is behind a range, or the device's own
    judge(volume, found, "clone: ", *([] if shape == "adjacent" else ["neigh"]))
    crossed(volume, requests)


@KINDS
@pytest.mark.parametrize("verb", ["write", "unshare"])
@pytest.mark.parametrize("shape", ["few", "many"])
def test_long(bed, kind, shape, verb, requests):
    # one request over many ranges of the source and of the clone
    volume, cow, _ = make(bed, kind, shape)
    size = (36 if shape == "few" else 65) * MIB
    cow.do(f"write source 0 {size}")
    source = volume.crossings("source")
    found = problems(volume, cow, "clone source clone", f"{verb} clone 12347 {size - 23456}",
                     "check", "load clone")
    judge(volume, found, "clone: ")
    clone = set(volume.crossings("clone")) - set(source)
    assert min(len(source), len(clone)) >= (20 if shape == "many" else 1)
    crossed(volume, requests)


@KINDS
def test_written_outside(bed, kind, requests):
    # the new blocks are over a seam, and what is copied around the write lands behind it
    volume, cow, _ = make(bed, kind, "few")
    seam = volume.seams[1]
    cow.do(f"write source 0 {2 * MIB}", f"reserve ballast 0 {PAGE}", "sync source")
    source, ballast = volume.fs.place("source", 0), volume.fs.place("ballast", 0)
    cow.do(f"reserve ballast 0 {seam - MIB - max(source + 2 * MIB, ballast)}", "sync ballast")
    found = problems(volume, cow, "clone source clone", f"write clone 1 {2 * MIB - 2}")
    assert seam in volume.crossings("clone") and not volume.crossings("source")
    judge(volume, found, "neighbour: ")
    crossed(volume, requests)


@KINDS
def test_dedupe(bed, kind, requests):
    # the data behind both ranges is the same, so that a wrong comparison finds it equal
    volume, cow, _ = make(bed, kind, "few")
    first, second = volume.seams
    size = 36 * MIB
    cow.do(f"write source 0 {size}", f"write other 0 {size}", "sync other")
    source, other = volume.crossings("source")[first], volume.crossings("other")[second]
    # one extent each: 6.1 compares the wrong places of others
    before, after = 5 * PAGE, 2 * PAGE
    place = f"{source - before} {before + after} other {other - before}"
    cow.do(f"copy source {place}", f"write other {other + 100} 1", "sync other")
    found = problems(volume, cow, f"dedupe source {place}", "check", answers=["differs"])
    judge(volume, found, "source and other differ")
    if kind != "linear":
        assert cow.do(f"copy source {place}", "sync other", f"dedupe source {place}") == ["same"]
        assert volume.fs.place("other", other) == volume.fs.place("source", source)
        assert not problems(volume, cow, f"write other {other - 10} 20", "check")
    crossed(volume, requests)


@KINDS
def test_huge_page(bed, kind, requests):
    # a fault copies a huge page of a source that is on two children to one child
    ranges = Layout(bed.nvdimms, 1024).add(0, 40 * MIB_PAGES + 5).add(1, 40 * MIB_PAGES + 3).ranges
    volume = Volume(bed, kind, ranges, stripe_huge=True)
    cow = bed.enter(Cow(volume.fs.folder))
    cow.do(f"reserve ballast 0 {24 * MIB}", "sync ballast", f"write source 0 {24 * MIB}")
    at = volume.crossings("source")[volume.seams[0]]
    cow.do("truncate ballast 0", "sync ballast", "clone source clone")
    volume.fs.cow_size("clone", HUGE)
    found = problems(volume, cow, f"store clone {at // HUGE * HUGE + 12345} 1", "check")
    _, place, length = next(one for one in volume.fs.extents("clone")
                            if one[0] <= at // HUGE * HUGE < one[0] + one[2])
    assert length >= HUGE and place + HUGE <= volume.seams[0]
    judge(volume, found, "clone: ")
    crossed(volume, requests)


@pytest.mark.control
@pytest.mark.parametrize("chunk", [128, 4096])
def test_striped(bed, chunk):
    # each chunk ends a piece, in an allocation group or not
    bed.kmsg.expect_known()
    device = bed.device(Striped(160 * MIB_SECTORS, chunk, [(one, 0) for one in bed.nvdimms[2:4]]))
    fs = bed.enter(Xfs(device, bed.folder(), agsize=160 * MIB, size=160 * MIB))
    cow = bed.enter(Cow(fs.folder))
    size = 20 * MIB
    steps = [f"write clone {at} 100001" for at in range(4321, size - MIB, MIB // 8)]
    cow.do(f"write source 0 {size}", "clone source clone")
    if kernel.USES_WHAT_IS_NOT_MAPPED:
        with pytest.raises(Differs):
            cow.do(*steps, "check")
    else:
        cow.do(*steps, "check")


# what is done to a clone, or to the file that it was cloned from
VERBS = ["write", "write", "direct", "store", "read", "unshare"]
if kernel.ZEROES_CLONES:
    VERBS += ["zero", "punch", "cut"]


def any_steps(luck, size):
    """Return the steps that are done at once: most often one."""
    verb, name = luck.choice(VERBS), luck.choice(("clone", "clone", "source"))
    offset = luck.randrange(size)
    if verb == "cut":
        return [f"truncate {name} {offset}", f"truncate {name} {size}"]
    length = min(size - offset, luck.choice((1, PAGE, luck.randrange(1, 9 * PAGE),
                                             luck.randrange(1, MIB), luck.randrange(1, 8 * MIB))))
    return [f"{verb} {name} {offset} {length}"]


@pytest.mark.parametrize("kind", [BARE, "daxlinear"])
@pytest.mark.parametrize("shape", ["adjacent", "single", "same_child", "many"])
def test_in_any_order(bed, kind, shape, requests):
    volume, cow, luck = make(bed, kind, shape)
    size = 12 * MIB + 1234
    steps = [f"write source 0 {size}", "clone source clone"]
    for _ in range(5):
        for _ in range(6):
            steps += any_steps(luck, size)
        steps += ["check"]
    assert not problems(volume, cow, *steps, "load clone", "load source")
    crossed(volume, requests)


@pytest.mark.parametrize("kind", [BARE, "daxlinear"])
def test_zeroes(bed, kind):
    # whole blocks of a clone, on both sides of seams
    volume, cow, _ = make(bed, kind, "same_child")
    size = 12 * MIB
    cow.do(f"write source 0 {size}", "clone source clone", "sync clone")
    *offsets, last = sorted(volume.crossings("source").values())
    steps = [f"{verb} clone {at - 3 * PAGE} {5 * PAGE}"
             for verb, at in zip(("zero", "punch") * len(offsets), offsets)]
    assert len(steps) > 4
    assert not problems(volume, cow, *steps, "check", f"truncate clone {last + PAGE}",
                        f"truncate clone {size}", "check", "load clone")


def test_within_a_range(bed, requests):
    # requests cost nothing more where no range ends
    volume, cow, _ = make(bed, "daxlinear", "few")
    cow.do(f"write source 0 {4 * MIB}", "clone source clone")
    assert not volume.crossings("clone")
    assert not problems(volume, cow, f"write clone 1 {MIB}", f"unshare clone {2 * MIB} {MIB}",
                        f"store clone {MIB + 1} {MIB // 2}", "check", "load clone")
    assert not volume.crossings("clone")
    assert seams.requests() == requests
