# SPDX-License-Identifier: GPL-2.0
"""daxlinear status --openmetrics: what monitoring systems collect."""

import json
import os
import re
import stat
import time

import pytest

from lib.command import read_file, run
from lib.devices.unplug import Unplugged
from lib.dm.device import Device
from lib.dm.status import Status
from lib.dm.target import DaxLinear, Linear
from lib.fs.xfs import Xfs
from lib.holders.attach import attached
from lib.holders.record import Record
from lib.module import TOP
from lib.tool import strace
from lib.tool.metrics import parse
from lib.tool.monitor import Monitor, history, state
from lib.tool.tool import FAILED, USAGE, call, daxlinear, refused
from lib.units import MIB, MIB_SECTORS, PAGE, SECTOR

pytestmark = pytest.mark.usefixtures("renewed")

VERSION = read_file(os.path.join(TOP, "VERSION"))


def collect():
    """Return the samples of each metric, by the values of their labels."""
    return parse(daxlinear("status", "--openmetrics"))


def device_metrics(name):
    """Return the metrics of a device that have no label besides its name."""
    prefix = "daxlinear_device_"
    return {metric.removeprefix(prefix): samples[name,]
            for metric, samples in collect().items()
            if metric.startswith(prefix) and (name,) in samples}


def namespaces():
    """Return the UUID of the namespace of each child."""
    return dict(collect()["daxlinear_child_info"].keys())


def failures(**counts):
    """Return the metrics of counts of failures."""
    return {f"{name}_failures_total": counts.get(name, 0) for name in Status.counts()}


def test_without_devices(bed):
    assert bed.nvdimms
    found = collect()
    assert found["daxlinear_module_info"] == {("dax_holder", VERSION): 1,
                                              ("dm_daxlinear", VERSION): 1}
    assert not any(name.startswith("daxlinear_device_") for name in found)


def test_devices(bed):
    a, b = bed.nvdimms[:2]
    one = bed.named_device(DaxLinear.ranges([(a, 0, MIB_SECTORS), (b, 0, 2 * MIB_SECTORS)]),
                           DaxLinear(3 * MIB_SECTORS, a, MIB_SECTORS))
    two = bed.named_device(DaxLinear(MIB_SECTORS, b, 8 * MIB_SECTORS))
    # neither with a target of ours nor attached
    bed.named_device(Linear(MIB_SECTORS, b, 0))
    with bed.probe.holding(one):
        bed.probe.inject(b, PAGE)
    bed.probe.inject(a, 2 * MIB)
    found = collect()
    assert found["daxlinear_device_info"] == {(one.name, one.number, "", ""): 1,
                                              (two.name, two.number, "", ""): 1}
    assert found["daxlinear_device_child_bytes"] == {
        (one.name, a.name): 4 * MIB, (one.name, b.name): 2 * MIB, (two.name, b.name): MIB}
    # both targets together
    assert device_metrics(one.name) == {
        "size_bytes": 6 * MIB, "ranges": 3, "gone_bytes": 0, "suspended": 0, "notified": 1,
        "bad_bytes": 2 * PAGE, **failures(received=2, forwarded=1, handled=1, generic=1)}
    assert device_metrics(two.name) == {
        "size_bytes": MIB, "ranges": 1, "gone_bytes": 0, "suspended": 0, "notified": 1,
        "bad_bytes": 0, **failures()}


def test_attached_device(bed):
    a, b = bed.nvdimms[:2]
    device = bed.named_device(Linear(MIB_SECTORS, a, 0), Linear(MIB_SECTORS, b, 0))
    with attached(device, a, b), bed.probe.holding(device):
        for child in (a, b):
            bed.probe.inject(child, PAGE)
        found = device_metrics(device.name)
        assert found == {"size_bytes": 2 * MIB, "ranges": 2, "gone_bytes": 0, "suspended": 0,
                         "notified": 1, "bad_bytes": 2 * PAGE,
                         **failures(received=2, forwarded=2, handled=2)}
    with attached(device, a):
        # failures of the other child are not forwarded
        assert device_metrics(device.name)["notified"] == 0


def test_mounted_and_suspended(bed):
    device = bed.named_device(DaxLinear(400 * MIB_SECTORS, bed.nvdimms[3]))
    folder = bed.folder()
    with Xfs(device, folder):
        (labels,) = collect()["daxlinear_device_info"]
        assert labels == (device.name, device.number, "xfs", folder)
    device.suspend()
    assert device_metrics(device.name)["suspended"] == 1


def test_child_that_is_gone(bed):
    a, b = bed.nvdimms[:2]
    device = bed.named_device(DaxLinear(MIB_SECTORS, a), DaxLinear(2 * MIB_SECTORS, b))
    before = namespaces()
    assert before[a.name] and before[b.name]
    with Unplugged(b):
        found = device_metrics(device.name)
        assert found["gone_bytes"] == found["bad_bytes"] == 2 * MIB
        assert (child_metrics(a)["gone"], child_metrics(b)["gone"]) == (0, 1)
        # it keeps its name, and its namespace, which the monitor keeps if libndctl lists it no more
        assert namespaces() == before
        with state():
            with Monitor():
                assert history()["children"]
            hidden = ["unshare", "--mount", "sh", "-c",
                      "mount -t tmpfs tmpfs /sys/bus/nd && exec \"$@\"", "sh"]
            text = call("status", "--openmetrics", prefix=hidden).out
            assert (b.name, before[b.name]) in parse(text)["daxlinear_child_info"]
        assert set(collect()["daxlinear_device_child_bytes"]) == {
            (device.name, a.name), (device.name, b.name)}
        device.remove()


def child_metrics(child):
    """Return the metrics of a child that have no label besides its name."""
    prefix = "daxlinear_child_"
    return {metric.removeprefix(prefix): samples[child.name,]
            for metric, samples in collect().items()
            if metric.startswith(prefix) and (child.name,) in samples}


def test_children(bed):
    a, b, c = bed.nvdimms[:3]
    assert "daxlinear_child_info" not in collect()
    device = bed.named_device(DaxLinear(MIB_SECTORS, a), DaxLinear(MIB_SECTORS, b))
    before = int(time.time())
    for page in range(3):
        bed.probe.inject(a, 2 * page * PAGE)
    # no device maps it
    bed.probe.inject(a, 8 * MIB, MIB)
    after = int(time.time())
    # not each namespace has one
    uuids = {namespace["blockdev"]: namespace.get("uuid", "")
             for namespace in json.loads(run("ndctl", "list", "--namespaces"))}
    assert collect()["daxlinear_child_info"] == {(child.name, uuids[child.name]): 1
                                                 for child in (a, b)}
    found = child_metrics(a)
    assert before <= found.pop("last_failure_timestamp_seconds") <= after
    assert found == {"gone": 0, "failures_total": 4, "unrecorded_failures_total": 0,
                     "bad_bytes": 3 * PAGE + MIB}
    assert child_metrics(b) == {"gone": 0, "failures_total": 0, "unrecorded_failures_total": 0,
                                "bad_bytes": 0}
    assert not child_metrics(c)
    # the record outlives the devices
    device.remove()
    Record(a).clear(f"0 {PAGE // SECTOR}")
    assert child_metrics(a)["bad_bytes"] == 2 * PAGE + MIB
    assert child_metrics(a)["failures_total"] == 4


def test_full_record(bed):
    child = bed.nvdimms[0]
    bed.device(DaxLinear(MIB_SECTORS, child))
    room = PAGE // 8
    bed.probe.inject_all([(child, 2 * page * PAGE) for page in range(room + 10)])
    found = child_metrics(child)
    assert (found["failures_total"], found["unrecorded_failures_total"]) == (room + 10, 10)
    assert found["bad_bytes"] == room * PAGE


def test_labels_are_escaped(bed):
    # device-mapper's name has what dmsetup and LVM make of the bytes
    name = r"a\x22b\x5c\x5c\x0a\xc3\xa9\xff\xe2\x82\xed\xa0\x80z"
    bed.enter(Device(DaxLinear(MIB_SECTORS, bed.nvdimms[0]), name=name))
    # what is not UTF-8 is shown by its number, each byte by itself
    shown = 'a"b\\\\\n\u00e9\\xff\\xe2\\x82\\xed\\xa0\\x80z'
    text = daxlinear("status", "--openmetrics")
    assert parse(text)["daxlinear_device_size_bytes"] == {(shown,): MIB}
    assert r'{device="a\"b\\\\\n' in text


def test_document(bed):
    """The tables of Documentation/metrics.rst have a row for each metric and each alert."""
    assert bed.nvdimms
    source = read_file(os.path.join(TOP, "tools/metrics/metrics.c"))
    names = re.findall(r'\.name = "(\w+)"', source)
    names += [f"daxlinear_device_{name}_failures_total" for name in Status.counts()]
    document = read_file(os.path.join(TOP, "Documentation/metrics.rst"))
    rows = re.findall(r"^   \* - ``(\w+)``\n     - (.*)\n     - (.*)", document, re.MULTILINE)
    assert sorted(name for name, _, _ in rows) == sorted(names)
    for name, _, meaning in rows:
        assert meaning.startswith("Counter: ") == name.endswith("_total"), name
    alerts = read_file(os.path.join(TOP, "tools/metrics/alerts.yml"))
    assert (re.findall(r"- alert: (\w+)", alerts)
            == re.findall(r"^   \* - ``(\w+)``\n     - [^`\n]*\.?$", document, re.MULTILINE))
    # of the metrics that they use, node exporter has the last
    used = set(re.findall(r"\b(?:daxlinear|node)_\w+", alerts))
    assert used - set(names) == {"node_textfile_mtime_seconds"}


@pytest.mark.parametrize("words, text", [
    (["--openmetrics", "--json"], "--json or --openmetrics"),
    (["--openmetrics", "mem"], 'all devices: "mem"'),
    (["--output", "x"], "--output needs --openmetrics"),
    (["--openmetrics", "--output", ""], "--output wants a FILE"),
    (["--openmetrics", "--output"], "--output wants a value"),
])
def test_bad_input(bed, words, text):
    assert bed.nvdimms
    assert text in refused("status", *words, code=USAGE)


class Output:
    """A file that the command writes, alone in a folder."""

    def __init__(self, bed):
        self.folder = bed.folder()
        self.path = os.path.join(self.folder, "daxlinear.prom")
        self.words = ["status", "--openmetrics", "--output", self.path]

    def read(self):
        """Return what is in it; assert that nothing is beside it."""
        assert os.listdir(self.folder) == ["daxlinear.prom"]
        with open(self.path, encoding="utf-8") as file:
            return file.read()


def test_output(bed):
    output = Output(bed)
    # a file of Prometheus's user, who can read it whatever the mask of the caller
    assert daxlinear(*output.words) == ""
    assert output.read() == daxlinear("status", "--openmetrics")
    before = os.stat(output.path)
    assert stat.S_IMODE(before.st_mode) == 0o644
    bed.named_device(DaxLinear(MIB_SECTORS, bed.nvdimms[0]))
    with open(output.path, encoding="utf-8") as reader:
        old = output.read()
        done = call(*output.words, prefix=["sh", "-c", 'umask 077; exec "$@"', "sh"])
        assert done == (0, "", "")
        # a reader that was there before goes on with the old file
        assert reader.read() == old
    assert output.read() == daxlinear("status", "--openmetrics") != old
    assert stat.S_IMODE(os.stat(output.path).st_mode) == 0o644


def test_output_that_cannot_be(bed):
    output = Output(bed)
    daxlinear(*output.words)
    old = output.read()
    for name in ("write", "fsync", "rename"):
        done = strace.fail_at(name, 1, "ENOSPC", *output.words)
        assert (done.code, done.out) == (FAILED, "") and "No space left" in done.err
        assert output.path in done.err and output.read() == old
    missing = os.path.join(output.folder, "missing", "x")
    assert f"{missing}: No such file" in refused(*output.words[:-1], missing)
    # neither a node nor a link is replaced
    for path in ("/dev/null", output.folder):
        assert f"{path} is no regular file" in refused(*output.words[:-1], path)
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    link = os.path.join(bed.folder(), "link")
    os.symlink(output.path, link)
    assert f"{link} is no regular file" in refused(*output.words[:-1], link)
    assert os.path.islink(link) and output.read() == old


def test_output_on_a_full_disk(bed):
    output = Output(bed)
    run("mount", "-t", "tmpfs", "-o", f"size={2 * PAGE}", "tmpfs", output.folder)
    try:
        daxlinear(*output.words)
        old = output.read()
        for _ in range(40):
            bed.device(DaxLinear(MIB_SECTORS, bed.nvdimms[0]))
        done = call(*output.words)
        assert done.code == FAILED and "No space left" in done.err
        assert output.read() == old
    finally:
        run("umount", output.folder)
