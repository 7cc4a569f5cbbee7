# SPDX-License-Identifier: GPL-2.0
"""Attaching mapped devices whose targets are not ours, so that they are notified of failures."""

import contextlib
import errno
import os

from ..command import log, read_file

FOLDER = "/sys/class/dax-holder"


def order(verb, text):
    """Write to the file "attach" or "detach"; an OSError is the kernel's answer."""
    log.info("$ echo %s >%s/%s", text, FOLDER, verb)
    fd = os.open(f"{FOLDER}/{verb}", os.O_WRONLY)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)


def attach(parent, child):
    """Attach a mapped device to a child."""
    order("attach", f"{parent.number} {child.number}")


def detach(parent, child):
    """Detach it again."""
    order("detach", f"{parent.number} {child.number}")


@contextlib.contextmanager
def attached(parent, *children):
    """Attach to these children for a `with` block; either side may be gone by its end."""
    with contextlib.ExitStack() as stack:
        for child in children:
            attach(parent, child)
            stack.callback(_detach_what_is_left, parent, child)
        yield


def _detach_what_is_left(parent, child):
    try:
        detach(parent, child)
    except OSError as error:
        if error.errno != errno.ENOENT:
            raise


def listed():
    """Return the (child, parent) names that have a directory."""
    return sorted((child, parent) for child in os.listdir(FOLDER)
                  if os.path.isdir(f"{FOLDER}/{child}")
                  for parent in os.listdir(f"{FOLDER}/{child}")
                  if os.path.exists(f"{FOLDER}/{child}/{parent}/alive"))


def folder(parent, child):
    """Return the directory of a device that is attached to a child, or to another such device."""
    disk = child.disk if isinstance(child.disk, str) else child.disk.name
    return f"{FOLDER}/{disk}/{parent.disk}"


def attribute(parent, child, name):
    """Return what one of the files of an attached device holds."""
    return read_file(f"{folder(parent, child)}/{name}")
