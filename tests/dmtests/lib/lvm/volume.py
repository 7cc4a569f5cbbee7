# SPDX-License-Identifier: GPL-2.0
"""Logical volumes, and where they are by LVM's own metadata."""

import errno
import os

from ..command import read_file, run
from ..dm.device import Device
from ..judge.oracle import notified
from ..units import HUGE_MIB
from .segment import Segment

# the columns of lvs: where each segment is, and what people look at
_COLUMNS = ("lv_name,seg_start,seg_size,stripes,stripe_size,seg_pe_ranges,vg_name,lv_attr,lv_size,"
            "lv_health_status,lv_check_needed,devices")


def _report(command, columns, *words):
    """Return what lvs or pvs prints, and its rows, each a dict."""
    text = run(command, "--noheadings", "--nosuffix", "--units", "b", "--separator", "|",
               "-o", columns, *words)
    rows = [dict(zip(columns.split(","), line.strip().split("|"), strict=True))
            for line in text.splitlines() if "|" in line]
    return text, rows


class Group:
    """A volume group on some children, for its `with` block."""

    def __init__(self, name, *children, align=f"{HUGE_MIB}M"):
        self.name = name
        self.children = children
        self._align = align
        # bytes of an extent, and where each physical volume's first is; LVM never changes them
        self._extents = None
        # what lvs printed last
        self.report = None

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
        """Return the Segments of each volume."""
        self.report, rows = _report("lvs", _COLUMNS, self.name)
        found: dict = {}
        for row in rows:
            parts = [part.rpartition(":") for part in row["seg_pe_ranges"].split()]
            stripes = tuple(self._byte(path, int(extents.split("-")[0]))
                            for path, _, extents in parts)
            assert len(stripes) == int(row["stripes"])
            length = int(row["seg_size"])
            found.setdefault(row["lv_name"], []).append(
                Segment(int(row["seg_start"]), length, int(row["stripe_size"]) or length, stripes))
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
        """Return whether its queue has DAX."""
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
        return next(segment.place(offset) for segment in self.segments()
                    if segment.start <= offset < segment.end)

    def places(self, segments=None):
        """Return the places() of each segment."""
        return [place for segment in segments or self.segments() for place in segment.places()]

    def check(self, bed, segments=None, registered=True):
        """Fail each of places(); assert that a holder of the volume is notified of it once.

        If the volume is not registered, assert that the holder is not notified.
        """
        places = self.places(segments)
        with bed.probe.holding(self.number):
            injections = bed.probe.inject_all([(child, byte) for _, child, byte in places])
        for (offset, child, byte), injection in zip(places, injections, strict=True):
            expected = [(self.number, offset)] if registered else []
            assert notified(injection) == expected, (child.name, byte, offset, injection)
            assert injection.rc == (0 if registered else -errno.EOPNOTSUPP), injection
