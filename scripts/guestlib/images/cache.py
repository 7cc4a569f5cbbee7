# SPDX-License-Identifier: GPL-2.0
"""The cache folder: whole entries or none, shared by any number of processes.

An entry is a folder named KIND-HASH. It is made under another name and renamed, so that an entry
is always complete. Its users hold a shared lock on its lock file; an entry is removed only while
the lock is free.
"""

import contextlib
import fcntl
import hashlib
import json
import os
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

    Other entries of the kind are older versions of the same thing, and go when a new one is made.
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
                    _remove_others(kind, path)
        yield path


def names(kind):
    """Return the names of the whole entries of a kind, the newest first."""
    prefix = kind + "-"
    found = [item for item in os.scandir(folder())
             if item.name.startswith(prefix) and item.is_dir() and not item.name.endswith(".new")]
    found.sort(key=lambda item: item.stat().st_ctime, reverse=True)
    return [item.name[len(prefix):] for item in found]


def _remove_others(kind, keep):
    for name in names(kind):
        path = os.path.join(folder(), f"{kind}-{name}")
        if path == keep:
            continue
        held = _try_exclusive(_lock_of(f"{kind}-{name}"))
        if held:
            with held:
                remove(path)
