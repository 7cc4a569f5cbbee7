# SPDX-License-Identifier: GPL-2.0
"""The commands of Documentation/failures.rst, in their order."""

import contextlib
import os
import re
import shutil

from lib.command import run
from lib.fs.xfs import SMALLEST_GROUP
from lib.module import HEAL, TOP
from lib.tool.repair import Scene, digest
from lib.tool.tool import FOUND, PROGRAM
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


def console(page):
    """Return (command, what is printed) of each command of a page."""
    with open(os.path.join(TOP, "Documentation", page), encoding="utf-8") as file:
        blocks = re.findall(r"^\.\. code-block:: console\n\n((?:    .*\n)+)", file.read(),
                            re.MULTILINE)
    return [(command, lines.splitlines()) for block in blocks
            for command, lines in re.findall(r"    # (.*)\n((?:    [^#].*\n)*)", block)]


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
        done = run("bash", "-c", f"PATH={os.path.dirname(PROGRAM)}:$PATH; {command}; echo code $?")
        assert f"code {code}\n" in done, command
        left = iter(done.splitlines())
        for line in shown:
            pattern = ".*".join(re.escape(part.strip()) for part in line.strip().split("..."))
            pattern = re.sub(r"(\\ )+", r"\\s+", pattern)
            assert any(re.search(pattern, other) for other in left), (command, line)
    assert digest(path) == digest(backup)
