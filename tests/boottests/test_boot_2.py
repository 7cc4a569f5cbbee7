# SPDX-License-Identifier: GPL-2.0
"""The second boot: all devices that can be made are there, and the journal names the others."""

import os
import re
import time

import document
import forty
import mail
from conftest import ABSENT, FOLDER, METRICS, PLAIN, TAB

STEPS = document.steps(document.read("using.rst").partition("\nTaking it down\n")[2])


def test_mounted(machine):
    # by the UUID of the filesystem: no table has the device
    assert machine.run("findmnt", "-n", "-o", "SOURCE", FOLDER) == "/dev/mapper/mem\n"
    assert machine.property("daxlinear@mem.service", "LoadState") == "not-found"
    assert machine.property("local-fs.target", "ActiveState") == "active"
    assert machine.diary() == ["first boot"]


def test_table(machine):
    assert machine.property("daxlinear@plain.service", "ActiveState") == "active"
    with open(f"{PLAIN}/diary", encoding="utf-8") as file:
        assert file.read() == "first boot\n"


def test_extended(machine):
    # after the line was written
    assert machine.run("blockdev", "--getsize64", "/dev/mapper/plain") == f"{128 << 20}\n"
    size = int(machine.run("blockdev", "--getsize64", "/dev/mapper/mem"))
    page = int(machine.run("getconf", "PAGESIZE"))
    assert size == 3 * 384 << 20
    assert f"blocks={size // page}" in machine.run("xfs_info", FOLDER)


def test_metrics_timer(machine):
    # it starts with the machine
    assert machine.property("daxlinear-metrics.timer", "ActiveState") == "active"
    booted = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    deadline = time.monotonic() + 30
    while os.stat(METRICS).st_mtime < booted:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    with open(METRICS, encoding="utf-8") as file:
        assert 'daxlinear_device_info{device="mem",' in file.read()


def test_missing_child(machine):
    assert machine.property("daxlinear@lacking.service", "ActiveState") == "failed"
    said = machine.run("journalctl", "-b", "-o", "cat", "-u", "daxlinear@lacking.service")
    assert f"uuid={ABSENT} is missing" in said


def test_mistake(machine):
    assert ": wrong has no children" in machine.run("journalctl", "-b", "-o", "cat")


def test_forty_failures(machine):
    # the history has them
    assert machine.property("daxlinear-monitor.service", "ActiveState") == "active"
    forty.make()
    found = forty.damage()
    assert len(forty.damaged_pages(found)) == 40
    assert any(forty.FILES[0] in owner for bad in found for owner in bad["owners_before"])
    # and no other mail is sent
    assert len(mail.mails()) == 2
    forty.remove()


def test_taken_down(machine):
    assert len(STEPS) > 3
    machine.run("umount", PLAIN)
    machine.run("systemctl", "stop", "daxlinear@plain.service")
    for step in STEPS:
        step.run()
    assert "no device has a daxlinear target" in machine.run("daxlinear", "status")
    assert os.listdir(FOLDER) == []
    for path in (TAB, "/etc/fstab"):
        with open(path, encoding="utf-8") as file:
            assert "mem " not in file.read()


def test_readme(machine):
    # the labels, and the superblock where the data begins
    for path in "/dev/pmem0", "/dev/pmem1":
        machine.run("daxlinear", "release", path)
        machine.run("blkdiscard", "--force", "--zeroout", "--length", "4MiB", path)
    (block,) = re.findall(r"^As root:\n\n((?:    .*\n)+)", document.read("../README.md"), re.M)
    commands = block.split("\n")[:-1]
    assert len(commands) == 3
    for command in commands:
        document.Step(command.strip(), []).run()
    assert machine.run("findmnt", "-n", "-o", "FSTYPE", "/mnt") == "xfs\n"
