# SPDX-License-Identifier: GPL-2.0
"""Commands and functions that run beside the test, because they may have to wait."""

import os
import shlex
import subprocess
import threading
import time

from .command import ENVIRONMENT, CommandError, log, log_command, read_file

# Much longer than anything takes that does not wait, on an emulated CPU that shares its core.
PATIENCE_SECONDS = int(os.environ.get("DMTESTS_PATIENCE", 30))


class Beside:
    """A command that runs for its `with` block, at most."""

    def __init__(self, *words, stdin=None):
        self._words = [str(word) for word in words]
        log_command(self._words + ["&"], stdin)
        self._started = time.monotonic()
        # it runs on until the end of the `with` block
        # pylint: disable-next=consider-using-with
        self._process = subprocess.Popen(
            self._words, stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=ENVIRONMENT)
        if stdin is not None:
            self._process.stdin.write(stdin)
            self._process.stdin.close()
            self._process.stdin = None
        self.pid = self._process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.communicate()

    @property
    def running(self):
        """Whether it has not ended yet."""
        return self._process.poll() is None

    def end(self, within=PATIENCE_SECONDS, check=True):
        """Wait until it has ended; return the seconds that it took."""
        try:
            output, _ = self._process.communicate(timeout=within)
        except subprocess.TimeoutExpired as error:
            raise AssertionError(f"{shlex.join(self._words)} does not end; it is in\n"
                                 f"{self.stack()}") from error
        took = time.monotonic() - self._started
        log.info("%s ended after %.2f s with %d: %s", self._words[0], took,
                 self._process.returncode, output.strip())
        if check and self._process.returncode:
            raise CommandError(self._words, self._process.returncode, output)
        return took

    def stack(self):
        """Return where in the kernel it is, a function a line."""
        return read_file(f"/proc/{self.pid}/stack")

    def wait_in(self, function, within=PATIENCE_SECONDS):
        """Wait until it sleeps in a function of the kernel; return its stack."""
        def there():
            assert self.running, f"{shlex.join(self._words)} ended before it was in {function}"
            stack = self.stack()
            return stack if f" {function}+" in stack else None
        return wait_for(there, lambda: f"{shlex.join(self._words)} is not in {function}, it is in\n"
                                       f"{self.stack()}", within)


class Doing(threading.Thread):
    """A function that runs for its `with` block, and must have ended by then."""

    def __init__(self, function, *arguments):
        super().__init__(daemon=True)
        self._function = function
        self._arguments = arguments
        self._error = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, *_):
        # it may not end because the test has failed
        if kind is None:
            self.end()

    def run(self):
        try:
            self._function(*self._arguments)
        except BaseException as error:  # pylint: disable=broad-exception-caught # end() raises it
            self._error = error

    def end(self):
        """Wait until it has ended; raise what it has raised."""
        self.join(PATIENCE_SECONDS)
        assert not self.is_alive(), f"{self._function} does not end"
        if self._error:
            raise self._error


def promptly(function, *arguments):
    """Call a function; assert that it does not wait."""
    with Doing(function, *arguments):
        pass


def wait_for(condition, failure, within=PATIENCE_SECONDS):
    """Wait until a condition gives something that is true, and return that.

    `failure` is the message of the AssertionError if it never does, or a function returning it.
    """
    deadline = time.monotonic() + within
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(failure() if callable(failure) else failure)
        time.sleep(0.02)
