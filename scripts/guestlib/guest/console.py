# SPDX-License-Identifier: GPL-2.0
"""Reads a kernel's console and recognises splats: messages of a kernel that is unwell."""

import math
import re

# What a healthy kernel never prints. After a fatal splat the run is ended.
_FATAL = re.compile(
    r"Kernel panic - not syncing"
    r"|\bOops\b"
    r"|\bBUG: "
    r"|kernel BUG at "
    r"|\[#\d+\] (PREEMPT|SMP|KASAN|NOPTI|PTI)"
    r"|general protection fault"
    r"|double fault"
    r"|INFO: task .* blocked for more than"
    r"|rcu: INFO: .*(stall|expedited)"
    r"|rcu.*(kthread starved|self-detected stall|detected stalls)"
)
_OTHER = re.compile(
    r"WARNING: "
    r"|suspicious RCU usage"
    r"|possible (circular|recursive|irq lock) "
    r"|INFO: possible "
    r"|INFO: trying to register non-static key"
    r"|\b(KASAN|KCSAN|KFENCE|UBSAN|KMSAN): "
    r"|kmemleak: \d+ new suspected memory leaks"
    r"|unreferenced object 0x"
    r"|refcount_t: "
    r"|(list_add|list_del) corruption"
    r"|sysfs: cannot create duplicate filename"
    r"|scheduling while atomic"
)

# what inside/init prints, and what the kernel prints when the command has asked for a reboot
_COMMAND = "guest: the command begins"
_REBOOT = "reboot: Restarting system"

# the timer has misled the kernel about the TSC's frequency
_WRONG_CLOCK = "tsc: PIT calibration deviates from"

_STAMP = re.compile(r"\[ *(\d+\.\d+)\]")
_STALL = re.compile(r"rcu: INFO: rcu_\w+ (self-detected stall on|detected stalls on) CPU")
_EXPEDITED_STALL = re.compile(r"rcu: INFO: rcu_\w+ detected expedited stalls")
# RCU reports a grace period that began before the command after 21 s, after 26 if the kernel proves
# its use of RCU, and one that began later after 60, which inside/init sets. This is between.
_STALL_SECONDS = 40

_BEFORE = 5
_LINES = 60


def _stamp(line, otherwise):
    """Return the guest's time that a line has, in seconds."""
    stamp = _STAMP.search(line)
    return float(stamp[1]) if stamp else otherwise


class Console:
    """The console's lines so far, and the first splat among them."""

    def __init__(self, known_splats=(), file=None):
        self._known = [re.compile(pattern) for pattern in known_splats]
        self._file = file
        self._partial = b""
        self.lines = []
        self.first_splat = None
        self.fatal = False
        # the first splat is a stall that began before the guest's command
        self.false_start = False
        # the kernel's clock is wrong
        self.has_wrong_clock = False
        # when the command began, by the guest's clock
        self._command = None

    def feed(self, data):
        """Read what the console has printed."""
        if self._file:
            self._file.write(data)
            self._file.flush()
        *lines, self._partial = (self._partial + data).split(b"\n")
        for line in lines:
            self._line(line)

    def close(self):
        """Read what is left of an unfinished last line: QEMU has ended."""
        if self._partial:
            self._line(self._partial)
            self._partial = b""

    def _line(self, raw):
        line = raw.decode(errors="replace").rstrip("\r")
        self.lines.append(line)
        if _COMMAND in line and self._command is None:
            self._command = _stamp(line, -math.inf)
        elif _REBOOT in line:
            self._command = -math.inf
        elif _WRONG_CLOCK in line:
            self.has_wrong_clock = True
        if any(pattern.search(line) for pattern in self._known):
            return
        fatal = bool(_FATAL.search(line))
        if fatal or _OTHER.search(line):
            self.fatal = self.fatal or fatal
            if self.first_splat is None:
                self.first_splat = len(self.lines) - 1
                self.false_start = self._is_false_start(line)

    def _is_false_start(self, line):
        if self._command is None:
            return bool(_STALL.search(line) or _EXPEDITED_STALL.search(line))
        latest = self._command + _STALL_SECONDS
        return bool(_STALL.search(line)) and _stamp(line, latest) < latest

    @property
    def splat(self):
        """The first line of the first splat, or None."""
        return None if self.first_splat is None else self.lines[self.first_splat]

    def splat_matches(self, pattern):
        """Return whether a splat occurred and it, or what followed it, matches the pattern.

        The lines that follow count because the first one seldom names the function.
        """
        if self.first_splat is None:
            return False
        return any(re.search(pattern, line) for line in self.lines[self.first_splat:])

    def excerpt(self):
        """Return the lines to print of a run that failed."""
        if self.first_splat is None:
            return self.lines[-_LINES:]
        start = max(0, self.first_splat - _BEFORE)
        return self.lines[start:start + _BEFORE + _LINES]
