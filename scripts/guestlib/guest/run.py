# SPDX-License-Identifier: GPL-2.0
"""Runs a command in a guest, and starts the guest again if the emulator has spoilt the boot."""

import os
import signal
import tempfile

from ..images import cache
from . import machine
from .console import Console
from .verdict import judge
from .watch import Watch

# More would slow each other down.
_GUESTS_AT_ONCE = 2

# On a busy host an emulated machine now and then loses its timer while it starts, and hangs before
# any of our code has run, or QEMU aborts while the kernel probes a device (seen in
# msix_table_mmio_write()). Or RCU waits for the timer and reports a stall; the command may have
# begun by then, if another CPU went on. Or the kernel gets the TSC's frequency wrong, and the
# guest's clock is wrong by some factor. None of that is a fault of the code under test.
_BOOTS = 3


class Interrupted(Exception):
    """A signal asked us to end."""

    def __init__(self, number):
        super().__init__(signal.Signals(number).name)
        self.number = number


def _interrupt(number, _frame):
    raise Interrupted(number)


def turn():
    """Return a context in which a guest may run; it waits until fewer than two others do."""
    return cache.turn("guest", _GUESTS_AT_ONCE)


class Command:
    """A command for a guest: the root, what the user asks for, the kernel's known splats."""

    def __init__(self, root, options, known_splats, source, interactive=False):
        self._root = root
        self._options = options
        self._known_splats = known_splats
        self._source = source
        self._interactive = interactive

    def _attempt(self, note, last):
        """Start a guest once; return the exit code, or None if it should be started again."""
        with tempfile.TemporaryDirectory(prefix="daxlinear-guest.") as temporary:
            log = os.path.join(self._options.results or temporary, "console.log")
            with open(log, "wb") as console_file:
                qemu = machine.make(self._root, self._options, temporary, self._source,
                                    self._interactive)
                try:
                    qemu.start(own_session=not self._interactive)
                    watch = Watch(qemu, Console(self._known_splats, console_file), self._options,
                                  note)
                    watch.wait()
                    if watch.lost and not last:
                        note(f"the guest {watch.lost}: starting another")
                        return None
                    return judge(watch, qemu.status, self._options.expect_splat, note)
                finally:
                    qemu.kill()

    def run(self, note):
        """Boot a guest and run the command in it; return the exit code."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _interrupt)
        if self._options.results:
            os.makedirs(self._options.results, exist_ok=True)
        try:
            for boot in range(1, _BOOTS + 1):
                code = self._attempt(note, last=boot == _BOOTS)
                if code is not None:
                    break
            return code
        except Interrupted as signal_seen:
            note(f"ended by {signal_seen}")
            return 128 + signal_seen.number
