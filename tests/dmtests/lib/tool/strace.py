# SPDX-License-Identifier: GPL-2.0
"""daxlinear(8), interrupted at one of its system calls."""

import re
import tempfile

from . import tool

# what changes mapped devices, as strace names it; to suspend is to resume as well
CHANGES = ("DM_DEV_CREATE", "DM_TABLE_LOAD", "DM_DEV_SUSPEND", "DM_DEV_REMOVE", "DM_TABLE_CLEAR")

_STRACE = ["strace", "-f", "-qq", "-e", "trace=ioctl"]


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
