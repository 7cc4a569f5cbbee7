# SPDX-License-Identifier: GPL-2.0
"""Mapped devices that are handled by device-mapper's system calls themselves.

To start dmsetup takes much longer than what it does, on an emulated CPU. So this is for tests that
are not about it. Each call is logged as the dmsetup command that does the same.
"""

import contextlib
import errno
import fcntl
import os
import struct

from ..command import CommandError, log, log_command
from .device import Device
from .target import table

_LIST, _CREATE, _REMOVE, _RENAME, _SUSPEND, _STATUS = 2, 3, 4, 5, 6, 7
_LOAD, _CLEAR, _TABLE = 9, 10, 12
_ANSWERING = (_LIST, _STATUS, _TABLE)

_SUSPENDED = 1 << 1
_TEXT_OF_TABLE = 1 << 4
_BUFFER_FULL = 1 << 8
_INACTIVE = 1 << 12
_DEFERRED = 1 << 17
_OPTIONS = {"--nolockfs": 1 << 10, "--noflush": 1 << 11, "--inactive": _INACTIVE,
            "--deferred": _DEFERRED, "--retry": 0}

# struct dm_ioctl: version, sizes, targets, opened, flags, event, device, name, uuid
_HEAD = struct.Struct("=3I5II4xQ128s129s7x")
# struct dm_target_spec: start, length, status, next, type
_SPEC = struct.Struct("=QQiI16s")
# struct dm_name_list: device, next, and then the name
_NAME = struct.Struct("=QI")
_ROOM = 1 << 16

_control = None


def _open():
    """Return device-mapper's file; one for all."""
    global _control  # pylint: disable=global-statement
    if _control is None:
        _control = os.open("/dev/mapper/control", os.O_RDWR | os.O_CLOEXEC)
    return _control


def close():
    """Close it until it is needed again, so that device-mapper can be unloaded."""
    global _control  # pylint: disable=global-statement
    if _control is not None:
        os.close(_control)
        _control = None


def _request(name, *, flags=0, targets=0, data=b"", room=0):
    """Return what a system call is given; what it answers may need more room."""
    size = _HEAD.size + max(len(data), room)
    head = _HEAD.pack(4, 0, 0, size, _HEAD.size, targets, 0, flags, 0, 0, name.encode(), b"")
    return bytearray((head + data).ljust(size, b"\0"))


def _call(words, number, name, *, stdin=None, **request):
    """Make a system call; return (device, flags, targets, what it answers)."""
    log_command(["dmsetup", *words], stdin)
    buffer = _request(name, room=_ROOM if number in _ANSWERING else 0, **request)
    # _IOWR(0xfd, number, struct dm_ioctl)
    code = 3 << 30 | _HEAD.size << 16 | 0xfd << 8 | number
    try:
        fcntl.ioctl(_open(), code, buffer)
    except OSError as error:
        log.info("%s", error.strerror)
        raise CommandError(["dmsetup", *words], error.errno, error.strerror) from error
    fields = _HEAD.unpack_from(buffer)
    assert not fields[7] & _BUFFER_FULL
    return fields[9], fields[7], fields[5], bytes(buffer[fields[4]:fields[3]])


def _packed(text):
    """Return the number of targets of a table, and the table as the kernel takes it."""
    parts = []
    lines = text.splitlines()
    for line in lines:
        start, length, kind, words = (line.split(None, 3) + [""])[:4]
        words = words.encode() + b"\0"
        words += b"\0" * (-len(words) % 8)
        parts += [_SPEC.pack(int(start), int(length), 0, _SPEC.size + len(words), kind.encode()),
                  words]
    return len(lines), b"".join(parts)


def load_request(name, *targets):
    """Return what the system call that loads a table is given."""
    number, data = _packed(table(*targets))
    return bytes(_request(name, targets=number, data=data))


def names():
    """Return the names of all mapped devices, those without a table among them."""
    data = _call(["ls"], _LIST, "")[3]
    found, at = [], 0
    # empty if there is none
    while data:
        _, following = _NAME.unpack_from(data, at)
        found.append(data[at + _NAME.size:].split(b"\0", 1)[0].decode())
        if not following:
            break
        at += following
    return found


class QuickDevice(Device):
    """A mapped device; there is no node of its name."""

    def __enter__(self):
        number = _call(["create", "--notable", self.name], _CREATE, self.name)[0]
        self.number = f"{os.major(number)}:{os.minor(number)}"
        self.path = f"/dev/{self.disk}"
        if self.targets:
            try:
                self.reload(*self.targets)
            except BaseException:
                self.remove()
                raise
        return self

    def __exit__(self, *_):
        # whatever the test did to it
        if self.suspended:
            with contextlib.suppress(CommandError):
                self.resume()
        try:
            self.remove()
        except CommandError as error:
            if error.code != errno.ENXIO:
                raise

    def _do(self, verb, number, *options, flags=0, **more):
        for option in options:
            flags |= _OPTIONS[option]
        return _call([verb, *options, self.name], number, self.name, flags=flags, **more)

    def load(self, *targets):
        text = table(*targets)
        number, data = _packed(text)
        self._do("load", _LOAD, targets=number, data=data, stdin=text)

    def resume(self, *options):
        self._do("resume", _SUSPEND, *options)

    def suspend(self, *options):
        self._do("suspend", _SUSPEND, *options, flags=_SUSPENDED)

    def clear(self):
        self._do("clear", _CLEAR)

    def wipe(self):
        size = self.sectors
        self.suspend("--noflush", "--nolockfs")
        self.load(f"0 {size} error")
        self.resume()

    def remove(self, *options):
        self._do("remove", _REMOVE, *options)

    def rename(self, name):
        """Give it another name."""
        _call(["rename", self.name, name], _RENAME, self.name, data=name.encode() + b"\0")
        self.name = name

    def _lines(self, verb, options, flags):
        _, _, count, data = self._do(verb, _TABLE, *options, flags=flags)
        lines, at = [], 0
        for _ in range(count):
            start, length, _, following, kind = _SPEC.unpack_from(data, at)
            text = data[at + _SPEC.size:].split(b"\0", 1)[0].decode()
            lines.append(f"{start} {length} {kind.rstrip(bytes(1)).decode()} {text}")
            # counted from the start of the data
            at = following
        return lines

    def table_text(self, *options):
        return "".join(f"{line}\n" for line in self._lines("table", options, _TEXT_OF_TABLE))

    def status_lines(self, *options):
        return self._lines("status", options, 0)
