#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The part of the demo that runs in the guest.

Writes to a clone where two NVDIMMs meet, and lets the same three pages fail, over daxlinear and
over dm-linear. Prints the outcome, and fails unless all of it is as expected.
"""

import os
import re
import subprocess
import sys
import time

from lib import kernel
from lib.devices import nvdimm
from lib.fs.xfs import Xfs
from lib.holders.victim import Victim
from lib.units import MIB, PAGE, SECTOR

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

MNT = "/mnt"
DEVICE = "/dev/mapper/demo"
# the size of an allocation group: with every child a multiple of it, no file crosses a child
GRANULE = 128 << 20
# options of a process that maps a file: read-only, killed as soon as a page fails and not when it
# next touches it
VICTIM = ("-e", "-r")

RIGHT = "the copy is right"
MIXED = "another volume's data in it"
DIED = "SIGBUS"
LIVES = "reads on, on lost data"
SHUT = "XFS shut down"
RUNS = "XFS runs on"
OOPS = "not tried: the kernel would oops"


class Unexpected(Exception):
    """Something did not happen."""


def say(text=""):
    """Print at once: the runner passes output on as it comes."""
    print(text, flush=True)


def run(command, show=True):
    """Run a command line, and show it as one would type it."""
    if show:
        say(f"    # {command}")
    done = subprocess.run(command, shell=True, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        raise Unexpected(f"`{command}` failed: {done.stdout.strip()}")
    return done.stdout


def write(path, value):
    """Write a file of the kernel's, once: a buffered file would try again after an error."""
    file = os.open(path, os.O_WRONLY)
    try:
        os.write(file, f"{value}\n".encode())
    finally:
        os.close(file)


def pfn_of(victim, offset):
    """Return the frame number of the page at an offset of the file that a process maps."""
    return int(victim.ask("pfn", offset)[-1])


def fate_of(victim):
    """Return what has become of a process."""
    return LIVES if victim.lives() else DIED


class Device:
    """A mapped device of ranges (child, offset, length in bytes), with an XFS on it."""

    def __init__(self, target, ranges):
        self.target = target
        self.ranges = []
        self.size = 0
        for child, offset, length in ranges:
            self.ranges.append((self.size, child, offset, length))
            self.size += length

    def table(self):
        """Return the table: one target of several ranges, or several targets."""
        if self.target == "daxlinear":
            words = " ".join(f"{child} {offset // SECTOR} {length // SECTOR}"
                             for _, child, offset, length in self.ranges)
            return f"0 {self.size // SECTOR} daxlinear {len(self.ranges)} {words}"
        return "\\n".join(f"{start // SECTOR} {length // SECTOR} linear {child} {offset // SECTOR}"
                          for start, child, offset, length in self.ranges)

    def mount(self, *options):
        """Make it, and its filesystem, and mount that."""
        run(f"printf '{self.table()}\\n' | dmsetup create demo")
        # XFS has DAX only with blocks of a page
        run(" ".join([f"mkfs.xfs -q -f -m rmapbt=1 -b size={PAGE}", *options, DEVICE]))
        run(f"mount -o dax=always {DEVICE} {MNT}")

    @staticmethod
    def unmount():
        """Undo it."""
        run(f"umount {MNT}", show=False)
        run("dmsetup remove demo", show=False)


class Stack(Device):
    """A mapped device over one slice of each NVDIMM, an XFS on it, and what fails there."""

    def __init__(self, target, children, part):
        # one half of each for daxlinear, one for dm-linear: what failed stays failed
        halves = [child.sectors * SECTOR // 2 // GRANULE * GRANULE for child in children]
        super().__init__(target, [(child, part * half, half)
                                  for child, half in zip(children, halves)])
        self.log = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)

    def __enter__(self):
        self.mount(f"-d agsize={GRANULE}")
        return self

    def __exit__(self, *_):
        self.unmount()
        os.close(self.log)

    def place(self, byte):
        """Return the child and its offset that hold a byte of the mapped device."""
        for start, child, offset, length in self.ranges:
            if start <= byte < start + length:
                return child, offset + byte - start
        raise Unexpected(f"0x{byte:x} is outside of the mapped device")

    def byte(self, pfn):
        """Return where a page frame is in the mapped device."""
        for start, child, offset, length in self.ranges:
            place = pfn * PAGE - child.phys
            if offset <= place < offset + length:
                return start + place - offset
        raise Unexpected(f"page frame 0x{pfn:x} is not in the mapped device")

    def fail(self, byte, what):
        """Let the page of a byte of the device fail; print its place and the kernel's message."""
        child, offset = self.place(byte)
        say(f"   {what}")
        say(f"   is at 0x{byte:x} of the mapped device, at 0x{offset:x} of {child.name}."
            " That page fails.")
        self._messages()
        try:
            write("/sys/kernel/debug/hwpoison/corrupt-pfn", child.pfn(offset))
        except OSError:
            pass  # the fate of processes and filesystem shows the outcome
        for line in self._messages():
            said = re.search(r"dax_holder: (\S+) failed at (\S+) .* holds it at (\S+) ", line)
            if not said:
                continue
            say(f"   The kernel: {line}")
            logged = said.group(1), int(said.group(2), 0), int(said.group(3), 0)
            if logged != (child.name, offset, byte):
                raise Unexpected(f"that is not the page that failed: {logged}")

    def _messages(self):
        lines = []
        while True:
            try:
                lines.append(os.read(self.log, 8192).decode().partition(";")[2]
                             .partition("\n")[0])
            except BlockingIOError:
                return lines


def make_file(path):
    """Write a file and have it on its media; a new folder starts in another allocation group."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(os.urandom(64 * PAGE))
        os.fsync(file.fileno())


def lose_data(stack):
    """A page of a file, one process."""
    path = f"{MNT}/books/ledger"
    make_file(path)
    with Victim(path, *VICTIM) as victim:
        stack.fail(stack.byte(pfn_of(victim, 5 * PAGE)),
                   f"Page 5 of {path}, which a process maps,")
        fate = fate_of(victim)
    say(f"   The process: {fate}")
    return [fate]


def lose_shared(stack):
    """A page that two files share."""
    if stack.target == "linear" and kernel.SHARED_PAGE_SPLAT:
        say("   Not over dm-linear: without a notification this kernel oopses in dax_lock_folio(),"
            "\n   and the machine stops.")
        return [OOPS]
    first, second = f"{MNT}/photos/original", f"{MNT}/photos/copy"
    make_file(first)
    run(f"cp --reflink=always {first} {second}")
    with Victim(first, *VICTIM) as one, Victim(second, *VICTIM) as other:
        stack.fail(stack.byte(pfn_of(one, 5 * PAGE)),
                   f"Page 5 of {first} and of its reflink {second}, each mapped by a process,")
        fates = [fate_of(one), fate_of(other)]
    for path, fate in zip((first, second), fates):
        say(f"   The process that maps {path}: {fate}")
    return sorted(fates)


def lose_metadata(stack):
    """The header of an allocation group on the last child."""
    stack.fail(stack.ranges[-1][0], "The header of an allocation group, XFS's own,")
    try:
        with open(f"{MNT}/after", "wb") as file:
            os.fsync(file.fileno())
        fate = RUNS
    except OSError:
        fate = SHUT
    say(f"   A file is created after that: {fate}")
    return [fate]


def write_to_clone(target, children):
    """Write to a clone, across the place where two NVDIMMs meet; return what is in it then."""
    say(f"== A write to a clone where two NVDIMMs meet, over {target}\n")
    first, second = children[:2]
    seam = 20 * MIB + 5 * PAGE
    run(f"dmsetup create other --table '0 {16 * MIB // SECTOR} linear {first} {seam // SECTOR}'")
    with open("/dev/mapper/other", "wb") as file:
        file.write(b"another volume's secret\n" * (16 * MIB // 24))
        os.fsync(file.fileno())
    device = Device(target, [(first, 0, seam), (second, 0, 380 * MIB)])
    device.mount()
    data = os.urandom(MIB) * 32
    with open(f"{MNT}/ledger", "wb") as file:
        file.write(data)
        os.fsync(file.fileno())
    run(f"cp --reflink=always {MNT}/ledger {MNT}/copy")
    at = Xfs(DEVICE, MNT, make=False).find("ledger", seam) - 50000
    end = at + 100001
    say(f"   The file lies across 0x{seam:x}, where {first.name} ends. 100,001 bytes are written"
        f"\n   over its copy there. Right behind them the copy reads:")
    with open(f"{MNT}/copy", "r+b") as file:
        file.seek(at)
        file.write(bytes(100001))
        file.seek(end)
        behind = file.read(48)
    is_right = behind == data[end:end + 48]
    say(f"   {'what the file has there' if is_right else repr(behind)}\n")
    device.unmount()
    run("dmsetup remove other", show=False)
    if is_right != (b"volume" not in behind):
        raise Unexpected(f"the copy reads {behind!r}")
    return [RIGHT if is_right else MIXED]


SCENES = (
    ("a page of a file", lose_data, {"daxlinear": [DIED], "linear": [DIED]}),
    ("a page shared by two files", lose_shared,
     {"daxlinear": [DIED, DIED],
      "linear": [OOPS] if kernel.SHARED_PAGE_SPLAT else [DIED, LIVES]}),
    ("a page of XFS's metadata", lose_metadata, {"daxlinear": [SHUT], "linear": [RUNS]}),
)


EXPECTED = [("(nothing: a write to a clone)", {"daxlinear": [RIGHT], "linear": [MIXED]}),
            *[(what, expected) for what, _, expected in SCENES]]


def play(target, children, part):
    """Let all three fail over one target; return what happened."""
    say(f"== {len(children)} NVDIMMs, one filesystem, over {target}\n")
    fates = []
    with Stack(target, children, part) as stack:
        for number, (what, lose, _) in enumerate(SCENES, 1):
            say(f"\n{number}. {what[0].upper()}{what[1:]} fails.")
            fates.append(lose(stack))
    say()
    return fates


def summary(fates):
    """Put fates in a few words."""
    return fates[0] if len(set(fates)) == 1 and len(fates) == 1 else (
        f"both {fates[0]}" if len(set(fates)) == 1 else "one SIGBUS, one reads on")


def main():
    """Show it; return the exit code."""
    # no udev here: libdevmapper makes the device nodes itself
    os.environ["DM_DISABLE_UDEV"] = "1"
    start = time.monotonic()
    for module in ("dax-holder/dax_holder", "dm-daxlinear/dm-daxlinear"):
        run(f"insmod {TOP}/{module}.ko", show=False)
    write("/proc/sys/vm/memory_failure_early_kill", 1)
    children = nvdimm.discover()[:3]
    targets = ("daxlinear", "linear")
    copies = {target: write_to_clone(target, children) for target in targets}
    fates = {target: [copies[target], *play(target, children, part)]
             for part, target in enumerate(targets)}

    say(f"What fails{'':20}over daxlinear            over dm-linear")
    wrong = []
    for number, (what, expected) in enumerate(EXPECTED):
        ours, stock = fates["daxlinear"][number], fates["linear"][number]
        say(f"{what:30}{summary(ours):26}{summary(stock)}")
        wrong += [f"{what}, over {target}: {fates[target][number]}, not {expected[target]}"
                  for target in expected if fates[target][number] != expected[target]]
    say()
    for line in wrong:
        say(f"NOT AS EXPECTED: {line}")
    if not wrong:
        say(f"All of it happened, in {time.monotonic() - start:.0f} s of the machine's time.")
    return 1 if wrong else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Unexpected as error:
        say(f"NOT AS EXPECTED: {error}")
        sys.exit(1)
