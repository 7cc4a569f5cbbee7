#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The part of the demo with LVM, in a guest with systemd and udev.

Makes a linear and a striped volume with LVM's own commands, lets a page of a file on each fail, and
prints the owner of the page. Fails unless all of it is as expected.
"""

import os
import subprocess
import sys

from lib.devices import nvdimm, poison
from lib.holders.victim import Victim
from lib.tool.tool import FOUND, ask
from lib.units import MIB, PAGE

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

SETUP = (f"insmod {TOP}/dax-holder/dax_holder.ko",
         f"make -s -C {TOP} install-tools prefix=/usr",
         "udevadm control --reload",
         "sysctl -q vm.memory_failure_early_kill=1")
COMMANDS = ("pvcreate -q --dataalignment 2M {0} {1}",
            "vgcreate -q fast {0} {1}",
            "lvcreate -q --type striped --stripes 2 --stripesize 2m --size 320M --name log fast",
            "lvcreate -q --size 480M --name data fast")


def run(command, show=True, code=0):
    """Run a command line; print it as one would type it, and its output."""
    if show:
        print(f"    # {command}", flush=True)
    done = subprocess.run(command, shell=True, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)
    if show and done.stdout:
        print("".join(f"    {line}\n" for line in done.stdout.splitlines()), end="", flush=True)
    if done.returncode != code:
        sys.exit(f"NOT AS EXPECTED: `{command}` failed: {done.stdout}")


def messages(log):
    """Return what the kernel has logged since the last time."""
    lines = []
    while True:
        try:
            lines.append(os.read(log, 8192).decode().partition(";")[2].partition("\n")[0])
        except BlockingIOError:
            return lines


def lose(name, children):
    """Let a page of a file on a volume fail; print the outcome."""
    device, folder = f"fast-{name}", f"/srv/{name}"
    run(f"mkfs.xfs -q -f -m rmapbt=1 /dev/fast/{name}")
    run(f"mount --mkdir -o dax=always /dev/fast/{name} {folder}")
    path = f"{folder}/ledger"
    with open(path, "wb") as file:
        file.write(os.urandom(MIB))
        os.fsync(file.fileno())
    log = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
    with Victim(path, "-e", "-r") as victim:
        pfn = int(victim.ask("pfn", 5 * PAGE)[-1])
        child = next(child for child in children if pfn in child.pfns())
        print(f"   A process maps {path}. Page 5 of it, at 0x{pfn * PAGE - child.phys:x} of"
              f" {child.name}, fails.", flush=True)
        messages(log)
        poison.fail_page(pfn)
        said = [line for line in messages(log) if "dax_holder" in line]
        print(f"   The kernel: {said[0]}")
        print(f"   The process: SIGBUS at 0x{victim.wait_sigbus().offset:x} of the file",
              flush=True)
    run(f"daxlinear status {device}")
    run(f"daxlinear damage {device}", code=FOUND)
    (bad,) = ask("damage", device, code=FOUND)["bad"]
    (owner,) = bad["owners"]
    assert len(said) == 1 and bad["child"] == child.name
    assert (owner["path"], owner["file_offset_bytes"]) == (path, 5 * PAGE)


def main():
    """Show it."""
    children = nvdimm.discover()[:2]
    print("== Two logical volumes on two NVDIMMs, with LVM's own tables\n")
    for command in SETUP:
        run(command, show=False)
    for command in COMMANDS:
        run(command.format(*children))
    run("daxlinear lvm status")
    run("dmsetup table")
    for name in ("log", "data"):
        print(f"\n{name}:")
        lose(name, children)
    print("\nEach volume was notified of its failure, and `damage` named the file.")


if __name__ == "__main__":
    main()
