# SPDX-License-Identifier: GPL-2.0
"""daxlinear(8), interrupted at one of its system calls."""

import os
import re
import shutil
import subprocess
import tempfile
from signal import SIGCONT, SIGKILL

from ..beside import PATIENCE_SECONDS, wait_for
from ..command import ENVIRONMENT, log, log_command, read_file
from . import tool

# what changes mapped devices, as strace names it; to suspend is to resume as well
CHANGES = ("DM_DEV_CREATE", "DM_TABLE_LOAD", "DM_DEV_SUSPEND", "DM_DEV_REMOVE", "DM_TABLE_CLEAR")

_STRACE = ["strace", "-f", "-qq", "-e", "trace=ioctl"]


# what else makes something that lasts, or starts another program
_STEPS = "ioctl,openat,unlink,write,fchown,fchmod,fsync,close,rename,clone,clone3,vfork"


def record_steps(*words):
    """Run it; return what came of it and each (name, number, line) of its calls.

    The number is that of the call among those of its name. Calls of other programs are left out.
    """
    with tempfile.NamedTemporaryFile("r") as file:
        done = tool.call(*words, prefix=["strace", "-qq", "-e", f"trace={_STEPS}", "-o", file.name])
        lines = [line for line in file if "(" in line]
    names = [line.partition("(")[0] for line in lines]
    return done, [(name, names[:at + 1].count(name), lines[at]) for at, name in enumerate(names)]


def fail_at(name, number, error, *words):
    """Run it, with an error of one of its calls."""
    return tool.call(*words, prefix=["strace", "-qq", "-o", "/dev/null", "-e", f"trace={name}",
                                     "-e", f"inject={name}:error={error}:when={number}"])


def kill_at(name, number, *words, signal="KILL"):
    """Run it, to get a signal when it is about to make this call."""
    return tool.call(*words, prefix=["strace", "-qq", "-o", "/dev/null", "-e", f"trace={name}",
                                     "-e", f"inject={name}:signal={signal}:when={number}"])


def record(*words):
    """Run it; return a Done and the names of its ioctls, in their order."""
    with tempfile.NamedTemporaryFile("r") as file:
        done = tool.call(*words, prefix=[*_STRACE, "--seccomp-bpf", "-o", file.name])
        calls = [re.search(r"ioctl\(\d+(?:<[^>]*>)?, (\w+)", line) for line in file]
    return done, [match.group(1) if match else "" for match in calls]


def inject(number, what, *words):
    """Run it, injecting a signal or an error into its ioctl of this number, counted from 1."""
    # --seccomp-bpf takes half of the time; with it strace 6.1 injects errors, but no signals
    filtered = ["--seccomp-bpf"] if what.startswith("error") else []
    return tool.call(*words, prefix=[*_STRACE, *filtered, "-o", "/dev/null", "-e",
                                     f"inject=ioctl:{what}:when={number}"])


class Stopped:
    """It, stopped when it is about to make a call, for a `with` block; end() lets it go on."""

    def __init__(self, name, number, *words):
        self._folder = tempfile.mkdtemp()
        self._trace = f"{self._folder}/trace"
        command = ["strace", "-qq", "-o", self._trace, "-e", f"trace={name}",
                   "-e", f"inject={name}:signal=STOP:when={number}", tool.PROGRAM,
                   *map(str, words)]
        log_command(command + ["&"])
        # pylint: disable-next=consider-using-with # __exit__() ends it
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                         stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
        self.pid = None

    def _is_stopped(self):
        assert self._process.poll() is None, self._process.communicate()
        return os.path.exists(self._trace) and "stopped by SIGSTOP" in read_file(self._trace)

    def __enter__(self):
        wait_for(self._is_stopped, "it is not stopped")
        self.pid = int(read_file(f"/proc/{self._process.pid}/task/{self._process.pid}/children"))
        return self

    def __exit__(self, *_):
        if self._process.poll() is None:
            os.kill(self.pid, SIGKILL)
        self._process.communicate()
        shutil.rmtree(self._folder)

    def files(self):
        """Return the paths, in /proc, of files without a name that it has open."""
        folder = f"/proc/{self.pid}/fd"
        return [f"{folder}/{fd}" for fd in os.listdir(folder)
                if os.readlink(f"{folder}/{fd}").endswith(" (deleted)")]

    def end(self):
        """Let it go on; return what became of it."""
        os.kill(self.pid, SIGCONT)
        out, err = self._process.communicate(timeout=PATIENCE_SECONDS)
        log.info("%s%sexit code %d", out, err, self._process.returncode)
        return tool.Done(self._process.returncode, out, err)
