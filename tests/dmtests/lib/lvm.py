# SPDX-License-Identifier: GPL-2.0
"""Logical volumes, and where LVM's own metadata says that they lie."""

import contextlib
import errno
import os
import shutil

from .command import read_file, run, write_file
from .devices.poison import poison_page
from .dm.device import Device
from .fs.xfs import XfsFailures
from .judge.oracle import told
from .units import PAGE

RULE = "/usr/lib/udev/rules.d/94-daxlinear-lvm.rules"
CONF = "/etc/daxlinear/lvm.conf"
_SLOW = "/run/udev/rules.d/93-slow.rules"


# what lvs tells of each segment: where it is, and what people look at
_COLUMNS = ("lv_name,seg_start,seg_size,stripes,stripe_size,seg_pe_ranges,vg_name,lv_attr,lv_size,"
            "lv_health_status,lv_check_needed,devices")


def _report(command, columns, *words):
    """Return what lvs or pvs says, and its rows, each a dict."""
    text = run(command, "--noheadings", "--nosuffix", "--units", "b", "--separator", "|",
               "-o", columns, *words)
    rows = [dict(zip(columns.split(","), line.strip().split("|"), strict=True))
            for line in text.splitlines() if "|" in line]
    return text, rows


class Group:
    """A volume group on some children, for its `with` block."""

    def __init__(self, name, *children, align="2M"):
        self.name = name
        self.children = children
        self._align = align
        # bytes of an extent, and where each physical volume's first is; LVM never changes them
        self._extents = None
        # what lvs said when it was last asked
        self.said = None

    def __enter__(self):
        self.make()
        return self

    def __exit__(self, *_):
        self.remove()

    def make(self):
        """Make it."""
        run("vgcreate", "-qq", "--yes", "--dataalignment", self._align, self.name, *self.children)

    def remove(self):
        """Remove it with all that is in it, and its physical volumes."""
        run("vgremove", "-qq", "-ff", "--yes", self.name)
        run("pvremove", "-qq", *self.children)

    def create(self, name, *words):
        """Make a volume."""
        run("lvcreate", "-qq", "--yes", "-Wn", "-n", name, self.name, *words)
        return Volume(self, name)

    def segments(self):
        """Return the segments of each volume: each a (start, length, chunk, stripes).

        A stripe is a (child, byte).
        """
        self.said, rows = _report("lvs", _COLUMNS, self.name)
        found = {}
        for row in rows:
            parts = [part.rpartition(":") for part in row["seg_pe_ranges"].split()]
            stripes = [self._byte(path, int(extents.split("-")[0])) for path, _, extents in parts]
            assert len(stripes) == int(row["stripes"])
            length = int(row["seg_size"])
            found.setdefault(row["lv_name"], []).append(
                (int(row["seg_start"]), length, int(row["stripe_size"]) or length, stripes))
        return found

    def _byte(self, path, extent):
        """Return the (child, byte) at which an extent of a physical volume begins."""
        if self._extents is None:
            _, rows = _report("pvs", "pv_name,pe_start,vg_extent_size",
                              "-S", f"vg_name={self.name}")
            starts = {row["pv_name"]: int(row["pe_start"]) for row in rows}
            self._extents = int(rows[0]["vg_extent_size"]), starts
        size, starts = self._extents
        child = next(child for child in self.children if str(child) == path)
        return child.disk, child.first_byte + starts[path] + extent * size


def _place(segment, offset):
    """Return the (child, byte) of a byte of a segment."""
    _, _, chunk, stripes = segment
    number, rest = divmod(offset, chunk)
    child, first = stripes[number % len(stripes)]
    return child, first + number // len(stripes) * chunk + rest


class Volume:
    """A volume of a group; either may be renamed."""

    def __init__(self, group, name):
        self.group = group
        self.name = name

    def __str__(self):
        return self.path

    @property
    def full_name(self):
        """VG/LV."""
        return f"{self.group.name}/{self.name}"

    @property
    def path(self):
        """The node."""
        return f"/dev/{self.full_name}"

    @property
    def mapped_name(self):
        """The mapped device's name."""
        return self.full_name.replace("-", "--").replace("/", "-")

    @property
    def number(self):
        """major:minor."""
        number = os.stat(self.path).st_rdev
        return f"{os.major(number)}:{os.minor(number)}"

    @property
    def disk(self):
        """The kernel's name."""
        return f"dm-{self.number.split(':')[1]}"

    def has_dax(self):
        """Tell whether the kernel says so."""
        return read_file(f"/sys/block/{self.disk}/queue/dax") == "1"

    def targets(self):
        """Return the kinds of targets of the live table, and the table that is loaded as well."""
        device = Device(name=self.mapped_name)
        kinds = {line.split()[2] for line in device.table_text().splitlines()}
        return kinds, device.table_text("--inactive")

    def segments(self):
        """Return its segments, see Group."""
        return self.group.segments()[self.name]

    def place(self, offset):
        """Return the (child, byte) of a byte of the volume."""
        return next(_place(segment, offset - segment[0]) for segment in self.segments()
                    if segment[0] <= offset < segment[0] + segment[1])

    def places(self, segments=None):
        """Return (offset, child, byte) of the first, a middle and the last page of each segment."""
        return [(segment[0] + offset, *_place(segment, offset))
                for segment in segments or self.segments()
                for offset in (0, segment[1] // 2 // PAGE * PAGE, segment[1] - PAGE)]

    def check(self, bed, segments=None, hears=True):
        """Fail each of places(); assert that a holder of the volume is told where it is, once."""
        places = self.places(segments)
        with bed.probe.holding(self.number):
            injections = bed.probe.inject_all([(child, byte) for _, child, byte in places])
        for (offset, child, byte), injection in zip(places, injections, strict=True):
            expected = [(self.number, offset)] if hears else []
            assert told(injection) == expected, (child.name, byte, offset, injection)
            assert injection.rc == (0 if hears else -errno.EOPNOTSUPP), injection


class Mounted(XfsFailures):
    """A mounted XFS on a volume, and what it is told for a `with` block."""

    def __init__(self, volume, fs):
        super().__init__()
        self.volume = volume
        self.fs = fs

    def told(self):
        """Return where in the volume a failure was, for each that XFS was told of."""
        return [offset for offset, _ in self.places()]

    def fail(self, name, first, end):
        """Have a page of a file fail that is between two places of the volume."""
        for _, place, length in self.fs.extents(name):
            at = max(place, first)
            if at + PAGE <= min(place + length, end):
                child, byte = self.volume.place(at)
                poison_page(child.pfn(byte))
                assert self.told()[-1] == at
                return child
        raise LookupError(f"{name} has nothing between {first} and {end}")


@contextlib.contextmanager
def partition(child, start, sectors):
    """Yield a partition, while udev looks at it neither at first nor in the end."""
    with child.partition(start, sectors) as part:
        run("udevadm", "settle")
        yield part
        run("udevadm", "settle")


def reload_rules():
    """Have udev read its rules again."""
    run("udevadm", "control", "--reload")


@contextlib.contextmanager
def without_rule():
    """Have no rule of ours for a while: stock LVM."""
    os.rename(RULE, f"{RULE}.off")
    reload_rules()
    try:
        yield
    finally:
        os.rename(f"{RULE}.off", RULE)
        reload_rules()


@contextlib.contextmanager
def slow_udev(seconds):
    """Have udev take so long for each event of a mapped device before it comes to our rule."""
    os.makedirs(os.path.dirname(_SLOW), exist_ok=True)
    write_file(_SLOW, f'KERNEL=="dm-*", RUN+="/usr/bin/sleep {seconds}"')
    reload_rules()
    try:
        yield
    finally:
        os.unlink(_SLOW)
        reload_rules()


@contextlib.contextmanager
def configured(*lines):
    """Have a configuration of these lines for a while."""
    shutil.copy(CONF, f"{CONF}.kept")
    write_file(CONF, "\n".join(lines))
    try:
        yield
    finally:
        os.rename(f"{CONF}.kept", CONF)
