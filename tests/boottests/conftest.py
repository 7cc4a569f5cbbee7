# SPDX-License-Identifier: GPL-2.0
"""The device and the mount that Documentation/using.rst makes, for all boots."""

import os
import subprocess

import pytest

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
TAB = "/etc/daxlineartab"
FOLDER = "/mem"
# where the drop-in of Documentation/metrics.rst has the timer write
METRICS = "/srv/metrics/daxlinear.prom"
# what is mounted there has a line in the table
PLAIN = "/plain"
# the UUID of no namespace
ABSENT = "01234567-89ab-cdef-0123-456789abcdef"


class Machine:
    """The machine, between two boots."""

    @staticmethod
    def run(*words):
        """Run a command; return what it printed."""
        return subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=True).stdout

    def property(self, unit, name):
        """Return a property of a unit of systemd."""
        return self.run("systemctl", "show", "--value", "-p", name, unit).strip()

    @staticmethod
    def append(path, text):
        """Append to a file."""
        with open(path, "a", encoding="utf-8") as file:
            file.write(text)

    @staticmethod
    def diary():
        """Return what each boot has added to a file of the device."""
        with open(os.path.join(FOLDER, "diary"), encoding="utf-8") as file:
            return file.read().splitlines()

    def write_diary(self, line):
        """Add to it."""
        self.append(os.path.join(FOLDER, "diary"), line + "\n")


@pytest.fixture(name="machine")
def _machine():
    return Machine()
