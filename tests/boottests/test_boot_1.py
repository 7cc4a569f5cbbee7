# SPDX-License-Identifier: GPL-2.0
"""The first boot: the commands of Documentation/using.rst, with the packages installed."""

import glob
import json
import os
import time

import document
import forty
import mail
import pytest
from conftest import ABSENT, METRICS, PLAIN, TAB, TOP

STEPS = document.steps(document.read("using.rst").partition("\nTaking it down\n")[0])


def test_installed(machine):
    # only the packages' files are used
    assert machine.run("which", "daxlinear") == "/usr/sbin/daxlinear\n"
    assert "/updates/dkms/" in machine.run("modinfo", "-F", "filename", "dm-daxlinear")
    assert machine.run("modinfo", "-F", "signer", "dm-daxlinear").strip()


@pytest.fixture(name="volume")
def _volume(machine):
    """Yield the mapped name of an active volume over two NVDIMMs, which stock LVM has made."""
    pmems = ["/dev/pmem0", "/dev/pmem1"]
    for number in range(len(pmems)):
        machine.run("ndctl", "create-namespace", "--force", f"--reconfig=namespace{number}.0",
                    "--mode=fsdax", "--map=mem")
    machine.run("vgcreate", "--yes", "vg", *pmems)
    machine.run("lvcreate", "--yes", "--type", "striped", "--stripes", "2", "--size", "64M",
                "--name", "data", "vg")
    yield "vg-data"
    machine.run("vgremove", "--yes", "vg")
    machine.run("pvremove", *pmems)


def test_live_volume(machine, request):
    # what was active before the package is attached by it, and again if modules come later
    attached = "daxlinear-tools: vg/data is attached to pmem0,pmem1\n"
    machine.run("dpkg", "--purge", "daxlinear-tools")
    volume = request.getfixturevalue("volume")
    assert not os.path.exists("/sys/class/dax-holder")
    said = machine.run("dpkg", "--install", *glob.glob("/src/build/deb/daxlinear-tools_*.deb"))
    assert attached in said
    for child in "pmem0", "pmem1":
        assert glob.glob(f"/sys/class/dax-holder/{child}/dm-*")
    machine.run("daxlinear", "detach", volume)
    assert not glob.glob("/sys/class/dax-holder/pmem*/dm-*")
    machine.run("dpkg-trigger", "--no-await", "dm-daxlinear-modules")
    assert attached in machine.run("dpkg", "--triggers-only", "--pending")
    assert glob.glob("/sys/class/dax-holder/pmem0/dm-*")


def test_main_job(machine):
    # what Debian's autopkgtest runs; it skips itself by its exit code where there is no such memory
    machine.run(os.path.join(TOP, "debian/tests/main-job"))


def test_document():
    assert len(STEPS) > 15
    assert {step.command.split()[1] for step in STEPS if step.command.startswith("daxlinear ")} >= {
        "create", "mkfs", "check", "extend", "members", "monitor", "damage"}


@pytest.mark.parametrize("step", STEPS, ids=[step.command for step in STEPS])
def test_command(step):
    step.run()


def test_metrics(machine):
    text = machine.run("daxlinear", "status", "--openmetrics")
    assert 'daxlinear_device_received_failures_total{device="mem"} 1\n' in text
    # promtool checks it outside
    with open("/results/metrics.prom", "w", encoding="utf-8") as file:
        file.write(text)


def test_metrics_timer(machine):
    # off until it is enabled by the commands of Documentation/metrics.rst
    timer, service = "daxlinear-metrics.timer", "daxlinear-metrics.service"
    assert machine.property(timer, "UnitFileState") == "disabled"
    assert machine.property(timer, "ActiveState") == "inactive"
    assert machine.run("systemd-analyze", "verify", "--man=no", timer, service) == ""
    enable, *others = document.steps(document.read("metrics.rst"))
    assert len(others) == 4
    written = "/var/lib/prometheus/node-exporter/daxlinear.prom"
    machine.run("mkdir", "-p", os.path.dirname(written))
    enable.run()
    deadline = time.monotonic() + 30
    while not os.path.exists(written):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    for step in others:
        step.run()
    machine.run("systemctl", "start", service)
    for path in (written, METRICS):
        with open(path, encoding="utf-8") as file:
            assert file.read() == machine.run("daxlinear", "status", "--openmetrics")


def test_line(machine):
    # a device without labels, of the one NVDIMM that the documents leave alone
    machine.run("ndctl", "create-namespace", "--force", "--reconfig=namespace3.0", "--mode=fsdax",
                "--map=mem")
    part = ("--len", "64M", "--granule", "64M")
    machine.run("daxlinear", "create", "--no-label", "plain", "/dev/pmem3", *part)
    machine.append(TAB, machine.run("daxlinear", "tab", "--print", "plain"))
    # what is left of a child, as a range of its own
    said = machine.run("daxlinear", "extend", "plain", "/dev/pmem3", "--offset", "96M", *part)
    assert f"line 1 of {TAB} is up to date" in said
    with open(TAB, encoding="utf-8") as file:
        assert file.read() == machine.run("daxlinear", "tab", "--print", "plain")


def test_leave_something_behind(machine):
    machine.write_diary("first boot")


def test_made_by_its_unit(machine):
    machine.run("mkfs.ext4", "-q", "/dev/mapper/plain")
    os.mkdir(PLAIN)
    machine.append("/etc/fstab", f"/dev/mapper/plain {PLAIN} ext4 defaults 0 0\n")
    machine.run("systemctl", "daemon-reload")
    machine.run("daxlinear", "remove", "plain")
    # the mount brings the device along
    machine.run("systemctl", "start", "plain.mount")
    assert machine.property("daxlinear@plain.service", "ActiveState") == "active"
    machine.append(f"{PLAIN}/diary", "first boot\n")
    machine.run("systemctl", "stop", "plain.mount")
    machine.run("systemctl", "stop", "daxlinear@plain.service")
    assert not os.path.exists("/dev/mapper/plain")
    machine.run("systemctl", "start", "plain.mount")


def test_new_modules(machine):
    # the commands of Documentation/install.rst
    steps = document.steps(document.read("install.rst"))
    assert len(steps) == 5
    loaded = os.stat("/sys/module/dm_daxlinear").st_ino
    machine.run("umount", PLAIN)
    machine.run("systemctl", "stop", "daxlinear@plain.service")
    for step in steps:
        step.run()
    assert os.stat("/sys/module/dm_daxlinear").st_ino != loaded
    assert machine.diary() == ["first boot"]


def test_forty_failures(machine):
    # with no monitor running; of what has shut down, the owners are known when it is mounted again
    assert machine.property("opensmtpd.service", "ActiveState") == "active", \
        machine.run("journalctl", "-b", "-u", "opensmtpd.service")
    machine.append("/etc/daxlinear/monitor.conf", f"mail = {mail.ADDRESS}\n")
    unit = "daxlinear-monitor.service"
    assert machine.property(unit, "ActiveState") == "active"
    machine.run("systemctl", "stop", unit)
    forty.make()
    with forty.mounted() as fs:
        places = forty.fail(fs)
    with forty.mounted():
        found = forty.damage()
        assert forty.damaged_pages(found) == places
        assert all(bad["owners"] for bad in found)
        owners = [owner for bad in found for owner in bad["owners"]]
        assert {owner["path"] for owner in owners if owner.get("path")} == {
            os.path.join(forty.FOLDER, name) for name in forty.FILES}
        assert {"free space", "superblock or allocation group header"} <= {
            owner["what"] for owner in owners}
        machine.run("systemctl", "start", unit)
        summary = mail.wait_for(1)[0]
        text = machine.run("daxlinear", "status", "--openmetrics")
    entries = machine.run("journalctl", "-b", "-o", "json", "-t", "daxlinear",
                          "DAXLINEAR_EVENT=failure", f"DAXLINEAR_DEVICE={forty.NAME}")
    entries = [json.loads(line) for line in entries.splitlines()]
    assert sorted(int(entry["DAXLINEAR_OFFSET"]) for entry in entries) == places
    assert summary["Subject"].endswith(f": 40 alerts of {forty.NAME}")
    assert summary.get_payload().count(f" {forty.NAME}: 4 KiB at ") == 40
    labels = f'{{device="{forty.NAME}"}}'
    assert f"daxlinear_device_received_failures_total{labels} 40\n" in text
    assert f"daxlinear_device_bad_bytes{labels} {40 * forty.PAGE}\n" in text
    forty.remove()


def test_mail(machine):
    # by the mail server, as the mail of the service is
    machine.run("daxlinear", "monitor", "--test")
    # and none of the summary is sent again
    assert mail.wait_for(2)[1]["Subject"].endswith(": test of the alerts")


def test_add_lines_that_cannot_be_made(machine):
    machine.append(TAB, f"lacking uuid={ABSENT},len=128M\nwrong\n")
    # shorter than systemd's minute and a half
    name = "dev-disk-by\\x2did-pmem\\x2d" + ABSENT.replace("-", "\\x2d")
    folder = f"/etc/systemd/system/{name}.device.d"
    machine.run("mkdir", "-p", folder)
    machine.append(f"{folder}/short.conf", "[Unit]\nJobRunningTimeoutSec=3\n")
