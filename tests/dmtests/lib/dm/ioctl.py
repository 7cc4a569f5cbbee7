# SPDX-License-Identifier: GPL-2.0
"""device-mapper's system calls.

Each function is the dmsetup command of the same name and takes its options. Starting dmsetup takes
much longer than the call itself, on an emulated CPU. A call that fails raises an OSError.
"""

import errno
import fcntl
import os
import struct
import time

_LIST, _CREATE, _REMOVE, _RENAME, _SUSPEND, _STATUS = 2, 3, 4, 5, 6, 7
_LOAD, _CLEAR, _TABLE, _MESSAGE = 9, 10, 12, 14
_ANSWERING = (_LIST, _STATUS, _TABLE)

_SUSPENDED = 1 << 1
_PERSISTENT_NUMBER = 1 << 3
_TEXT_OF_TABLE = 1 << 4
_BUFFER_FULL = 1 << 8
_OPTIONS = {"--nolockfs": 1 << 10, "--noflush": 1 << 11, "--inactive": 1 << 12,
            "--deferred": 1 << 17}

# struct dm_ioctl: version, sizes, targets, opened, flags, event, device, name, uuid
_HEAD = struct.Struct("=3I5II4xQ128s129s7x")
# struct dm_target_spec: start, length, status, next, type
_SPEC = struct.Struct("=QQiI16s")
# struct dm_name_list: device, next, and then the name
_NAME = struct.Struct("=QI")
# struct dm_target_msg: sector, and then the message
_SECTOR = struct.Struct("=Q")
_ROOM = 1 << 14

# how long udev or blkid may have a device open that has just come
_RETRY_SECONDS = 5


class _Control:
    """device-mapper's file: one for all, open from the first call to close()."""

    def __init__(self):
        self._fd = None

    def call(self, code: int, buffer: bytearray):
        """Make a call; it changes the buffer."""
        if self._fd is None:
            self._fd = os.open("/dev/mapper/control", os.O_RDWR | os.O_CLOEXEC)
        fcntl.ioctl(self._fd, code, buffer)

    def close(self):
        """Close it until the next call."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


_control = _Control()


class _Answer:
    """What a call has left in its buffer."""

    def __init__(self, buffer):
        fields = _HEAD.unpack_from(buffer)
        self.targets, self.flags, self.event = fields[5], fields[7], fields[8]
        self.number = f"{os.major(fields[9])}:{os.minor(fields[9])}"
        self.data = bytes(buffer[fields[4]:fields[3]])


def close():
    """Close device-mapper's file until the next call, so that device-mapper can be unloaded."""
    _control.close()


def _request(name, *, flags=0, number=0, targets=0, data=b"", room=0):
    """Return the buffer of a call; its answer may need more room than the call."""
    size = _HEAD.size + max(len(data), room)
    head = _HEAD.pack(4, 0, 0, size, _HEAD.size, targets, 0, flags, 0, number, name.encode(), b"")
    return bytearray((head + data).ljust(size, b"\0"))


def _call(command, name, options=(), *, flags=0, **request):
    """Make a call; return its _Answer."""
    for option in options:
        flags |= _OPTIONS[option]
    # _IOWR(0xfd, command, struct dm_ioctl)
    code = 3 << 30 | _HEAD.size << 16 | 0xfd << 8 | command
    room = _ROOM if command in _ANSWERING else 0
    while True:
        buffer = _request(name, flags=flags, room=room, **request)
        try:
            _control.call(code, buffer)
        except OSError as error:
            raise OSError(error.errno, error.strerror, name) from error
        answer = _Answer(buffer)
        if not answer.flags & _BUFFER_FULL:
            return answer
        room *= 2


def _packed(text):
    """Return the number of targets of a table, and the table as a call takes it."""
    parts = []
    lines = text.splitlines()
    for line in lines:
        start, length, kind, words = (line.split(" ", 3) + [""])[:4]
        data = os.fsencode(words) + b"\0"
        data += b"\0" * (-len(data) % 8)
        parts += [_SPEC.pack(int(start), int(length), 0, _SPEC.size + len(data), kind.encode()),
                  data]
    return len(lines), b"".join(parts)


def load_request(name: str, text: str) -> bytes:
    """Return the buffer of the call that loads a table."""
    targets, data = _packed(text)
    return bytes(_request(name, targets=targets, data=data))


def major() -> int:
    """Return the first half of every mapped device's number."""
    with open("/proc/devices", encoding="ascii") as file:
        for line in file:
            if line.split()[1:] == ["device-mapper"]:
                return int(line.split()[0])
    raise LookupError("no device-mapper in /proc/devices")


def names() -> list:
    """Return the names of all mapped devices, those without a table among them."""
    data = _call(_LIST, "").data
    found, at = [], 0
    # empty if there is none
    while data:
        _, following = _NAME.unpack_from(data, at)
        found.append(data[at + _NAME.size:].split(b"\0", 1)[0].decode())
        if not following:
            break
        at += following
    return found


def create(name: str, minor: int | None = None) -> str:
    """Create a device without a table, of this minor number if given; return its number."""
    if minor is None:
        return _call(_CREATE, name).number
    return _call(_CREATE, name, flags=_PERSISTENT_NUMBER,
                 number=os.makedev(major(), minor)).number


def load(name: str, text: str):
    """Load a table; the live one stays until resume()."""
    targets, data = _packed(text)
    _call(_LOAD, name, targets=targets, data=data)


def resume(name: str, *options: str):
    """Resume, with the loaded table if there is one."""
    _call(_SUSPEND, name, options)


def suspend(name: str, *options: str):
    """Suspend."""
    _call(_SUSPEND, name, options, flags=_SUSPENDED)


def clear(name: str):
    """Drop the loaded table."""
    _call(_CLEAR, name)


def remove(name: str, *options: str):
    """Remove a device; with --retry wait for a while until it is closed."""
    deadline = time.monotonic() + (_RETRY_SECONDS if "--retry" in options else 0)
    while True:
        try:
            _call(_REMOVE, name, set(options) - {"--retry"})
            return
        except OSError as error:
            if error.errno != errno.EBUSY or time.monotonic() >= deadline:
                raise
        time.sleep(0.05)


def rename(name: str, new: str):
    """Rename a device."""
    _call(_RENAME, name, data=new.encode() + b"\0")


def message(name: str, sector: int, text: bytes):
    """Send a message to the target of a sector."""
    _call(_MESSAGE, name, data=_SECTOR.pack(sector) + text + b"\0")


def events(name: str) -> int:
    """Return how many events there were."""
    return _call(_STATUS, name).event


def _lines(name, options, flags):
    answer = _call(_TABLE, name, options, flags=flags)
    lines, at = [], 0
    for _ in range(answer.targets):
        start, length, _, following, kind = _SPEC.unpack_from(answer.data, at)
        text = answer.data[at + _SPEC.size:].split(b"\0", 1)[0].decode()
        lines.append(f"{start} {length} {kind.rstrip(bytes(1)).decode()} {text}")
        # counted from the start of the data
        at = following
    return lines


def table(name: str, *options: str) -> list:
    """Return the lines of the live table, or with --inactive of the loaded one."""
    return _lines(name, options, _TEXT_OF_TABLE)


def status(name: str, *options: str) -> list:
    """Return a line for each target."""
    return _lines(name, options, 0)
