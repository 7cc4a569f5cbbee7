# SPDX-License-Identifier: GPL-2.0
"""daxlinear drill: the failure of a page, rehearsed on a mounted filesystem."""

import contextlib
import fcntl
import os
import signal

import pytest

from lib.beside import Beside
from lib.command import run
from lib.devices.badblocks import badblocks
from lib.dm.device import NamedDevice
from lib.dm.target import DaxLinear, Linear
from lib.fs.xfs import SMALLEST_GROUP, Xfs
from lib.holders.victim import Victim
from lib.module import HEAL
from lib.tool import strace
from lib.tool.monitor import Monitor, state
from lib.tool.repair import HEALS, QUARANTINE, Scene, call_json, records, repair, steps
from lib.tool.terminal import terminal
from lib.tool.tool import BAD_NAMES, FAILED, FOUND, PROGRAM, ask, call, daxlinear, refused
from lib.units import MIB, MIB_SECTORS, PAGE

pytestmark = pytest.mark.usefixtures("renewed")

DRILL = ".daxlinear-drill"

STEPS = ["signal", "signal", "signal", "record", "event", "damage", "alert", "repair", "end"]


class DrillScene(Scene):
    """An XFS over two NVDIMMs, pages of which a drill poisons."""

    def __init__(self, bed, **options):
        super().__init__(bed, **options)
        for child in self.children:
            child.is_spoiled = True
        # as the first file does for its group: XFS makes folders in each group in turn
        for number in range(2 * self.size // SMALLEST_GROUP):
            os.mkdir(self.fs.path(f"pad-{number}"))
            self.fs.reserve(f"pad-{number}/pad", MIB)

    def left(self):
        """Return whether a drill has left its folder."""
        return os.path.exists(self.fs.path(DRILL))

    def drill(self, code=0):
        """Hold a drill; return the result of each step."""
        done = ask("drill", self.name, "--yes", code=code)
        assert done["name"] == self.name and done["good"] == (code == 0)
        return [(one["step"], one["result"]) for one in done["steps"]]


def good(alert="absent"):
    """Return the results of a drill in which all is as it should be."""
    return [(step, alert if step == "alert" else "good") for step in STEPS]


@pytest.fixture(name="kept")
def _kept(clean):
    """The bed, with a state file of its own."""
    clean.enter(state())
    return clean


@HEALS
def test_drill(kept, heals):
    scene = DrillScene(kept)
    path = scene.fs.write("file", b"x" * MIB)
    if heals:
        kept.enter(HEAL)
    with Victim(path, length=MIB) as other:
        assert scene.drill() == good()
        assert other.lives()
    assert not scene.left()
    assert len(scene.quarantine()) == (not heals)
    assert bool([sector for child in scene.children for sector in badblocks(child)]) != heals
    assert records(scene.children) == ["", ""]
    assert call("repair", scene.name).code == 0
    # the monitor alerts; another drill is held beside the page that is in quarantine
    with Monitor() as monitor:
        # of the first drill, too
        while monitor.line(1):
            pass
        assert scene.drill() == good("good")
        alert = monitor.line()
        assert (alert["device"], alert["result"]) == (scene.name, "handled")
        assert alert["owners"][0]["path"] == scene.fs.path(f"{DRILL}/page")
    done = daxlinear("drill", "--yes", scene.name)
    assert done.count("good") >= 8 and "is cleared" not in done
    assert ("cleared in place" in done) == heals
    assert len(scene.quarantine()) == (0 if heals else 3)
    scene.check_clean()


def test_a_monitor_that_hangs(kept):
    scene = DrillScene(kept)
    with Monitor() as monitor:
        monitor.signal(signal.SIGSTOP)
        found = scene.drill(code=FOUND)
        assert found == good("wrong")
        monitor.signal(signal.SIGCONT)
        assert monitor.line()["device"] == scene.name
    scene.check_clean()


def test_a_page_that_does_not_fail(clean):
    # of the first process, all calls of madvise() fail
    scene = DrillScene(clean)
    done = call("drill", "--yes", scene.name,
                prefix=["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=madvise",
                        "-e", "inject=madvise:error=EBUSY"])
    assert done.code == FOUND and "poison  wrong" in done.out and "busy" in done.out
    assert not scene.left() and not scene.quarantine()
    assert records(scene.children) == ["", ""]


def test_asks(clean):
    scene = DrillScene(clean)
    done = call("drill", scene.name)
    assert done.code == FAILED and "give --yes" in done.err
    assert "This rehearses the failure of a page" in done.err and "until the\n" in done.err
    assert "nothing was done" in terminal("drill", scene.name, answer="n\n")
    assert not scene.left() and records(scene.children) == ["", ""]
    shown = terminal("drill", scene.name, answer="y\n")
    assert shown.count("good") >= 8
    assert not scene.left()


@contextlib.contextmanager
def locked():
    """Have the lock of changes, as a repair has."""
    with open("/run/daxlinear.lock", "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def fill(scene):
    """Leave no MiB free."""
    size = 64 * MIB
    number = 0
    while size >= MIB // 2:
        try:
            scene.fs.reserve(f"full{number}", size)
            number += 1
        except OSError:
            size //= 2


@pytest.mark.parametrize("what, text", [
    ("damage", "repair it first"), ("free space", "repair it first"),
    ("a repair", "another daxlinear"), ("no mount", "is not mounted"),
    ("no dax", "without DAX"), ("no rmapbt", "has no rmapbt"), ("no reflink", "has no reflink"),
    ("a shutdown", "has shut down"), ("no space", "is full"), ("read-only", "remount,rw"),
    ("no capability", "CAP_SYS_ADMIN"), ("no memory_failure", "CONFIG_MEMORY_FAILURE"),
    ("a folder", "is not root's")])
def test_refused(clean, what, text):
    # pylint: disable=too-many-branches # each way is a line or two
    options: dict[str, dict] = {"no dax": {"dax": "never"}, "no reflink": {"reflink": False},
                                "no rmapbt": {"rmapbt": False, "reflink": False}}
    scene = DrillScene(clean, **options.get(what, {}))
    prefix = []
    folder = scene.fs.folder
    scene.make("file", MIB)
    if what == "damage":
        scene.spoil("file", 5 * PAGE)
    elif what == "free space":
        child, at = scene.on_child(scene.size - 4 * MIB)
        child.add_badblocks(at // 512, 8)
    elif what == "a repair":
        clean.enter(locked())
    elif what == "no mount":
        scene.fs.unmount()
    elif what == "a shutdown":
        run("xfs_io", "-x", "-c", "shutdown", folder)
    elif what == "no space":
        fill(scene)
    elif what == "read-only":
        run("mount", "-o", "remount,ro", folder)
    elif what == "no capability":
        prefix = ["setpriv", "--bounding-set=-sys_admin"]
    elif what == "no memory_failure":
        prefix = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs no /proc/sys/vm && exec "$@"', "sh"]
    elif what == "a folder":
        os.mkdir(scene.fs.path(DRILL))
        os.chown(scene.fs.path(DRILL), 1000, 1000)
    done = call("drill", "--yes", scene.name, prefix=prefix)
    assert done.code == FAILED and text in done.err and done.out == ""
    assert records(scene.children) == ["", ""]
    if what not in ("no mount", "a shutdown", "a folder"):
        assert not scene.left()


def test_not_notified(clean):
    # of dm-linear, until the device is attached
    child = clean.nvdimms[1]
    child.is_spoiled = True
    device = clean.named_device(Linear(48 * MIB_SECTORS, child))
    fs = clean.enter(Xfs(device, clean.folder(), agsize=SMALLEST_GROUP))
    assert "is not notified of failures" in refused("drill", "--yes", device.name)
    daxlinear("attach", device.name)
    try:
        assert ask("drill", device.name, "--yes")["good"]
    finally:
        fs.unmount()
        daxlinear("detach", device.name)


@pytest.mark.parametrize("words, code, text", BAD_NAMES)
def test_bad_names(bed, words, code, text):
    assert bed.nvdimms
    assert text in refused("drill", *words, code=code)


def check_after_a_kill(scene, end, others=()):
    """Assert that what a drill has left is in no other file, and have it ended."""
    kept = scene.quarantine() | set(others)
    scratch = scene.fs.path(f"{DRILL}/page")
    if os.path.exists(scratch):
        kept.add(os.stat(scratch).st_ino)
    for bad in call_json("damage", scene.name)["bad"]:
        assert bad["owners"], bad
        assert {owner["inode"] for owner in bad["owners"]} <= kept, bad
    end(scene)
    assert not scene.left()
    assert records(scene.children) == ["", ""]
    assert call("repair", scene.name).code == 0


def test_killed(clean):
    # at each step; the next drill ends it
    scene = DrillScene(clean)
    scene.drill()
    found = steps("drill", "--yes", scene.name)
    assert len(found) >= 15 and "ioctl" in dict(found)
    for step, number in found[::2]:
        assert strace.kill_at(step, number, "drill", "--yes", scene.name).code
        check_after_a_kill(scene, lambda scene: scene.drill())


def test_killed_with_a_bad_page(clean):
    # a repair of another file ends it, too
    scene = DrillScene(clean)
    path, backup = scene.make("file", MIB)
    # the first one is in the shape of a file without a name, which is what a repair begins with
    assert strace.kill_at("fallocate", 1, "drill", "--yes", scene.name).code
    assert scene.left()
    listed = call("repair", scene.name)
    assert listed.code == FOUND and f"{DRILL}/page, data at 0x1000" in listed.out
    scene.spoil("file", 5 * PAGE)
    assert "repair it first" in refused("drill", "--yes", scene.name)
    check_after_a_kill(scene, lambda _: repair(scene, path, "--from", backup),
                       [os.stat(path).st_ino])


def test_after_a_reboot(kept):
    # what drills have left in quarantine is released when the kernel has no mark of it any more
    scene = DrillScene(kept)
    scene.drill()
    folder = scene.fs.path(QUARANTINE)
    name, = (entry for entry in os.listdir(folder) if entry.startswith("block-"))
    attribute = "trusted.daxlinear.drill"
    with open("/proc/sys/kernel/random/boot_id", "rb") as file:
        assert os.getxattr(f"{folder}/{name}", attribute) == file.read().strip()
    os.setxattr(f"{folder}/{name}", attribute, b"of an earlier boot")
    scene.drill()
    # the driver lists it still
    assert os.path.exists(f"{folder}/{name}") and len(scene.quarantine()) == 2
    scene.fs.unmount()
    scene.device.remove()
    for child in scene.children:
        child.renew()
    device = kept.enter(NamedDevice(DaxLinear.ranges(
        [(child, 2 * MIB_SECTORS, scene.size // 512) for child in scene.children])))
    fs = kept.enter(Xfs(device, scene.fs.folder, make=False))
    assert ask("drill", device.name, "--yes")["good"]
    assert not os.path.exists(fs.path(f"{QUARANTINE}/{name}"))
    assert len([entry for entry in os.listdir(folder) if entry.startswith("block-")]) == 2


def test_a_second_failure(clean):
    # while it is held: the drill goes on, and lists what is not its own afterwards
    scene = DrillScene(clean)
    path, backup = scene.make("file", MIB)
    with Beside("strace", "-qq", "-o", "/dev/null", "-e", "trace=fallocate", "-e",
                "inject=fallocate:delay_enter=3s", PROGRAM, "drill", "--yes", scene.name) as drill:
        while not os.path.exists(scene.fs.path(f"{DRILL}/page")):
            assert drill.running
        scene.spoil("file", 5 * PAGE)
        drill.end()
    listed = call("repair", scene.name)
    assert listed.code == FOUND and path in listed.out and DRILL not in listed.out
    repair(scene, path, "--from", backup)
    scene.check_clean()
