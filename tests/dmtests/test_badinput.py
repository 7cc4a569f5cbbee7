# SPDX-License-Identifier: GPL-2.0
"""A bad table fails to load, its reason is in the kernel's log, and it leaves nothing held."""

import contextlib
import errno
import os
import re

import pytest

from lib.command import CommandError, read_file, run
from lib.dm.device import Device, NamedDevice
from lib.dm.target import DaxLinear
from lib.fs.xfs import Xfs
from lib.kernel import MAPS_ITSELF
from lib.units import HUGE_MIB, HUGE_SECTORS, MIB_SECTORS, PAGE, PAGE_SECTORS

# {a} and {b} are two children of {size} sectors; {after} is a page past the end, and a MiB from
# {tail} on ends there.
# A target that is cut short is a MiB long.
TABLES = {
    # how many words there are
    "no words": ("0 2048 daxlinear", "0 words are too few"),
    "a device alone": ("0 2048 daxlinear {a}", "1 words are too few"),
    "a word too many after an offset": ("0 2048 daxlinear {a} 0 7", "3 words are too few"),
    "a range without a length": ("0 2048 daxlinear 1 {a} 0", "3 words are too few"),
    "a last range without a length": ("0 2048 daxlinear 2 {a} 0 1024 {b} 0",
                                      "2 ranges need 6 words.* there are 5"),
    # how many ranges there are
    "no ranges": ("0 2048 daxlinear 0 {a} 0 2048", '"0" is no number of ranges'),
    "negative number of ranges": ("0 2048 daxlinear -1 {a} 0 2048", '"-1" is no number of ranges'),
    "number of ranges in letters": ("0 2048 daxlinear one {a} 0 2048",
                                    '"one" is no number of ranges'),
    "number of ranges in hex": ("0 2048 daxlinear 0x1 {a} 0 2048", '"0x1" is no number of ranges'),
    "a range and a half": ("0 2048 daxlinear 1.5 {a} 0 2048", '"1.5" is no number of ranges'),
    "more ranges than words": ("0 2048 daxlinear 2 {a} 0 2048", "2 ranges need 6 words"),
    "number of ranges of 32 bits": ("0 2048 daxlinear 4294967295 {a} 0 2048",
                                    "4294967295 ranges need 12884901885 words"),
    "number of ranges that is 1 in 32 bits": ("0 2048 daxlinear 4294967297 {a} 0 2048",
                                              '"4294967297" is no number of ranges'),
    "number of ranges of 65 bits": ("0 2048 daxlinear 18446744073709551617 {a} 0 2048",
                                    '"18446744073709551617" is no number of ranges'),
    "number of ranges whose words are few in 32 bits": (
        "0 2048 daxlinear 1431655766 {a} 0 2048", "1431655766 ranges need 4294967298 words"),
    "fewer ranges than words": ("0 2048 daxlinear 1 {a} 0 2048 {b} 0 2048",
                                '"/dev/.*" is not the number of options'),
    "ranges without their number": ("0 2048 daxlinear {a} 0 1024 {b} 0 1024",
                                    '"/dev/.*" is no number of ranges'),
    # the offset in the plain form
    "offset in letters": ("0 2048 daxlinear {a} start", 'offset "start" is no number'),
    "negative offset": ("0 2048 daxlinear {a} -{page}", 'offset "-{page}" is no number'),
    "offset in hex": ("0 2048 daxlinear {a} 0x{page}", 'offset "0x{page}" is no number'),
    "offset with a unit": ("0 2048 daxlinear {a} {page}s", 'offset "{page}s" is no number'),
    "offset with a point": ("0 2048 daxlinear {a} {page}.0", 'offset "{page}.0" is no number'),
    "offset of 65 bits": ("0 2048 daxlinear {a} 18446744073709551616",
                          'offset "18446744073709551616" is no number'),
    "offset that wraps": ("0 2048 daxlinear {a} {wraps}",
                          "2048 sectors from {wraps} on reach past the end"),
    "offset of 63 bits": ("0 2048 daxlinear {a} {bits63}", "reach past the end"),
    "offset that wraps in bytes": ("0 2048 daxlinear {a} 36028797018963968", "reach past the end"),
    "offset one sector on": ("0 2048 daxlinear {a} 1", "offset 1 is not a multiple of a page"),
    "offset one sector before a page": ("0 2048 daxlinear {a} {page_less}",
                                        "offset {page_less} is not a multiple of a page"),
    "offset one sector after a page": ("0 2048 daxlinear {a} {page_more}",
                                       "offset {page_more} is not a multiple of a page"),
    "offset at the end": ("0 2048 daxlinear {a} {size}",
                          "from {size} on reach past the end of .* which has {size}"),
    "offset after the end": ("0 2048 daxlinear {a} {after}", "from {after} on reach past the end"),
    "a page too long": ("0 2048 daxlinear {a} {tail}", "from {tail} on reach past the end"),
    "as long as the child, a page on": ("0 {size} daxlinear {a} {page}",
                                        "from {page} on reach past the end"),
    # where the target is
    "target length not in pages": ("0 2047 daxlinear {a} 0", "2047 sectors long, not a multiple"),
    "target length under a page": ("0 1 daxlinear {a} 0", "1 sectors long, not a multiple"),
    "target start not on a page": ("0 4 linear {b} 0\n4 2048 daxlinear {a} 0",
                                   "target starts at sector 4, not at a multiple"),
    "target start not on a page, ranges": ("0 4 linear {b} 0\n4 2048 daxlinear 1 {a} 0 2048",
                                           "target starts at sector 4, not at a multiple"),
    # the numbers of a range
    "range offset in letters": ("0 2048 daxlinear 1 {a} start 2048",
                                'range 0: offset "start" is no number'),
    "negative range offset": ("0 2048 daxlinear 2 {a} 0 1024 {b} -{page} 1024",
                              'range 1: offset "-{page}" is no number'),
    "range offset of 65 bits": ("0 2048 daxlinear 1 {a} 18446744073709551616 2048",
                                'range 0: offset "18446744073709551616" is no number'),
    "range offset that wraps": ("0 2048 daxlinear 1 {a} {wraps} 2048",
                                "range 0: 2048 sectors from {wraps} on reach past"),
    "range offset not on a page": ("0 2048 daxlinear 2 {a} 0 1024 {b} 4 1024",
                                   "range 1: offset 4 is not a multiple of a page"),
    "range length in letters": ("0 2048 daxlinear 1 {a} 0 all",
                                'range 0: length "all" is no number'),
    "negative range length": ("0 2048 daxlinear 1 {a} 0 -2048",
                              'range 0: length "-2048" is no number'),
    "empty first range": ("0 2048 daxlinear 2 {a} 0 0 {b} 0 2048",
                          'range 0: length "0" is no number'),
    "empty last range": ("0 2048 daxlinear 2 {a} 0 2048 {b} 0 0",
                         'range 1: length "0" is no number'),
    "range length of 65 bits": ("0 2048 daxlinear 1 {a} 0 18446744073709551616",
                                'range 0: length "18446744073709551616" is no number'),
    "range length of 64 bits": ("0 2048 daxlinear 1 {a} 0 {wraps}",
                                "range 0: starts at 0 .*past the target's end at 2048"),
    "range lengths that wrap to the right sum": (
        "0 2048 daxlinear 2 {a} 0 1024 {b} 0 18446744073709551615",
        "range 1: length 18446744073709551615 is not a multiple"),
    "range lengths in pages that wrap to the right sum": (
        "0 2048 daxlinear 3 {a} 0 1024 {b} 0 {wraps_1024} {a} 1024 2048",
        "range 1: starts at 1024 .*past the target's end at 2048"),
    "range length not in pages": ("0 2048 daxlinear 2 {a} 0 1023 {b} 0 1025",
                                  "range 0: length 1023 is not a multiple of a page"),
    "last range not in pages": ("0 2047 daxlinear 2 {a} 0 1024 {b} 0 1023",
                                "range 1: length 1023 is not a multiple of a page"),
    "ranges too short": ("0 2048 daxlinear 2 {a} 0 1024 {b} 0 {less}",
                         "ranges add up to {sum_less} sectors, the target has 2048"),
    "ranges too long": ("0 2048 daxlinear 2 {a} 0 1024 {b} 0 {more}",
                        "range 1: starts at 1024 .* {more} long, past the target's end at 2048"),
    "one range too short": ("0 2048 daxlinear 1 {a} 0 {page}",
                            "ranges add up to {page} sectors, the target has 2048"),
    "range past the end of the child": ("0 2048 daxlinear 2 {b} 0 1024 {a} {size} 1024",
                                        "range 1: 1024 sectors from {size} on reach past the end"),
    "range a page too long for the child": (
        "0 2048 daxlinear 1 {a} {tail} 2048", "range 0: 2048 sectors from {tail} on reach past"),
    # devices
    "missing device": ("0 2048 daxlinear /dev/missing 0", "/dev/missing cannot be opened"),
    "missing device number": ("0 2048 daxlinear 199:7 0", "199:7 cannot be opened"),
    "missing last device": (
        "0 2048 daxlinear 3 {a} 0 {page} {b} 0 {page} /dev/missing 0 {two_less}",
        "/dev/missing cannot be opened"),
    "character device": ("0 2048 daxlinear /dev/null 0", "/dev/null cannot be opened"),
    "folder": ("0 2048 daxlinear /dev 0", "/dev cannot be opened"),
    "file": ("0 2048 daxlinear /etc/passwd 0", "/etc/passwd cannot be opened"),
    "disk in use": ("0 2048 daxlinear /dev/vda 0", "/dev/vda cannot be opened .*EBUSY"),
    # options
    "unknown option": ("0 2048 daxlinear 1 {a} 0 2048 1 fast", '"fast" is no option'),
    "option in capitals": ("0 2048 daxlinear 1 {a} 0 2048 1 ALIGN_PMD", '"ALIGN_PMD" is no option'),
    "start of an option": ("0 2048 daxlinear 1 {a} 0 2048 1 align", '"align" is no option'),
    "unknown option after a known one": ("0 2048 daxlinear 1 {a} 0 2048 2 allow_move fast",
                                         '"fast" is no option'),
    "more options than words": ("0 2048 daxlinear 1 {a} 0 2048 2 allow_move",
                                '"2" is not the number of options: 1 words follow'),
    "fewer options than words": ("0 2048 daxlinear 1 {a} 0 2048 1 allow_move allow_move",
                                 '"1" is not the number of options: 2 words follow'),
    "no options, and one": ("0 2048 daxlinear 1 {a} 0 2048 0 allow_move",
                            '"0" is not the number of options: 1 words follow'),
    "option without a number": ("0 2048 daxlinear 1 {a} 0 2048 allow_move",
                                '"allow_move" is not the number of options: 0 words'),
    "number of options in letters": ("0 2048 daxlinear 1 {a} 0 2048 one allow_move",
                                     '"one" is not the number of options'),
    "negative number of options": ("0 2048 daxlinear 1 {a} 0 2048 -1 allow_move",
                                   '"-1" is not the number of options'),
    "option in the plain form": ("0 2048 daxlinear {a} 0 1 allow_move",
                                 '"/dev/.*" is no number of ranges'),
    # PMD mappings, which the option asks for
    "PMDs lost by an offset": (
        "0 {huge} daxlinear 1 {a} {page} {huge} 1 align_pmd",
        "range 0: sector 0 .* offset {page} on .* not both on {huge_mib} MiB"),
    "PMDs lost by a range before": (
        "0 {huge_3} daxlinear 2 {a} 0 {huge_half} {b} 0 {huge_rest} 1 align_2m",
        "range 1: sector {huge_half} .* offset 0 on .* not both on {huge_mib} MiB"),
    "PMDs lost by a line before": (
        "0 {page} daxlinear {b} 0\n{page} {huge} daxlinear 1 {a} 0 {huge} 1 align_pmd",
        "range 0: sector {page} .* offset 0 on .* not both on {huge_mib} MiB"),
    # a good line before a bad one
    "bad second line": ("0 2048 daxlinear {a} 0\n2048 2048 daxlinear {b} 3",
                        "offset 3 is not a multiple of a page"),
    "bad third line": ("0 2048 daxlinear {a} 0\n2048 2048 daxlinear 1 {b} 0 2048\n"
                       "4096 2048 daxlinear {a} x", 'offset "x" is no number'),
}

# The others: {page} is one in sectors, {huge} a PMD, and so on.
NUMBERS = {
    "page": PAGE_SECTORS, "page_less": PAGE_SECTORS - 1, "page_more": PAGE_SECTORS + 1,
    "less": 1024 - PAGE_SECTORS, "more": 1024 + PAGE_SECTORS, "sum_less": 2048 - PAGE_SECTORS,
    "two_less": 2048 - 2 * PAGE_SECTORS,
    "bits63": (1 << 63) - PAGE_SECTORS, "wraps": (1 << 64) - PAGE_SECTORS,
    "wraps_1024": (1 << 64) - 1024,
    "huge": HUGE_SECTORS, "huge_half": HUGE_SECTORS // 2, "huge_rest": HUGE_SECTORS * 5 // 2,
    "huge_3": 3 * HUGE_SECTORS, "huge_mib": HUGE_MIB,
}

MESSAGE = "device-mapper: daxlinear: |dax_holder: "


def references():
    """Return how often our modules are in use."""
    return [read_file(f"/sys/module/{name}/refcnt") for name in ("dm_daxlinear", "dax_holder")]


@contextlib.contextmanager
def nothing_held(bed):
    """Assert that what happens inside leaves the children and the modules as they were."""
    before = references()
    yield
    assert references() == before
    for child in bed.nvdimms:
        assert not child.holders()


def check_bad(bed, table, message, *, error=None):
    """Assert that a table does not load, and why, and that a good one does next."""
    mark = bed.kmsg.mark()
    with nothing_held(bed):
        with pytest.raises(CommandError) as caught:
            with Device(table):
                pass
        said = bed.kmsg.find(MESSAGE, mark)
        assert any(re.search(message, line) for line in said), said
        # dm's own line has the target's reason
        assert bed.kmsg.find(r"device-mapper: table: .*: daxlinear: \S+", mark)
        if error:
            assert os.strerror(error) in caught.value.output
    check_good(bed)


def check_good(bed):
    """Assert that the children's slots are free, and that a good table loads on two of them."""
    first, second = free_children(bed)
    assert bed.probe.is_free(first) and bed.probe.is_free(second)
    with Device(DaxLinear.ranges([(first, 0, 1024), (second, 0, 1024)])):
        assert not bed.probe.is_free(first) and not bed.probe.is_free(second)


def free_children(bed):
    """Return the two children that check_good() may use."""
    return bed.nvdimms[:2]


@pytest.mark.parametrize("name", TABLES)
def test_bad_table(bed, name):
    first, second = free_children(bed)
    words = {"a": first, "b": second, "size": first.sectors,
             "after": first.sectors + PAGE_SECTORS, "tail": first.sectors - 2048 + PAGE_SECTORS,
             **NUMBERS}
    table, message = (text.format(**words) for text in TABLES[name])
    check_bad(bed, table, message)


def test_every_table_is_bad_in_its_own_way():
    assert len({table for table, _ in TABLES.values()}) == len(TABLES)
    assert len(TABLES) >= 60


def test_ram_disk(bed):
    run("modprobe", "brd", "rd_nr=1", "rd_size=4096")
    try:
        check_bad(bed, "0 2048 daxlinear /dev/ram0 0", "/dev/ram0 has no DAX")
    finally:
        run("modprobe", "-r", "brd")


def test_raw_namespace(bed):
    with bed.nvdimms[2].raw() as path:
        check_bad(bed, f"0 2048 daxlinear {path} 0", f"{path} has no DAX")


def test_raw_namespace_after_good_ranges(bed):
    first, second = free_children(bed)
    with bed.nvdimms[2].raw() as path:
        check_bad(bed, f"0 6144 daxlinear 3 {first} 0 2048 {second} 0 2048 {path} 0 2048",
                  f"{path} has no DAX")


@pytest.mark.parametrize("start, sectors", [(2049, 8192), (2048, 8191)])
def test_partition_off_a_page(bed, start, sectors):
    with bed.nvdimms[2].partition(start, sectors) as partition:
        check_bad(bed, f"0 2048 daxlinear {partition} 0", f"{partition} has no DAX")


@pytest.mark.parametrize("offset, message", [
    (4, "offset 4 is not a multiple of a page"),
    (2048 - PAGE_SECTORS, f"2048 sectors from {2048 - PAGE_SECTORS} on reach past the end of .*, "
                          f"which has {4096 - 2 * PAGE_SECTORS}"),
])
def test_partition(bed, offset, message):
    # the disk goes on behind its end
    with bed.nvdimms[2].partition(2048 + PAGE_SECTORS, 4096 - 2 * PAGE_SECTORS) as partition:
        check_bad(bed, f"0 2048 daxlinear {partition} {offset}", message)


def test_device_without_dax_below(bed):
    # a mapped device over a ram disk
    run("modprobe", "brd", "rd_nr=1", "rd_size=4096")
    try:
        with Device("0 4096 linear /dev/ram0 0") as below:
            check_bad(bed, f"0 2048 daxlinear {below} 0", f"{below} has no DAX")
    finally:
        run("modprobe", "-r", "brd")


def test_the_device_itself(bed):
    child = free_children(bed)[0]
    device = bed.device(DaxLinear(2048, child, 0))
    for path in (device.path, device.number):
        mark = bed.kmsg.mark()
        with pytest.raises(CommandError):
            device.load(f"0 2048 daxlinear 2 {child} 0 1024 {path} 0 1024")
        assert bed.kmsg.find(f"{path} {MAPS_ITSELF}", mark)
    device.remove()
    check_good(bed)


def test_the_device_itself_before_its_first_table(bed):
    child = free_children(bed)[0]
    with nothing_held(bed), NamedDevice() as device:
        for path in (device.path, device.number):
            mark = bed.kmsg.mark()
            with pytest.raises(CommandError):
                device.load(f"0 2048 daxlinear 2 {child} 0 1024 {path} 0 1024")
            assert bed.kmsg.find(f"{path} (cannot be opened|{MAPS_ITSELF})", mark)
            assert bed.probe.is_free(child)
    check_good(bed)


def test_loop_through_another_device(bed):
    # dm takes each of these tables by itself; the one that closes the loop is refused, live or not
    child = free_children(bed)[0]
    low = bed.device(DaxLinear(2048, child, 0))
    high = bed.device(DaxLinear(2048, low, 0))
    for _ in range(2):
        mark = bed.kmsg.mark()
        with pytest.raises(CommandError):
            low.load(DaxLinear(2048, high, 0))
        assert bed.kmsg.find(f"{high.disk} is stacked on {low.disk} itself", mark)
    high.load(DaxLinear(2048, bed.nvdimms[1], 0))
    with pytest.raises(CommandError):
        low.load(DaxLinear(2048, high, 0))
    high.resume()
    low.load(DaxLinear(2048, high, 0))
    with pytest.raises(CommandError):
        high.load(DaxLinear(2048, low, 0))
    # otherwise it keeps the other one open, which is removed first
    low.clear()


def test_child_with_a_filesystem(bed):
    # XFS on the child itself opens it exclusively
    child = bed.nvdimms[3]
    with Xfs(child, bed.folder()):
        check_bad(bed, f"0 2048 daxlinear {child} 0", f"{child} cannot be opened .*EBUSY",
                  error=errno.EBUSY)


def test_sibling_partition_with_a_filesystem(bed):
    # the partition is free, but its dax_device is that of the whole disk
    disk = bed.nvdimms[3]
    half = disk.sectors // 2 // (4 * MIB_SECTORS) * (4 * MIB_SECTORS)
    with disk.partition(0, half, 1) as partition, disk.partition(half, half, 2) as sibling:
        with Xfs(sibling, bed.folder(), reflink=False):
            check_bad(bed, f"0 2048 daxlinear {partition} 0",
                      f"{partition.name}: {disk.name} has another holder", error=errno.EBUSY)


def test_last_child_held(bed):
    # the claims of the ranges before are released
    first, second = free_children(bed)
    held = bed.nvdimms[2]
    with bed.probe.holding(held):
        check_bad(bed, f"0 6144 daxlinear 3 {first} 0 2048 {second} 0 2048 {held} 0 2048",
                  f"{held.name} has another holder", error=errno.EBUSY)
    # so are those of the lines before
    with bed.probe.holding(held):
        check_bad(bed, f"0 2048 daxlinear {first} 0\n2048 2048 daxlinear {held} 0",
                  f"{held.name} has another holder", error=errno.EBUSY)


def test_bad_reload_leaves_the_live_table(bed):
    first, second = free_children(bed)
    device = bed.device(DaxLinear(2048, first, 8 * PAGE_SECTORS))
    before = device.table_text()
    with pytest.raises(CommandError):
        device.load(f"0 2048 daxlinear 2 {first} 0 1024 {second} 4 1024")
    assert bed.probe.is_free(second)
    assert device.table_text() == before
    with bed.probe.holding(device):
        assert [call.off for call in bed.probe.inject(first, 8 * PAGE).calls] == [0]
    device.reload(DaxLinear(2048, second, 0))
    assert bed.probe.is_free(first)
