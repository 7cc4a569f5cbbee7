# SPDX-License-Identifier: GPL-2.0
"""daxlinear show: a picture of a device."""

import itertools
import os
import xml.etree.ElementTree

import pytest

from lib.devices.unplug import Unplugged
from lib.dm.target import DaxLinear, Linear, Striped
from lib.tool.terminal import terminal
from lib.tool.tool import BAD_NAMES, USAGE, ToolDevice, daxlinear, refused
from lib.units import MIB_SECTORS, PAGE


def test_show(clean):
    a, c = clean.nvdimms[1], clean.nvdimms[3]
    device = clean.enter(ToolDevice(a, c))
    daxlinear("mkfs", device.name)
    c.add_badblocks(300 * MIB_SECTORS, 1)
    lines = daxlinear("show", device.name).splitlines()
    assert lines[0] == f"{device.name}: 512 MiB, allocation groups of 128 MiB"
    (_, bar_a, *text_a), (_, bar_c, *text_c) = lines[1].split(), lines[2].split()
    assert " ".join(text_a) == "128 MiB, 126 MiB unused"
    assert " ".join(text_c) == "384 MiB, 126 MiB unused"
    # to scale: 254 and 510 MiB, a half and three quarters of them used, 128 MiB a group
    cell = 510 / len(bar_c)
    assert abs(len(bar_a) * cell - 254) <= cell
    assert abs(bar_a.index(".") * cell - 128) <= cell
    assert abs(bar_c.index(".") * cell - 384) <= cell
    assert [round(index * cell / 128) for index, letter in enumerate(bar_c) if letter == "|"] == [
        0, 1, 2]
    assert bar_c.count("x") == 1 and abs(bar_c.index("x") * cell - 300) <= cell
    assert set(bar_a) == set("|=.") and bar_a[0] == "|"
    for columns in (60, 200):
        shown = terminal("show", device.name, columns=columns).splitlines()
        assert columns - 12 <= max(len(line) for line in shown) <= columns


def test_show_svg(clean):
    device = clean.enter(ToolDevice(clean.nvdimms[1], clean.nvdimms[3]))
    daxlinear("mkfs", device.name)
    clean.nvdimms[3].add_badblocks(300 * MIB_SECTORS, 8)
    path = os.path.join(clean.folder(), "picture.svg")
    assert daxlinear("show", "--svg", path, device.name) == ""
    root = xml.etree.ElementTree.parse(path).getroot()
    rects = [(rect.get("class"), float(rect.get("x")), float(rect.get("width")))
             for rect in root.iter("{http://www.w3.org/2000/svg}rect") if rect.get("class")]
    scale = 1000 / 510
    used = [(round((x - 20) / scale), round(width / scale)) for kind, x, width in rects
            if kind == "used"]
    assert used == [(0, 128), (0, 384)]
    (bad,) = [x for kind, x, _ in rects if kind == "bad"]
    assert round((bad - 20) / scale) == 300
    assert len([1 for kind, _, _ in rects if kind == "group"]) == 4
    assert "No such file" in refused("show", "--svg", "/missing/x.svg", device.name)


def assert_drawn(picture, cell, *expected):
    """Each piece is drawn as (letter, first MiB, end), in cells of so many MiB."""
    found = [(letter, [index for index, _ in group])
             for letter, group in itertools.groupby(enumerate(picture), key=lambda pair: pair[1])
             if letter != "."]
    assert [letter for letter, _ in found] == [letter for letter, *_ in expected], picture
    for (_, indices), (_, first, end) in zip(found, expected):
        # a cell shows all that it has any part of; how large it is, is known to a part of a cell
        assert abs(indices[0] * cell - first) <= 1.5 * cell, (picture, expected)
        assert abs((indices[-1] + 1) * cell - end) <= 1.5 * cell, (picture, expected)


def unused(child, *used):
    """Return the text of what nothing uses, in MiB."""
    return f"{child.sectors // MIB_SECTORS - sum(used)} MiB unused"


def test_stripes_and_others(clean):
    """Stripes are drawn where they are, and what others use is theirs."""
    a, b = clean.nvdimms[1:3]
    device = clean.named_device(
        Linear(64 * MIB_SECTORS, a, 16 * MIB_SECTORS),
        Striped(128 * MIB_SECTORS, 4096, [(a, 100 * MIB_SECTORS), (b, 0)]))
    other = clean.named_device(Linear(32 * MIB_SECTORS, b, 128 * MIB_SECTORS))
    # on half of the stripes
    above = clean.named_device(DaxLinear(64 * MIB_SECTORS, device, 96 * MIB_SECTORS))
    _, line_a, line_b, legend = daxlinear("show", device.name).splitlines()
    path_a, bar_a, text_a = line_a.split(maxsplit=2)
    path_b, bar_b, text_b = line_b.split(maxsplit=2)
    assert (path_a, path_b) == (a.path, b.path)
    assert text_a == f"128 MiB, {unused(a, 128)}"
    assert text_b == f"64 MiB, 32 MiB of {other.name}, {unused(b, 96)}"
    cell = b.sectors / MIB_SECTORS / len(bar_b)
    assert_drawn(bar_a, cell, ("=", 16, 80), ("#", 100, 164))
    assert_drawn(bar_b, cell, ("#", 0, 64), ("-", 128, 160))
    assert legend == "  = used  # used in stripes  - used by others  . unused  x bad"
    _, line_a, line_b, _ = daxlinear("show", above.name).splitlines()
    # what it stands on is not another
    cell = b.sectors / MIB_SECTORS / len(line_b.split()[1])
    assert_drawn(line_a.split()[1], cell, ("#", 116, 148))
    assert_drawn(line_b.split()[1], cell, ("#", 16, 48), ("-", 128, 160))
    assert line_b.split(maxsplit=2)[2] == f"32 MiB, 32 MiB of {other.name}, {unused(b, 64)}"
    path = os.path.join(clean.folder(), "picture.svg")
    daxlinear("show", "--svg", path, device.name)
    root = xml.etree.ElementTree.parse(path).getroot()
    kinds = [rect.get("class") for rect in root.iter("{http://www.w3.org/2000/svg}rect")]
    assert [kind for kind in kinds if kind] == ["unused", "used", "striped", "unused", "other",
                                                "striped"]
    # a failure in a stripe
    daxlinear("attach", device.name)
    clean.probe.inject(b, 2 * PAGE)
    assert [line.split()[1].count("x") for line in
            daxlinear("show", device.name).splitlines()[1:3]] == [0, 1]
    daxlinear("detach", device.name)


def test_many_others(clean):
    """Three are named; one on another is not one more."""
    child = clean.nvdimms[1]
    device, *others = [clean.named_device(Linear(8 * MIB_SECTORS, child, at * 16 * MIB_SECTORS))
                       for at in range(5)]
    clean.named_device(Linear(MIB_SECTORS, others[0]))
    (_, line, _) = daxlinear("show", device.name).splitlines()
    names = sorted(other.name for other in others)
    text = line.split(maxsplit=2)[2]
    assert text == (f"8 MiB, 32 MiB of {names[0]}, {names[1]}, {names[2]} and 1 more, "
                    f"{unused(child, 40)}")
    # what others share is not counted twice
    clean.named_device(Linear(8 * MIB_SECTORS, child, 4 * MIB_SECTORS))
    (_, line, _) = daxlinear("show", device.name).splitlines()
    assert line.split(maxsplit=2)[2].endswith(unused(child, 44))


def test_gone(clean):
    # all of the child that has gone is bad
    a, b = clean.nvdimms[1:3]
    device = clean.named_device(DaxLinear(128 * MIB_SECTORS, a), DaxLinear(128 * MIB_SECTORS, b))
    with Unplugged(b):
        lines = [line.split() for line in daxlinear("show", device.name).splitlines()]
        assert lines[1][0] == a.path and set(lines[1][1]) == set("=.")
        assert lines[2][:2] == [b.name, "(gone)"] and set(lines[2][2]) == {"x"}
        device.remove()


@pytest.mark.parametrize("words, code, text", [
    *BAD_NAMES,
    (["--svg"], USAGE, "--svg wants a value"),
])
def test_bad_input(bed, words, code, text):
    assert bed.nvdimms
    assert text in refused("show", *words, code=code)
