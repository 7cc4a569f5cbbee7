# SPDX-License-Identifier: GPL-2.0
"""daxlinear monitor: an alert for each bad range, none lost and none twice."""

import os
import random
import signal
import subprocess
import time

import pytest

from lib.beside import PATIENCE_SECONDS, wait_for
from lib.command import read_file, run, write_file
from lib.devices.unplug import Unplugged
from lib.dm.target import DaxLinear, Linear
from lib.fs.xfs import Xfs
from lib.holders.record import Record
from lib.module import HEAL, HOLDER, TARGET
from lib.tool.monitor import HISTORY, STATE, Monitor, history, state
from lib.tool.mounted import MountedTool
from lib.tool.repair import Scene, repair
from lib.tool.tool import FAILED, PROGRAM, USAGE, ToolDevice, ask, daxlinear, refused
from lib.units import MIB, MIB_SECTORS, PAGE, SECTOR

pytestmark = pytest.mark.usefixtures("renewed")

# how long nothing may come where nothing is to come
QUIET_SECONDS = 2


@pytest.fixture(name="kept")
def _kept(clean):
    """The bed, with a state file of its own."""
    clean.enter(state())
    return clean


def failures(lines):
    """Return (child, its offset, result) of each failure."""
    return [(line["child"], line["sector"] * SECTOR, line["result"]) for line in lines
            if line["event"] == "failure"]


def test_by_name(clean):
    setup = MountedTool(clean)
    name = setup.device.name
    setup.fs.write("file", b"x" * MIB)
    place = setup.fs.place("file", 0)
    child, at = setup.on_child(place)
    with Monitor(name) as monitor:
        for page in (3, 3, 5, 30):
            clean.probe.inject(child, at + page * PAGE)
            found = monitor.line()
            assert found["event"] == "failure" and found["device"] == name
            assert found["offset_bytes"] == place + page * PAGE
            assert (found["result"], found["source"]) == ("handled", "record")
            (owner,) = found["owners"]
            assert (owner["path"], owner["file_offset_bytes"]) == (setup.fs.path("file"),
                                                                   page * PAGE)
        # bad blocks that the driver finds; those that it lists after a failure are none
        child.add_badblocks((at + 30 * PAGE) // SECTOR, 8)
        child.add_badblocks((at + 40 * PAGE) // SECTOR, 1)
        clean.probe.inject(child, at + 41 * PAGE)
        found = sorted(monitor.lines(2), key=lambda line: line["sector"])
        assert [line["source"] for line in found] == ["media", "record"]
        assert found[0]["offset_bytes"] == place + 40 * PAGE
        assert found[0]["length_bytes"] == SECTOR
        setup.fs.unmount()
        daxlinear("remove", name)
        code, out, err = monitor.end()
        assert (code, out) == (0, []) and f"{name} is gone" in err


def test_text(clean):
    a = clean.nvdimms[1]
    device = clean.named_device(DaxLinear(MIB_SECTORS, a, MIB_SECTORS))
    with subprocess.Popen(["timeout", str(PATIENCE_SECONDS), "stdbuf", "-o0", PROGRAM,
                           "monitor", device.name], stdout=subprocess.PIPE, text=True) as process:
        for page in (1, 2):
            clean.probe.inject(a, MIB + page * PAGE)
            line = process.stdout.readline()
            assert f"{device.name}: 4 KiB at {page * PAGE:#x} failed, on {a.name} (" in line
            assert "left to the kernel's generic handling" in line and line.startswith("20")
        process.terminate()
        assert process.stdout.read() == ""


def test_two_names(clean):
    # of two devices; failures of a third are no business of it
    a, b, c = clean.nvdimms[1:4]
    devices = [clean.named_device(DaxLinear(MIB_SECTORS, child)) for child in (a, b, c)]
    with Monitor(devices[0].name, devices[1].name) as monitor:
        for child in (a, c, b):
            clean.probe.inject(child, PAGE)
        found = monitor.lines(2)
        assert {line["device"] for line in found} == {device.name for device in devices[:2]}
        devices[0].remove()
        clean.probe.inject(b, 2 * PAGE)
        assert monitor.line()["offset_bytes"] == 2 * PAGE
        devices[1].remove()
        code, out, err = monitor.end()
        assert (code, out) == (0, []) and "all of them are gone" in err


def test_after_a_reload(clean):
    # it goes on with the new table
    a, b = clean.nvdimms[1:3]
    device = clean.enter(ToolDevice(a))
    with Monitor(device.name) as monitor:
        daxlinear("extend", device.name, b)
        clean.probe.inject(b, PAGE)
        found = monitor.line()
        assert (found["child"], found["offset_bytes"]) == (b.name, 128 * MIB + PAGE)


def test_before_it_began(kept):
    # what failed with no monitor running comes first, and once
    setup = MountedTool(kept)
    setup.fs.write("file", b"x" * MIB)
    place = setup.fs.place("file", 0)
    child, at = setup.on_child(place)
    for page in (1, 2, 2):
        kept.probe.inject(child, at + page * PAGE)
    with Monitor() as monitor:
        found = monitor.lines(3)
        assert [line["offset_bytes"] - place for line in found] == [PAGE, 2 * PAGE, 2 * PAGE]
        assert all(line["owners"][0]["path"] == setup.fs.path("file") for line in found)
        assert found[0]["namespace"] and found[0]["disk"] == child.name
        wait_for(lambda: os.path.exists(HISTORY), "no history")
    ranges = [one for one in history()["ranges"] if one["child"] == child.name]
    assert [(one["sector"] * SECTOR - at, one["count"]) for one in ranges] == [(PAGE, 1),
                                                                              (2 * PAGE, 2)]
    assert setup.fs.path("file") in ranges[0]["owners"][0]
    with Monitor() as monitor:
        assert monitor.line(QUIET_SECONDS) is None
        kept.probe.inject(child, at + 3 * PAGE)
        assert monitor.line()["offset_bytes"] == place + 3 * PAGE
    # what was taken out of the record leaves the history
    Record(child).clear()
    with Monitor():
        assert not [one for one in history()["ranges"] if one["child"] == child.name]


def test_one_line_a_failure(kept):
    # a device that stands on another one is notified, too; the file is on the one at the top
    a = kept.nvdimms[1]
    below = kept.named_device(DaxLinear(8 * MIB_SECTORS, a, 8 * MIB_SECTORS))
    above = kept.named_device(DaxLinear(MIB_SECTORS, below, MIB_SECTORS))
    with Monitor() as monitor:
        kept.probe.inject(a, 9 * MIB + PAGE)
        found = monitor.line()
        assert (found["device"], found["offset_bytes"]) == (above.name, PAGE)
        # only the lower one has that
        kept.probe.inject(a, 8 * MIB)
        found = monitor.line()
        assert (found["device"], found["offset_bytes"]) == (below.name, 0)
        # no device has it
        kept.probe.inject(a, 0)
        found = monitor.line()
        assert (found["device"], found["result"], found["child"]) == (None, "unused", a.name)


def test_killed_in_a_burst(kept):
    # nothing is lost, and what the state file has is never printed again
    a, b = kept.nvdimms[1:3]
    kept.named_device(DaxLinear(64 * MIB_SECTORS, a), DaxLinear(64 * MIB_SECTORS, b))
    expected, printed, page = set(), [], 0
    for _ in range(8):
        monitor = Monitor()
        with monitor:
            burst = [(child, (page + number) * 2 * PAGE) for number in range(20)
                     for child in (a, b)]
            page += 20
            kept.probe.inject_all(burst)
            expected |= {(child.name, at, "generic") for child, at in burst}
            time.sleep(random.uniform(0, 0.4))
            monitor.kill()
            printed += monitor.rest()
    with Monitor() as monitor:
        while (line := monitor.line(QUIET_SECONDS)) is not None:
            printed.append(line)
    assert set(failures(printed)) == expected
    kept_ranges = history()["ranges"]
    assert {(one["child"], one["sector"] * SECTOR, "generic") for one in kept_ranges} == expected
    assert all(one["count"] == 1 for one in kept_ranges)
    with Monitor() as monitor:
        assert monitor.line(QUIET_SECONDS) is None


def test_more_than_the_ring(kept):
    # events that newer ones have replaced are found in the record
    a = kept.nvdimms[1]
    kept.named_device(DaxLinear(64 * MIB_SECTORS, a))
    with Monitor():
        pass
    kept.probe.inject_all([(a, 2 * number * PAGE) for number in range(300)])
    kept.probe.inject_all([(a, 0)] * 1100)
    with Monitor() as monitor:
        lines = monitor.lines(1024 + 299)
    assert {at for _, at, _ in failures(lines)} == {2 * number * PAGE for number in range(300)}
    assert [line["source"] for line in lines if line["result"] == "unknown"] == ["record"] * 299


def test_pending(kept):
    # the result is waited for, and not for ever; a later failure is not printed before
    a = kept.nvdimms[1]
    device = kept.named_device(DaxLinear(MIB_SECTORS, a))
    kept.enter(kept.probe.holding(device))
    with Monitor() as monitor:
        # in ticks of the clock, of up to 4 ms
        kept.probe.delay(device, 250)
        kept.probe.inject(a, PAGE)
        assert monitor.line()["result"] == "handled"
        kept.probe.delay(device, 6000)
        with subprocess.Popen(["true"]):
            started = time.monotonic()
            kept.probe.inject(a, 2 * PAGE)
            assert time.monotonic() - started > 5
        found = monitor.line()
        assert (found["result"], found["offset_bytes"]) == ("pending", 2 * PAGE)
        kept.probe.delay(device, 0)
        assert monitor.line(QUIET_SECONDS) is None


def test_gone(kept):
    # one line, with the namespace; also if the monitor starts when it is gone already
    a, b = kept.nvdimms[1:3]
    device = kept.named_device(DaxLinear(MIB_SECTORS, a), DaxLinear(MIB_SECTORS, b))
    namespace = None
    with Monitor() as monitor:
        kept.probe.inject(b, 0)
        namespace = monitor.line()["namespace"]
        with Unplugged(b):
            found = monitor.line()
            assert found["event"] == "gone" and found["device"] == device.name
            assert (found["disk"], found["namespace"]) == (b.name, namespace)
            assert monitor.line(QUIET_SECONDS) is None
            wait_for(lambda: [one["source"] for one in history()["ranges"]] == ["record", "gone"],
                     "no history")
            monitor.kill()
            with Monitor() as other:
                assert other.line(QUIET_SECONDS) is None
            device.remove()
    # it is back
    kept.named_device(DaxLinear(MIB_SECTORS, b))
    with Monitor():
        assert [one["source"] for one in history()["ranges"]] == ["record"]


def test_new_devices(kept):
    # one that is made later, removed, and made anew under the same name over another child
    a, b = kept.nvdimms[1:3]
    with Monitor() as monitor:
        device = kept.named_device(DaxLinear(MIB_SECTORS, a))
        name = device.name
        kept.probe.inject(a, PAGE)
        found = monitor.line()
        assert (found["device"], found["child"]) == (name, a.name)
        device.remove()
        run("dmsetup", "create", name, stdin=f"0 {MIB_SECTORS} daxlinear {b} 0\n")
        try:
            kept.probe.inject(b, 2 * PAGE)
            found = monitor.line()
            assert (found["device"], found["child"]) == (name, b.name)
            wait_for(lambda: len(history()["ranges"]) == 2, "no history")
            monitor.kill()
            with Monitor() as other:
                assert other.line(QUIET_SECONDS) is None
        finally:
            run("dmsetup", "remove", name)


def test_module_unloaded(kept):
    # under the monitor, and between two; the numbers of the new record begin anew
    a = kept.nvdimms[1]

    def fail(page):
        with_device = kept.named_device(DaxLinear(MIB_SECTORS, a))
        kept.probe.inject(a, page * PAGE)
        with_device.remove()

    def load_anew():
        TARGET.remove()
        HOLDER.remove()
        HOLDER.insert()
        TARGET.insert()

    with Monitor() as monitor:
        fail(1)
        fail(2)
        assert [line["sector"] for line in monitor.lines(2)] == [8, 16]
        load_anew()
        fail(3)
        assert monitor.line()["sector"] == 24
    load_anew()
    for page in (4, 5, 6, 7):
        fail(page)
    with Monitor() as monitor:
        assert [line["sector"] for line in monitor.lines(4)] == [32, 40, 48, 56]
    with Monitor() as monitor:
        assert monitor.line(QUIET_SECONDS) is None


def test_clock_stepped(kept):
    a = kept.nvdimms[1]
    kept.named_device(DaxLinear(MIB_SECTORS, a))
    now = time.time()
    try:
        with Monitor() as monitor:
            kept.probe.inject(a, PAGE)
            assert monitor.line()["sector"] == 8
            time.clock_settime(time.CLOCK_REALTIME, now - 86400)
            kept.probe.inject(a, 2 * PAGE)
            assert monitor.line()["sector"] == 16
            wait_for(lambda: len(history()["ranges"]) == 2, "no history")
            monitor.kill()
        kept.probe.inject(a, 3 * PAGE)
        time.clock_settime(time.CLOCK_REALTIME, now + 86400)
        with Monitor() as monitor:
            assert monitor.line()["sector"] == 24
            assert monitor.line(QUIET_SECONDS) is None
    finally:
        time.clock_settime(time.CLOCK_REALTIME, time.time() if now > time.time() else now)


def test_two_at_once(kept):
    assert kept.nvdimms
    with Monitor():
        assert "another daxlinear monitor" in refused("monitor")
        # which is no second one
        daxlinear("monitor", "--test")
    with Monitor():
        pass


def fill(path):
    """Make a file of all the space that its filesystem has left."""
    with open(path, "wb", buffering=0) as file, pytest.raises(OSError):
        while True:
            file.write(bytes(PAGE))


def test_disk_full(clean):
    # alerts go on; the old file stays; when there is room again, it is written
    clean.enter(state("256K"))
    a = clean.nvdimms[1]
    clean.named_device(DaxLinear(MIB_SECTORS, a))
    with Monitor() as monitor:
        clean.probe.inject(a, PAGE)
        assert monitor.line()["sector"] == 8
        wait_for(lambda: os.path.exists(HISTORY) and history()["ranges"], "no history")
        fill(f"{STATE}/full")
        clean.probe.inject(a, 2 * PAGE)
        assert monitor.line()["sector"] == 16
        monitor.wait_for_message("No space left on device; alerts go on")
        assert len(history()["ranges"]) == 1
        os.unlink(f"{STATE}/full")
        # the message comes after the file
        monitor.wait_for_message("is written again")
        assert len(history()["ranges"]) == 2
    with Monitor() as monitor:
        assert monitor.line(QUIET_SECONDS) is None


def test_repaired_and_not_written(clean):
    # what repair has noted is applied once, though it cannot be taken away: the next failure of the
    # same page stays
    clean.enter(state())
    clean.enter(HEAL)
    scene = Scene(clean)
    path, backup = scene.make("file", MIB)
    with Monitor() as monitor:
        scene.fail("file", 5 * PAGE)
        assert monitor.line()["event"] == "failure"
        wait_for(lambda: os.path.exists(HISTORY) and history()["ranges"], "no history")
        # as a disk that has room for a line, and none for a file
        os.mkdir(f"{HISTORY}.new")
        repair(scene, path, "--from", backup)
        monitor.wait_for_message("File exists; alerts go on")
        # each failure has it look again
        for page in (5, 9):
            scene.fail("file", page * PAGE)
            assert monitor.line()["event"] == "failure"
        assert " good " in read_file(f"{STATE}/settled")
        os.rmdir(f"{HISTORY}.new")
        monitor.wait_for_message("is written again")
        assert [found["count"] for found in history()["ranges"]] == [1, 1]
    assert read_file(f"{STATE}/settled") == ""


def test_damaged_state(kept):
    a = kept.nvdimms[1]
    kept.named_device(DaxLinear(MIB_SECTORS, a))
    write_file(HISTORY, "{ \"version\": 1, ")
    kept.probe.inject(a, PAGE)
    with Monitor() as monitor:
        assert monitor.line()["sector"] == 8
        assert read_file(f"{HISTORY}.damaged-1").startswith("{")
        assert len(history()["ranges"]) == 1
        monitor.wait_for_message("it is kept as")


def test_mounts(kept):
    # without dax, without rmapbt, and with reflink over a seam: once for each mount
    a, b = kept.nvdimms[1:3]
    seamless = kept.named_device(DaxLinear(128 * MIB_SECTORS, a))
    seam = kept.named_device(DaxLinear(64 * MIB_SECTORS + 8, b),
                             DaxLinear(64 * MIB_SECTORS - 8, a, 128 * MIB_SECTORS))
    folder = kept.folder()
    with Monitor() as monitor:
        for device, options, check in (
                (seamless, (True, False, "always"), None),
                (seamless, (True, False, "never"), "dax"),
                (seamless, (False, False, "always"), "rmapbt"),
                (seam, (True, True, "always"), "seams")):
            rmapbt, reflink, dax = options
            with Xfs(device, folder, rmapbt=rmapbt, reflink=reflink, dax=dax):
                found = monitor.line(QUIET_SECONDS if check is None else 30)
                if check is None:
                    assert found is None
                    continue
                assert (found["event"], found["device"], found["check"]) == (
                    "mount", device.name, check)
                assert monitor.line(QUIET_SECONDS) is None
        with Xfs(seam, folder, reflink=True):
            assert monitor.line()["check"] == "seams"
            wait_for(lambda: history().get("mounts"), "no history")
            monitor.kill()
            with Monitor() as other:
                assert other.line(QUIET_SECONDS) is None
    # of a filesystem on other devices it is no business of ours
    other = kept.named_device(Linear(128 * MIB_SECTORS, a))
    with Monitor() as monitor, Xfs(other, folder, rmapbt=False):
        assert monitor.line(QUIET_SECONDS) is None


def test_test(kept):
    assert kept.nvdimms
    found = ask("monitor", "--test")
    assert found["event"] == "test"
    assert "takes no NAME" in refused("monitor", "--test", "x", code=USAGE)


@pytest.mark.parametrize("words, code, text", [
    (["missing"], FAILED, 'no mapped device "missing"'),
    (["/dev/missing"], FAILED, "No such file"),
    (["/dev/null"], FAILED, "is no mapped device"),
    (["--what"], USAGE, '"--what" is no option'),
    (["--json=x"], USAGE, "is no option"),
])
def test_bad_input(bed, words, code, text):
    assert bed.nvdimms
    assert text in refused("monitor", *words, code=code)


def test_stopped(kept):
    # as systemd stops it
    assert kept.nvdimms
    with Monitor() as monitor:
        os.kill(monitor._process.pid, signal.SIGTERM)  # pylint: disable=protected-access
        assert monitor.end()[0] == -signal.SIGTERM
