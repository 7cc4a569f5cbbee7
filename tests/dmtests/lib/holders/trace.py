# SPDX-License-Identifier: GPL-2.0
"""Events of the kernel, traced in an instance that no other program uses."""

import contextlib
import itertools
import os
import re

from ..command import read_file, write_file

_TRACING = "/sys/kernel/tracing"

# Instances are kept: making one and removing it takes as long as a test.
_numbers = itertools.count(1)
_unused: list[str] = []


def _make():
    # To record the names of tasks the kernel patches its scheduler, and emulated processors now
    # and then get stuck in code that is patched. An instance inherits the option.
    write_file(f"{_TRACING}/options/record-cmd", 0)
    folder = f"{_TRACING}/instances/dmtests{next(_numbers)}"
    # an earlier run of the tests kept its instances too
    os.makedirs(folder, exist_ok=True)
    return folder


class Trace:
    """Events of one `with` block.

    An event is "group/name", or "group/name" and a filter.
    """

    def __init__(self, *events):
        self._events = [(event, None) if isinstance(event, str) else event for event in events]
        self._folder = None
        self._stack = None

    def __enter__(self):
        self._folder = _unused.pop() if _unused else _make()
        with contextlib.ExitStack() as stack:
            stack.callback(_unused.append, self._folder)
            # opening the file for writing clears it
            with open(f"{self._folder}/trace", "w", encoding="ascii"):
                pass
            for event, condition in self._events:
                if condition:
                    self._set(event, "filter", condition)
                    stack.callback(self._set, event, "filter", 0)
                self._set(event, "enable", 1)
                stack.callback(self._set, event, "enable", 0)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self._stack.close()

    def _set(self, event, name, value):
        write_file(f"{self._folder}/events/{event}/{name}", value)

    def lines(self):
        """Return what happened, an event a line, without comments."""
        return [line for line in read_file(f"{self._folder}/trace").splitlines()
                if not line.startswith("#")]

    def fields(self):
        """Return the key=value fields of each event."""
        return [dict(re.findall(r"(\w+)=(\S+)", line)) for line in self.lines()]


class Kprobe(Trace):
    """The calls of a function; `arguments` names its arguments, in their order."""

    def __init__(self, function, **arguments):
        super().__init__("dmtests/called")
        module, _, name = function.rpartition(":")
        if not os.path.exists(f"/sys/module/{module}/initstate"):
            # it is built in
            function = name
        fetch = " ".join(f"{name}=$arg{number}:{kind}" for number, (name, kind)
                         in enumerate(arguments.items(), start=1) if kind)
        self._definition = f"p:dmtests/called {function} {fetch}"

    def __enter__(self):
        # Looking a function up takes half a second, so a definition stays until another one is
        # needed; while it is not enabled it costs nothing.
        if read_file(f"{_TRACING}/kprobe_events") != self._definition:
            write_file(f"{_TRACING}/kprobe_events", self._definition)
        super().__enter__()
        return self
