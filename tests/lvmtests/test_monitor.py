# SPDX-License-Identifier: GPL-2.0
"""daxlinear-monitor.service: the journal has each failure once, whatever becomes of the monitor."""

import json
import os
import random
import re
import time

import pytest

from lib.beside import wait_for
from lib.command import read_file, run, write_file
from lib.dm.target import DaxLinear
from lib.tool.monitor import history
from lib.units import MIB_SECTORS, PAGE, SECTOR

UNIT = "daxlinear-monitor.service"
SOON = f"/run/systemd/system/{UNIT}.d/soon.conf"
CONF = "/etc/daxlinear/monitor.conf"
SENDMAIL = "/usr/sbin/sendmail"
MAILS = "/var/spool/daxlinear-test"

# those that the tests look at
FIELDS = ("PRIORITY", *(f"DAXLINEAR_{name}" for name in (
    "CHILD", "DEVICE", "LENGTH", "NAMESPACE", "OFFSET", "RESULT", "SECTOR", "SEQ")))


def show(name):
    """Return a property of the service."""
    return run("systemctl", "show", "--value", "-p", name, UNIT).strip()


def entries(event, since):
    """Return the journal's entries of a kind of alert, since a time.

    After a cursor, journalctl leaves out the first entry that a field selects.
    """
    run("journalctl", "--sync")
    text = run("journalctl", "-o", "json", f"--output-fields={','.join(FIELDS)}",
               f"--since=@{since:.6f}", "SYSLOG_IDENTIFIER=daxlinear",
               f"DAXLINEAR_EVENT={event}", check=False)
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def wait_for_entries(number, since):
    """Wait for so many failures; return their entries."""

    def found():
        # journald takes a hundred a second, and so does journalctl
        time.sleep(1)
        there = entries("failure", since)
        return there if len(there) >= number else None

    return wait_for(found, "an entry is missing", within=120)


def places(found):
    """Return (child, its offset) of each entry, the oldest first."""
    return [(entry["DAXLINEAR_CHILD"], int(entry["DAXLINEAR_SECTOR"]) * SECTOR)
            for entry in found]


@pytest.fixture(name="since")
def _since():
    """The service is running, and has nothing left to do; yield the time."""
    # what is killed is started again at once, and as often as need be
    os.makedirs(os.path.dirname(SOON), exist_ok=True)
    write_file(SOON, "[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestartSec=0")
    run("systemctl", "daemon-reload")
    run("systemctl", "reset-failed", UNIT, check=False)
    run("systemctl", "start", UNIT)
    assert show("ActiveState") == "active"
    # a journald that is busy has the entries before by then
    run("journalctl", "--sync")
    yield time.time()
    run("systemctl", "stop", UNIT)


@pytest.fixture(name="mails")
def _mails():
    """A sendmail(1) that keeps mails in a folder; yield the folder."""
    os.makedirs(MAILS, exist_ok=True)
    before = read_file(CONF)
    aside = f"{SENDMAIL}.aside"
    if os.path.lexists(SENDMAIL):
        os.rename(SENDMAIL, aside)
    write_file(SENDMAIL, f"#!/bin/sh\ncat >{MAILS}/new && mv {MAILS}/new {MAILS}/$$\n")
    os.chmod(SENDMAIL, 0o755)
    write_file(CONF, before + "\nmail = root@guest")
    yield MAILS
    write_file(CONF, before)
    os.unlink(SENDMAIL)
    if os.path.lexists(aside):
        os.rename(aside, SENDMAIL)
    run("rm", "-r", MAILS)


def test_fields(bed, since):
    a = bed.nvdimms[0]
    device = bed.named_device(DaxLinear(MIB_SECTORS, a, MIB_SECTORS))
    bed.probe.inject(a, MIB_SECTORS * SECTOR + PAGE)
    (entry,) = wait_for_entries(1, since)
    assert entry["DAXLINEAR_DEVICE"] == device.name and entry["PRIORITY"] == "2"
    assert (entry["DAXLINEAR_OFFSET"], entry["DAXLINEAR_LENGTH"]) == (str(PAGE), str(PAGE))
    assert entry["DAXLINEAR_CHILD"] == a.name and entry["DAXLINEAR_RESULT"] == "generic"
    assert len(entry["DAXLINEAR_NAMESPACE"]) == 36
    # the catalog has an entry that its fields are put into
    run("journalctl", "--update-catalog")
    text = run("journalctl", "-x", "-t", "daxlinear", f"DAXLINEAR_SEQ={entry['DAXLINEAR_SEQ']}")
    assert f"Memory of {device.name} has failed, on {a.name}" in text
    assert "restore it from a backup" in text


@pytest.mark.parametrize("number", range(2))
def test_killed(bed, since, number):
    # each failure is in the journal once, and in the history
    assert number >= 0
    a, b = bed.nvdimms[:2]
    bed.named_device(DaxLinear(64 * MIB_SECTORS, a), DaxLinear(64 * MIB_SECTORS, b))
    expected, page = [], 0
    for _ in range(4):
        wait_for(lambda: show("ActiveState") == "active", "it is not started again")
        burst = [(child, (page + i) * 2 * PAGE) for i in range(20) for child in (a, b)]
        page += 20
        bed.probe.inject_all(burst)
        expected += [(child.name, at) for child, at in burst]
        time.sleep(random.uniform(0, 0.5))
        killed = show("MainPID")
        run("systemctl", "kill", "-s", "KILL", UNIT, check=False)
        wait_for(lambda pid=killed: show("MainPID") != pid, "it was not killed")
    wait_for(lambda: show("ActiveState") == "active", "it is not started again")
    wait_for_entries(len(expected), since)
    time.sleep(1)
    assert sorted(places(entries("failure", since))) == sorted(expected)
    wait_for(lambda: {(one["child"], one["sector"] * SECTOR) for one in history()["ranges"]}
             >= set(expected), "the history has less")


def test_fast_enough(bed, since):
    # a storm
    a = bed.nvdimms[0]
    bed.named_device(DaxLinear(64 * MIB_SECTORS, a))
    bed.probe.inject_all([(a, number * PAGE) for number in range(1000)])
    assert len(wait_for_entries(1000, since)) == 1000


def test_mail(bed, since, mails):
    # forty failures make one mail, by the hook that is installed, in the service's sandbox
    # what tests before have left
    wait_for(lambda: not history()["owed"], "the hooks have not ended")
    run("systemctl", "stop", UNIT)
    for name in os.listdir(mails):
        os.unlink(f"{mails}/{name}")
    a = bed.nvdimms[0]
    device = bed.named_device(DaxLinear(MIB_SECTORS, a))
    bed.probe.inject_all([(a, number * PAGE) for number in range(40)])
    run("systemctl", "start", UNIT)
    wait_for(lambda: os.listdir(mails), "no mail")
    time.sleep(8)
    (name,) = os.listdir(mails)
    mail = read_file(f"{mails}/{name}")
    assert "To: root@guest\n" in mail
    assert re.search(rf"^Subject: daxlinear on \S+: 40 alerts of {device.name}$", mail, re.M)
    assert mail.count(" failed, on ") == 40
    os.unlink(f"{mails}/{name}")
    # the one that is installed, with its hook
    run("/usr/sbin/daxlinear", "monitor", "--test")
    (name,) = os.listdir(mails)
    assert "test of the alerts" in read_file(f"{mails}/{name}")
    assert len(entries("test", since)) == 1


def test_sandbox():
    # systemd counts what a service could do that it need not
    text = run("systemd-analyze", "security", "--no-pager", UNIT)
    exposure = float(re.search(r"Overall exposure level for \S+: ([\d.]+)", text).group(1))
    assert exposure < 4
