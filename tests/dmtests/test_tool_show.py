# SPDX-License-Identifier: GPL-2.0
"""daxlinear show: a picture of a device."""

import os
import xml.etree.ElementTree

import pytest

from lib.devices.unplug import Unplugged
from lib.dm.target import DaxLinear
from lib.tool.terminal import terminal
from lib.tool.tool import BAD_NAMES, USAGE, ToolDevice, daxlinear, refused
from lib.units import MIB_SECTORS


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


def test_gone(clean):
    # all of the child that has gone is bad
    a, b = clean.nvdimms[1:3]
    device = clean.named_device(DaxLinear(128 * MIB_SECTORS, a), DaxLinear(128 * MIB_SECTORS, b))
    with Unplugged(b):
        lines = [line.split() for line in daxlinear("show", device.name).splitlines()]
        assert lines[1][0] == a.path and set(lines[1][1]) == set("=.")
        assert lines[2][0] == b.number and set(lines[2][1]) == {"x"}
        device.remove()


@pytest.mark.parametrize("words, code, text", [
    *BAD_NAMES,
    (["--svg"], USAGE, "--svg wants a value"),
])
def test_bad_input(bed, words, code, text):
    assert bed.nvdimms
    assert text in refused("show", *words, code=code)
