# SPDX-License-Identifier: GPL-2.0
"""The module daxprobe: it registers as holder, and injects failures into a child's holder."""

import contextlib
import errno
import os
import stat
from collections import namedtuple

from ..command import log
from ..units import PAGE

FOLDER = "/sys/kernel/debug/daxprobe"

# of an injection, `calls` are those of its holders
Injection = namedtuple("Injection", "seq pid dev off len flags rc calls")
Call = namedtuple("Call", "seq pid dev off len flags")
Page = namedtuple("Page", "dev off pfn pages")


class ProbeError(OSError):
    """A command of the probe failed."""


def number_of(device):
    """Return the major:minor of a device, a child, or what is that already."""
    number = device if isinstance(device, str) else device.number
    _make_node(number)
    return number


def _make_node(number):
    """Make the node by which the probe opens a device; udev makes the same."""
    path = f"/dev/block/{number}"
    if not os.path.exists(path):
        os.makedirs("/dev/block", exist_ok=True)
        major, minor = map(int, number.split(":"))
        # udev may make it first
        with contextlib.suppress(FileExistsError):
            os.mknod(path, 0o600 | stat.S_IFBLK, os.makedev(major, minor))


class Probe:
    """An open control file; each thread that injects needs one of its own."""

    def __init__(self):
        self._fd = os.open(f"{FOLDER}/control", os.O_RDWR | os.O_CLOEXEC)
        self._held = []

    def close(self):
        """Close the control file; slots stay taken."""
        os.close(self._fd)

    def release_all(self):
        """Release all devices."""
        for number in list(self._held):
            self.release(number)

    def commands(self, lines):
        """Carry out commands, all in as few system calls as possible."""
        rest = memoryview("".join(f"{line}\n" for line in lines).encode())
        while rest:
            try:
                rest = rest[os.write(self._fd, rest):]
            except OSError as error:
                culprit = bytes(rest[:200]).split(b"\n")[0].decode()
                raise ProbeError(error.errno, f"probe: {culprit}: {error.strerror}") from error

    def command(self, *words):
        """Carry out one command, and log it."""
        line = " ".join(str(word) for word in words)
        log.info("$ echo %s >%s/control", line, FOLDER)
        self.commands([line])

    def reset(self):
        """Forget all records."""
        self.command("reset")

    def hold(self, device, rc=0):
        """Take the holder slot of a device."""
        number = number_of(device)
        self.command("hold", number, rc)
        self._held.append(number)

    def release(self, device):
        """Leave the slot."""
        number = number_of(device)
        self._held.remove(number)
        self.command("release", number)

    @contextlib.contextmanager
    def holding(self, device, rc=0):
        """Hold a device for a while; it may be gone by the end."""
        self.hold(device, rc)
        try:
            yield
        finally:
            if number_of(device) in self._held:
                self.release(device)

    def answer(self, device, rc):
        """Answer so from now on."""
        self.command("rc", number_of(device), rc)

    def delay(self, device, milliseconds):
        """Take so long to answer from now on."""
        self.command("delay", number_of(device), milliseconds)

    def is_free(self, device):
        """Return whether the holder slot of a device is free."""
        number = number_of(device)
        try:
            self.commands([f"hold {number}"])
        except ProbeError as error:
            if error.errno != errno.EBUSY:
                raise
            return False
        self.commands([f"release {number}"])
        return True

    def inject(self, child, off, length=PAGE, flags=0):
        """Inject one failure; return its Injection."""
        return self.inject_all([(child, off, length, flags)])[0]

    def inject_all(self, failures, how="inject"):
        """Inject (child, offset[, length[, flags]]) failures; return an Injection for each."""
        numbers = {child: number_of(child) for child in {failure[0] for failure in failures}}
        lines = []
        for child, off, *more in failures:
            length = more[0] if more else PAGE
            flags = more[1] if len(more) > 1 else 0
            lines.append(f"{how} {numbers[child]} {off} {length} {flags}")
        self.commands(["reset"] + lines)
        done, strays = self.records()
        assert not strays, strays
        assert len(done) == len(lines)
        if len(done) <= 16:
            for injection in done:
                log.info("%s", injection)
        return done

    def lookup(self, pages, how="phys"):
        """Look up (device, offset[, pages]); return a Page for each, pfn < 0 being an error."""
        answers = []
        for start in range(0, len(pages), 5000):
            self.commands([f"{how} {number_of(device)} {' '.join(map(str, numbers))}"
                           for device, *numbers in pages[start:start + 5000]])
            answers += self._answers()
        return answers

    def is_synchronous(self, device):
        """Return whether a device promises synchronous faults."""
        self.command("synchronous", number_of(device))
        return bool(self._answers()[0].pfn)

    def zero(self, device, byte):
        """Zero a page, as a filesystem does."""
        self.command("zero", number_of(device), byte)

    def recover(self, device, byte, length, value):
        """Write so many times a value over a place that may be bad; return how much it took."""
        self.command("recover", number_of(device), byte, length, value)
        return self._answers()[0].pfn

    def sum(self, uses, how="locked", milliseconds=0):
        """Read (device, offset, pages) as copy-on-write does, all pages by one address.

        Return a Page for each: the CRC-32 of what was read and how many pages the answer had, or
        an error below 0.
        """
        self.commands([f"sum {number_of(device)} {offset} {pages} {how} {milliseconds}"
                       for device, offset, pages in uses])
        return self._answers()

    def fill(self, device, offset, pages, value):
        """Write a byte all over pages, by one address."""
        self.command("fill", number_of(device), offset, pages, value)

    def _answers(self):
        text = b""
        while part := os.read(self._fd, 1 << 20):
            text += part
        return [Page(line.split()[0], *map(int, line.split()[1:]))
                for line in text.decode().splitlines()]

    @staticmethod
    def records():
        """Return the injections in the order they ended, and the calls outside of any."""
        calls: dict[int, list] = {}
        done: list[Injection] = []
        strays: list[Call] = []
        with open(f"{FOLDER}/calls", encoding="ascii") as file:
            for line in file:
                kind, *fields = line.split()
                assert kind != "lost", line
                # the third is a device
                values: list = [field if at == 2 else int(field) for at, field in enumerate(fields)]
                if kind == "call":
                    call = Call(*values)
                    (calls.setdefault(call.seq, []) if call.seq else strays).append(call)
                else:
                    done.append(Injection._make([*values, calls.pop(values[0], [])]))
        assert not calls, calls
        return done, strays
