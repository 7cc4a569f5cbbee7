# SPDX-License-Identifier: GPL-2.0
"""libdevmapper, called directly: a storm has no time to start a dmsetup for each step.

The library is not made for threads; each process that uses this has its own.
"""

import atexit
import ctypes
import os

_CREATE, _RELOAD, _REMOVE, _SUSPEND, _RESUME, _RENAME, _STATUS, _CLEAR = 0, 1, 2, 4, 5, 8, 10, 14
_MESSAGE = 17
_LOG = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_int,
                        ctypes.c_char_p)


class DmError(OSError):
    """A step failed."""


# failures are raised; the library's own words would only drown the tests'
_quiet = _LOG(lambda *_: None)


def _open():
    os.environ["DM_DISABLE_UDEV"] = "1"
    lib = ctypes.CDLL("libdevmapper.so.1.02.1")
    lib.dm_task_create.restype = ctypes.c_void_p
    lib.dm_get_next_target.restype = ctypes.c_void_p
    lib.dm_log_with_errno_init(_quiet)
    # it logs once more when it is unloaded, which is after Python has ended
    atexit.register(lib.dm_log_with_errno_init, None)
    return lib


_lib = _open()


def close():
    """Let go of device-mapper, until the next task."""
    _lib.dm_lib_release()


class _Task:
    def __init__(self, kind, name):
        self.name = name
        self.task = ctypes.c_void_p(_lib.dm_task_create(kind))
        _lib.dm_task_set_name(self.task, name.encode())

    def __enter__(self):
        return self.task

    def __exit__(self, *_):
        _lib.dm_task_destroy(self.task)

    def run(self):
        if not _lib.dm_task_run(self.task):
            number = _lib.dm_task_get_errno(self.task)
            raise DmError(number, f"{self.name}: {os.strerror(number)}")


def _targets(task, table):
    for line in table.splitlines():
        start, length, kind, params = line.split(" ", 3)
        _lib.dm_task_add_target(task, ctypes.c_uint64(int(start)), ctypes.c_uint64(int(length)),
                                kind.encode(), os.fsencode(params))


def create(name, minor, table=""):
    """Create a device of this minor number, with a live table unless that is empty."""
    task = _Task(_CREATE, name)
    with task as raw:
        _lib.dm_task_set_minor(raw, minor)
        _targets(raw, table)
        task.run()


def load(name, table):
    """Load a table."""
    task = _Task(_RELOAD, name)
    with task as raw:
        _targets(raw, table)
        task.run()


def _plain(kind):
    def step(name):
        task = _Task(kind, name)
        with task:
            task.run()
    return step


clear = _plain(_CLEAR)
resume = _plain(_RESUME)


def remove(name):
    """Remove a device; somebody may just be looking at it."""
    task = _Task(_REMOVE, name)
    with task as raw:
        _lib.dm_task_retry_remove(raw)
        task.run()


def suspend(name, lockfs=False):
    """Suspend a device, without waiting for I/O to be written back."""
    task = _Task(_SUSPEND, name)
    with task as raw:
        _lib.dm_task_no_flush(raw)
        if not lockfs:
            _lib.dm_task_skip_lockfs(raw)
        task.run()


def message(name, sector, text):
    """Send a message to the target that holds a sector."""
    task = _Task(_MESSAGE, name)
    with task as raw:
        _lib.dm_task_set_sector(raw, ctypes.c_uint64(sector))
        _lib.dm_task_set_message(raw, text)
        task.run()


def rename(name, new):
    """Rename a device."""
    task = _Task(_RENAME, name)
    with task as raw:
        _lib.dm_task_set_newname(raw, new.encode())
        task.run()


def status(name):
    """Return the line of the first target."""
    task = _Task(_STATUS, name)
    start, length = ctypes.c_uint64(), ctypes.c_uint64()
    kind, params = ctypes.c_char_p(), ctypes.c_char_p()
    with task as raw:
        task.run()
        _lib.dm_get_next_target(raw, None, ctypes.byref(start), ctypes.byref(length),
                                ctypes.byref(kind), ctypes.byref(params))
        return f"{start.value} {length.value} {kind.value.decode()} {params.value.decode()}"


def major():
    """Return the first half of every mapped device's number."""
    with open("/proc/devices", encoding="ascii") as file:
        for line in file:
            if line.split()[1:] == ["device-mapper"]:
                return int(line.split()[0])
    raise LookupError("no device-mapper in /proc/devices")
