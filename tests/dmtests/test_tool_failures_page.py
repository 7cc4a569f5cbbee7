# SPDX-License-Identifier: GPL-2.0
"""The commands of Documentation/failures.rst, in their order."""

import contextlib
import os
import re
import shutil

from lib.command import run
from lib.fs.xfs import SMALLEST_GROUP, Xfs
from lib.module import HEAL, TOP
from lib.tool import labels
from lib.tool.monitor import state
from lib.tool.repair import Scene, digest
from lib.tool.tool import FOUND, PROGRAM, daxlinear
from lib.units import MIB, PAGE, PAGE_SECTORS, SECTOR


@contextlib.contextmanager
def folders(*paths):
    """Have folders for a `with` block, as the page has them."""
    for path in paths:
        os.makedirs(path)
    try:
        yield
    finally:
        for path in paths:
            shutil.rmtree(path)


def console(page, name=None):
    """Return (command, what is printed) of each command of a page, in blocks of this name."""
    option = rf"    :name: {name}\n" if name else ""
    with open(os.path.join(TOP, "Documentation", page), encoding="utf-8") as file:
        blocks = re.findall(rf"^\.\. code-block:: console\n{option}\n((?:    .*\n)+)",
                            file.read(), re.MULTILINE)
    return [(command, lines.splitlines()) for block in blocks
            for command, lines in re.findall(r"    # (.*)\n((?:    [^#].*\n)*)", block)]


def play(command, shown, code):
    """Run a command of a page, to end with this code and to print what is shown."""
    done = run("bash", "-c", f"PATH={os.path.dirname(PROGRAM)}:$PATH; {command}; echo code $?")
    assert f"code {code}\n" in done, command
    left = iter(done.splitlines())
    for line in shown:
        pattern = ".*".join(re.escape(part.strip()) for part in line.strip().split("..."))
        pattern = re.sub(r"(\\ )+", r"\\s+", pattern)
        assert any(re.search(pattern, other) for other in left), (command, line)


def test_the_page(clean):
    # the commands of Documentation/failures.rst, in their order
    clean.enter(folders("/mem", "/backup"))
    scene = Scene(clean, name="mem", folder="/mem")
    clean.enter(HEAL)
    path, backup = scene.make("ledger", MIB)
    shutil.copy(backup, "/backup")
    scene.fs.reserve("gone", MIB)
    child, at = scene.on_child(scene.fs.place("gone", 0))
    os.unlink(scene.fs.path("gone"))
    os.sync()
    scene.spoil("ledger", 5 * PAGE, PAGE_SECTORS)
    child.add_badblocks(at // SECTOR, 8)
    commands = console("failures.rst")
    assert len(commands) >= 6
    for command, shown in commands:
        if command.startswith("umount"):
            child, at = scene.on_child(SMALLEST_GROUP)
            child.add_badblocks(at // SECTOR, 8)
        code = FOUND if (command, shown) == commands[0] else 0
        play(command, shown, code)
    assert digest(path) == digest(backup)


def test_the_page_about_replace(blank):
    a, b = blank.nvdimms[:2]
    blank.enter(folders("/mem", "/backup"))
    blank.enter(state("8m"))
    daxlinear("create", "mem", a)
    data = os.urandom(MIB)
    with open("/backup/ledger", "wb") as file:
        file.write(data)
    with Xfs("/dev/mapper/mem", "/mem") as fs:
        fs.write("ledger", data)
        place = next(place + 5 * PAGE - at for at, place, length in fs.extents("ledger")
                     if at <= 5 * PAGE < at + length)
        a.add_badblocks(labels.FRONT + place // SECTOR, PAGE_SECTORS)
        names = {"/dev/pmem1": a.path, "/dev/pmem3": b.path}
        for command, shown in console("failures.rst", "replace"):
            found = re.compile("|".join(names))
            play(found.sub(lambda name: names[name[0]], command),
                 [found.sub(lambda name: names[name[0]], line) for line in shown],
                 FOUND if "damage" in command else 0)
        assert fs.read("ledger", MIB) == data
    a.renew()
