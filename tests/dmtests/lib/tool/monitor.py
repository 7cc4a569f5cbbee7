# SPDX-License-Identifier: GPL-2.0
"""daxlinear monitor, running, and what belongs to it."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time

from ..beside import PATIENCE_SECONDS, wait_for
from ..command import ENVIRONMENT, log, run
from ..module import TOP
from .tool import PROGRAM

STATE = "/var/lib/daxlinear"
HISTORY = f"{STATE}/failures.json"
HOOKS = "/etc/daxlinear/alert.d"

# what a command begins with whose patience ends in a fifth of the time
HASTENED = ["env", f"LD_PRELOAD={TOP}/tests/programs/hasten.so"]


class Monitor:
    """daxlinear monitor, for its `with` block; without names, for all devices."""

    def __init__(self, *names, prefix=()):
        self._folder = tempfile.mkdtemp()
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notify.bind(f"{self._folder}/notify")
        # files, which never make the monitor wait as a full pipe would
        # pylint: disable-next=consider-using-with # __exit__() closes it
        self._output = open(f"{self._folder}/out", "w+b")
        with open(f"{self._folder}/out", "ab") as out, open(f"{self._folder}/err", "ab") as err:
            # pylint: disable-next=consider-using-with # __exit__() ends it
            self._process = subprocess.Popen(
                [*prefix, PROGRAM, "monitor", "--json", *names], stdin=subprocess.DEVNULL,
                stdout=out, stderr=err,
                env={**ENVIRONMENT, "NOTIFY_SOCKET": f"{self._folder}/notify"})
        self._part = b""

    def __enter__(self):
        # as systemd does
        self._notify.settimeout(PATIENCE_SECONDS)
        try:
            assert b"READY=1" in self._notify.recv(4096)
        except TimeoutError:
            log.info("monitor: %s", self.end())
            raise
        return self

    def __exit__(self, *_):
        self.kill()
        self._notify.close()
        self._output.close()
        shutil.rmtree(self._folder)

    def kill(self):
        """Kill it at once."""
        self._process.kill()
        if self._process.poll() is None:
            self._process.wait()

    def signal(self, number):
        """Send it a signal."""
        self._process.send_signal(number)

    def line(self, within=PATIENCE_SECONDS):
        """Return the next object, or None if none comes in time."""
        end = time.monotonic() + within
        while not (line := self._part + self._output.readline()).endswith(b"\n"):
            self._part = line
            if time.monotonic() > end:
                return None
            time.sleep(0.05)
        self._part = b""
        log.info("monitor: %s", line.decode().rstrip())
        return json.loads(line)

    def lines(self, number, within=PATIENCE_SECONDS):
        """Return so many objects, which must come, each in time."""
        found = [self.line(within) for _ in range(number)]
        assert None not in found
        return found

    def rest(self):
        """Return all objects that it has printed before it was killed."""
        found = []
        while (line := self.line(0)) is not None:
            found.append(line)
        return found

    def end(self):
        """Wait until it ends; return (code, rest of its output, its messages)."""
        code = self._process.wait(PATIENCE_SECONDS)
        return code, self.rest(), self._messages()

    def _messages(self):
        with open(f"{self._folder}/err", encoding="utf-8") as file:
            return file.read()

    def wait_for_message(self, text):
        """Wait until a message has this text."""
        wait_for(lambda: text in self._messages(),
                 lambda: f"no message has {text!r}:\n{self._messages()}")


@contextlib.contextmanager
def state(size="16M"):
    """Have an empty folder for the state, a filesystem of this size."""
    os.makedirs(STATE, exist_ok=True)
    run("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", STATE)
    try:
        yield
    finally:
        run("umount", "--lazy", STATE)


@contextlib.contextmanager
def hooks(**scripts):
    """Have these hooks, scripts by their names; each has a folder for its results in $OUT."""
    os.makedirs(HOOKS)
    out = tempfile.mkdtemp()
    try:
        for name, script in scripts.items():
            with open(f"{HOOKS}/{name}", "w", encoding="utf-8") as file:
                file.write(f"#!/bin/sh\nOUT={out}\n{script}\n")
            os.chmod(f"{HOOKS}/{name}", 0o755)
        yield out
    finally:
        shutil.rmtree(HOOKS)
        shutil.rmtree(out)


def history():
    """Return what the state file holds."""
    with open(HISTORY, encoding="utf-8") as file:
        return json.load(file)
