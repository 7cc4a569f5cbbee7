# SPDX-License-Identifier: GPL-2.0
"""Runs commands and logs each of them, so that a failed test can be repeated by hand."""

import logging
import os
import shlex
import subprocess

log = logging.getLogger("dmtests")

ENVIRONMENT = dict(os.environ, LC_ALL="C")
if not os.path.exists("/run/udev/control"):
    # without udev libdevmapper makes the nodes itself
    ENVIRONMENT["DM_DISABLE_UDEV"] = "1"


class CommandError(Exception):
    """A command failed."""

    def __init__(self, words, code, output):
        super().__init__(f"{shlex.join(words)} exited with {code}: {output.strip()}")
        self.code = code
        self.output = output


def log_command(words, stdin=None):
    """Log a command as one would type it."""
    text = shlex.join(words)
    if stdin is not None:
        text += f" <<END\n{stdin.rstrip()}\nEND"
    log.info("$ %s", text)


def run(*words, stdin=None, check=True):
    """Run a command; return what it printed, errors included."""
    command = [str(word) for word in words]
    log_command(command, stdin)
    done = subprocess.run(command, input=stdin, stdin=subprocess.DEVNULL if stdin is None else None,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          env=ENVIRONMENT, check=False)
    if done.stdout:
        log.info("%s", done.stdout.rstrip())
    if done.returncode:
        log.info("exit code %d", done.returncode)
        if check:
            raise CommandError(command, done.returncode, done.stdout)
    return done.stdout


def read_file(path):
    """Return what a small file of the kernel's holds, without the white space around it."""
    with open(path, encoding="ascii") as file:
        return file.read().strip()


def write_file(path, text):
    """Write a small file of the kernel's, and log it."""
    log.info("$ echo %s >%s", shlex.quote(str(text)), path)
    with open(path, "w", encoding="ascii") as file:
        file.write(f"{text}\n")
