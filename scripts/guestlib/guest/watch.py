# SPDX-License-Identifier: GPL-2.0
"""Watches a guest from its start to its end: its output, and how long it takes."""

import selectors
import sys
import time

# how long a guest may take to be gone after its verdict, or after a fatal splat
_GRACE_SECONDS = 20
# A stall of RCU before the command: how long the kernel may take to print where it is stuck. That
# is read after the last boot.
_STALLED_SECONDS = 2
# how long it may take to print what is stuck when the run has timed out
_BLOCKED_SECONDS = 3


class _Port:
    """The port by which inside/init reports that the guest is up, and the command's exit code."""

    def __init__(self):
        self.up = False
        self.code = None
        self._partial = b""

    def feed(self, data):
        """Take what came."""
        *lines, self._partial = (self._partial + data).split(b"\n")
        for line in lines:
            word, _, value = line.decode(errors="replace").partition(" ")
            if word == "started":
                self.up = True
            elif word == "exit":
                self.code = int(value)


class Watch:
    """The watch over one guest, and after wait() the outcome.

    `lost` is why the guest failed before it could run the command: another one may be started.
    `overdue` is which limit of time it exceeded.
    """

    def __init__(self, qemu, console, options, note):
        self.console = console
        self.lost = None
        self.overdue = None
        self._qemu = qemu
        self._options = options
        self._note = note
        self._port = _Port()
        self._started = time.monotonic()
        self._deadline = self._started + options.timeout

    @property
    def code(self):
        """The command's exit code, or None."""
        return self._port.code

    def wait(self):
        """Pass the guest's output on until it has ended by itself, or has to be ended."""
        receivers = {"console": self._take_console, "output": _pass_on,
                     "verdict": self._take_verdict, "monitor": lambda data: None}
        with selectors.DefaultSelector() as selector:
            for name, receive in receivers.items():
                selector.register(self._qemu.streams[name], selectors.EVENT_READ, receive)
            while selector.get_map():
                for key, _ in selector.select(timeout=0.5):
                    data = _read(key.fileobj)
                    if data:
                        key.data(data)
                    elif data is not None:
                        selector.unregister(key.fileobj)
                if time.monotonic() > self._deadline and not self._give_up():
                    break
                self.lost = self._why_lost()
                if self.lost:
                    break
            else:
                signal_number = self._qemu.ended_by()
                if signal_number and self._is_silent():
                    self.lost = f"lost its emulator to signal {signal_number}"
        self._qemu.kill()
        self.console.close()
        if self.console.false_start:
            self.lost = "stalled before its command began"

    def _is_silent(self):
        return not self._port.up and self.console.splat is None

    def _why_lost(self):
        if not self._is_silent():
            return None
        if self.console.has_wrong_clock:
            return "has a clock that goes wrong"
        if time.monotonic() > self._started + self._options.boot_timeout:
            return f"did not come up in {self._options.boot_timeout} s"
        return None

    def _take_console(self, data):
        was_fatal = self.console.fatal
        self.console.feed(data)
        if self.console.false_start:
            self._hurry(_STALLED_SECONDS)
        elif self.console.fatal and not was_fatal and not self._options.keep_going:
            self._hurry()

    def _take_verdict(self, data):
        was_up = self._port.up
        self._port.feed(data)
        if self._port.up and not was_up:
            self._note(f"the guest is up, {time.monotonic() - self._started:.0f} s from its start")
        if self.code is not None:
            self._hurry()

    def _hurry(self, seconds=_GRACE_SECONDS):
        self._deadline = min(self._deadline, time.monotonic() + seconds)

    def _give_up(self):
        """Handle a passed deadline; return whether there is still something to wait for."""
        if self.overdue or self.console.fatal:
            return False
        if self.code is not None:
            self.overdue = f"the command ended with {self.code}, but the guest did not power off"
            return False
        self.overdue = f"timed out after {self._options.timeout} s"
        # The kernel then prints which tasks are stuck, and where.
        self._qemu.streams["monitor"].send(b"chardev-send-break console\n")
        # The break goes another way than the letter, and must arrive before it.
        time.sleep(0.5)
        self._qemu.streams["console"].send(b"w")
        self._deadline = time.monotonic() + _BLOCKED_SECONDS
        return True


def _read(stream):
    """Return what has come, nothing at the stream's end, None if it was a false alarm."""
    try:
        return stream.recv(65536)
    except BlockingIOError:
        return None
    except ConnectionResetError:
        return b""


def _pass_on(data):
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
