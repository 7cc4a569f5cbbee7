# SPDX-License-Identifier: GPL-2.0
"""The hooks that daxlinear monitor runs: none is forgotten, and none that has ended runs again."""

import os
import time

import pytest

from lib.beside import wait_for
from lib.command import read_file, write_file
from lib.devices.badblocks import heal
from lib.dm.target import DaxLinear
from lib.fs.xfs import Xfs
from lib.holders.record import Record
from lib.tool.monitor import HASTENED, HISTORY, HOOKS, Monitor, history, hooks, state
from lib.tool.tool import FAILED, call
from lib.units import MIB_SECTORS, PAGE

pytestmark = pytest.mark.usefixtures("renewed")

# after which hooks would have been run
SETTLED_SECONDS = 7

ENV = "env >$OUT/new; mv $OUT/new $OUT/$DAXLINEAR_EVENT"


@pytest.fixture(name="kept")
def _kept(clean):
    """The bed, with a state file of its own."""
    clean.enter(state())
    return clean


def variables(path):
    """Return the variables that a hook has written."""
    text = read_file(path)
    return dict(line.split("=", 1) for line in text.splitlines() if line.startswith("DAXLINEAR_"))


def test_hooks(kept):
    # one failure, and forty: one run each
    a = kept.nvdimms[1]
    device = kept.named_device(DaxLinear(64 * MIB_SECTORS, a))
    with hooks(env=ENV) as out, Monitor() as monitor:
        kept.probe.inject(a, PAGE)
        monitor.line()
        wait_for(lambda: os.path.exists(f"{out}/failure"), "the hook was not run")
        found = variables(f"{out}/failure")
        assert found["DAXLINEAR_DEVICE"] == device.name
        assert (found["DAXLINEAR_SECTOR"], found["DAXLINEAR_COUNT"]) == ("8", "1")
        kept.probe.inject_all([(a, number * PAGE) for number in range(2, 42)])
        monitor.lines(40)
        wait_for(lambda: os.path.exists(f"{out}/summary"), "the hook was not run")
        found = variables(f"{out}/summary")
        assert found["DAXLINEAR_COUNT"] == "40"
        assert found["DAXLINEAR_DEVICES"] == device.name
        wait_for(lambda: not history()["owed"], "the hooks have not ended")
        monitor.kill()
        # what has ended is not run again
        os.unlink(f"{out}/failure")
        os.unlink(f"{out}/summary")
        with Monitor():
            time.sleep(SETTLED_SECONDS)
            assert not os.listdir(out)


def test_hooks_are_owed(kept):
    # a monitor that is killed between the alert and the hook: the next one runs it, for all
    a, b = kept.nvdimms[1:3]
    device = kept.named_device(DaxLinear(64 * MIB_SECTORS, a))
    plain = kept.named_device(DaxLinear(128 * MIB_SECTORS, b))
    with hooks(env=ENV) as out:
        # an event, what only the driver has found, and a mount
        kept.probe.inject(a, PAGE)
        a.add_badblocks(64, 8)
        kept.enter(Xfs(plain, kept.folder(), rmapbt=False))
        with Monitor() as monitor:
            assert {line["event"] for line in monitor.lines(3)} == {"failure", "mount"}
            wait_for(lambda: os.path.exists(HISTORY) and
                     sum(one["count"] for one in history()["owed"]) == 3, "no history")
            monitor.kill()
            assert not os.listdir(out)
        # as after a reboot, the record does not have the event any more
        Record(a).clear()
        heal(a)
        with Monitor() as monitor:
            wait_for(lambda: os.path.exists(f"{out}/summary"), "the hook was not run")
            assert monitor.line(0) is None
            found = variables(f"{out}/summary")
            assert found["DAXLINEAR_COUNT"] == "3"
            assert set(found["DAXLINEAR_DEVICES"].split()) == {device.name, plain.name}
            wait_for(lambda: not history()["owed"], "the hooks have not ended")


def test_killed_with_a_hook(kept):
    # it is run again for the same alerts, by the same ID, and for none that came since
    a = kept.nvdimms[1]
    kept.named_device(DaxLinear(64 * MIB_SECTORS, a))
    script = "env >$OUT/new; mv $OUT/new $OUT/$(date +%s.%N)\n[ -e $OUT/go ] || sleep 20"
    with hooks(env=script) as out:
        def runs():
            return [variables(f"{out}/{name}") for name in sorted(os.listdir(out))
                    if name[0].isdigit()]

        with Monitor() as monitor:
            kept.probe.inject(a, PAGE)
            wait_for(runs, "the hook was not run")
            kept.probe.inject(a, 2 * PAGE)
            monitor.lines(2)
            wait_for(lambda: len(history()["owed"]) == 2, "no history")
            monitor.kill()
        write_file(f"{out}/go", "")
        with Monitor() as monitor:
            wait_for(lambda: len(runs()) == 3, "the hooks were not run")
            assert monitor.line(0) is None
        first, again, other = runs()
        assert first["DAXLINEAR_ID"] == again["DAXLINEAR_ID"] != other["DAXLINEAR_ID"]
        assert [one["DAXLINEAR_SECTOR"] for one in (first, again, other)] == ["8", "8", "16"]


def test_killed_runner(kept):
    # the process that runs the hooks; they are run again
    a = kept.nvdimms[1]
    kept.named_device(DaxLinear(MIB_SECTORS, a))
    script = f"[ -e $OUT/killed ] && {{ {ENV}; exit; }}\ntouch $OUT/killed; kill -9 $PPID"
    with hooks(env=script) as out, Monitor() as monitor:
        kept.probe.inject(a, PAGE)
        wait_for(lambda: os.path.exists(f"{out}/failure"), "the hook was not run again")
        monitor.wait_for_message("the hooks were killed by signal 9, and are run again")


def test_odd_hooks(kept):
    # each is named, none stops the others, and no process is left
    assert kept.nvdimms
    scripts = {
        "a-hangs": "echo $$ >$OUT/hangs; sleep 1000",
        "b-forks": "sleep 1000 & echo $! >$OUT/forks",
        "c-unreadable": "touch $OUT/wrong",
        "d-plain": "touch $OUT/wrong",
        "e-open": "touch $OUT/wrong",
        "f-fails": "exit 7",
        "g-saved~": "touch $OUT/wrong",
        "h-stdin": "wc -c >$OUT/stdin; ls /proc/self/fd >$OUT/fds",
        "z-last": ENV,
    }
    with hooks(**scripts) as out:
        os.chmod(f"{HOOKS}/c-unreadable", 0o300)
        os.chmod(f"{HOOKS}/d-plain", 0o644)
        os.chmod(f"{HOOKS}/e-open", 0o777)
        os.symlink("/nowhere", f"{HOOKS}/i-nowhere")
        # so that a file's mode counts for root, too
        done = call("monitor", "--test", prefix=[*HASTENED, "setpriv", "--bounding-set",
                                                 "-dac_override,-dac_read_search",
                                                 "--inh-caps",
                                                 "-dac_override,-dac_read_search"])
        assert done.code == FAILED
        for name, text in (("a-hangs", "ran for more than 30 seconds and was killed"),
                           ("b-forks", "ran for more than 30 seconds and was killed"),
                           ("c-unreadable", "Permission denied"),
                           ("d-plain", "it is not executable: chmod +x"),
                           ("e-open", "others than root can change it"),
                           ("f-fails", "has failed with 7"),
                           ("i-nowhere", "No such file")):
            assert any(name in line and text in line for line in done.err.splitlines()), name
        assert "g-saved" not in done.err and not os.path.exists(f"{out}/wrong")
        for name in ("hangs", "forks"):
            pid = read_file(f"{out}/{name}").strip()
            assert not os.path.exists(f"/proc/{pid}")
        assert read_file(f"{out}/stdin").strip() == "0"
        assert variables(f"{out}/test")["DAXLINEAR_EVENT"] == "test"
