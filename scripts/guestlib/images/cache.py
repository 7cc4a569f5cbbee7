# SPDX-License-Identifier: GPL-2.0
"""The cache folder: whole entries or none, shared by any number of processes.

An entry is a folder named KIND-HASH, where HASH may go on after a hyphen. It is made under another
name and renamed, so that an entry is always complete. Its users hold a shared lock on its lock
file; an entry is removed only while the lock is free.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import re
import subprocess
import time


class Error(Exception):
    """A failure that is reported to the user in one line."""


def folder():
    """Return the cache folder, made if it isn't there."""
    path = os.environ.get("DAXLINEAR_CACHE")
    if not path:
        base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
        path = os.path.join(base, "dm-daxlinear")
    os.makedirs(path, exist_ok=True)
    return os.path.abspath(path)


def digest(inputs):
    """Return a short name for anything that JSON can hold."""
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:16]


def as_root(command):
    """Return the command with sudo, unless we are root: only root can make and enter roots."""
    return list(command) if os.geteuid() == 0 else ["sudo", "--"] + list(command)


def contained(command):
    """Return the command, to be run by root in namespaces of its own for mounts and processes.

    However it ends, and also if we end first, nothing stays mounted and no process is left.
    """
    return as_root(["setpriv", "--pdeathsig", "KILL", "--",
                    "unshare", "--mount-proc", "--pid", "--fork", "--kill-child", *command])


def remove(path):
    """Remove a folder that may belong to root, and never what is mounted below it."""
    if os.path.lexists(path):
        subprocess.run(as_root(["rm", "-rf", "--one-file-system", path]), check=True)


@contextlib.contextmanager
def lock(path, shared=False):
    """Hold an advisory lock on a file, which is made if it isn't there."""
    with open(path, "a", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        yield


def _lock_of(name):
    """Return the lock file for a name. It is never removed: a process may wait for it."""
    locks = os.path.join(folder(), "locks")
    os.makedirs(locks, exist_ok=True)
    return os.path.join(locks, name)


def _try_exclusive(path):
    """Return an open, locked file, or None if another process has it locked."""
    # the caller closes it, and with that gives the lock back
    file = open(path, "a", encoding="utf-8")  # pylint: disable=consider-using-with
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return file
    except BlockingIOError:
        file.close()
        return None


@contextlib.contextmanager
def turn(kind, number):
    """Hold one of `number` turns of a kind; requests are served roughly in their order."""
    locks = [_lock_of(f"{kind}-{each}") for each in range(number)]
    with lock(_lock_of(f"{kind}-queue")):
        while not (held := next(filter(None, map(_try_exclusive, locks)), None)):
            time.sleep(0.2)
    with held:
        yield


@contextlib.contextmanager
def entry(kind, name, make):
    """Yield the path of the entry KIND-NAME, made by make(path) if it isn't there, held in use.

    Other entries of the kind are older versions of the same thing. When a new one is made they go,
    all but the one that is marked.
    """
    path = os.path.join(folder(), f"{kind}-{name}")
    with lock(_lock_of(f"{kind}-{name}"), shared=True):
        if not os.path.isdir(path):
            with lock(_lock_of(kind)):
                if not os.path.isdir(path):
                    temporary = path + ".new"
                    remove(temporary)
                    try:
                        os.mkdir(temporary)
                        make(temporary)
                        os.rename(temporary, path)
                    finally:
                        remove(temporary)
                    remove_others(kind, {name, marked(kind)})
        yield path


def mark(kind, name):
    """Mark an entry of a kind as the one that worked last, instead of the one marked before."""
    path = os.path.join(folder(), kind + ".worked")
    with lock(_lock_of(kind)):
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write(name + "\n")
        os.rename(path + ".new", path)


def marked(kind):
    """Return the name of the entry of a kind that is marked, which may be gone, or None."""
    try:
        with open(os.path.join(folder(), kind + ".worked"), encoding="utf-8") as file:
            return file.read().strip()
    except FileNotFoundError:
        return None


def names(kind):
    """Return the names of the whole entries of a kind, the newest first."""
    # the kind arm64 has no entries of the kind arm64-16k
    whole = re.compile(re.escape(kind) + r"-[0-9a-f]{16}(-.*)?(?<!\.new)")
    found = [item for item in os.scandir(folder()) if whole.fullmatch(item.name) and item.is_dir()]
    found.sort(key=lambda item: item.stat().st_ctime, reverse=True)
    return [item.name[len(kind) + 1:] for item in found]


def remove_others(kind, keep):
    """Remove the entries of a kind, all but those that are in use or whose names are to be kept."""
    for name in names(kind):
        if name in keep:
            continue
        path = os.path.join(folder(), f"{kind}-{name}")
        held = _try_exclusive(_lock_of(f"{kind}-{name}"))
        if held:
            with held:
                remove(path)
