# SPDX-License-Identifier: GPL-2.0
"""Failures over and over, beside the test."""

import threading

from ..units import PAGE
from .probe import Probe, number_of

# Between one round and the next. The probe records each failure, and a test reads all records.
_PAUSE_SECONDS = 0.005


class Injector(threading.Thread):
    """Fails some pages over and over for its `with` block."""

    def __init__(self, places):
        super().__init__()
        self._lines = [f"inject {number_of(child)} {byte} {PAGE} 0" for child, byte in places]
        self._end = threading.Event()
        self._probe = Probe()
        self._error = None

    def run(self):
        try:
            while not self._end.wait(_PAUSE_SECONDS):
                self._probe.commands(self._lines)
        except OSError as error:
            self._error = error

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        self.join()
        self._probe.close()
        assert self._error is None, self._error
