# SPDX-License-Identifier: GPL-2.0
"""A terminal, for output that is another one there."""

import fcntl
import os
import pty
import struct
import termios

from ..command import ENVIRONMENT, log, log_command
from .tool import PROGRAM


def terminal(*words, prefix=(), columns=100, answer=""):
    """Run it on a terminal, and type an answer; return what that shows."""
    command = [*prefix, PROGRAM, *map(str, words)]
    log_command(command)
    pid, fd = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        os.execvpe(command[0], command, ENVIRONMENT)
    shown = b""
    os.write(fd, answer.encode())
    try:
        while part := os.read(fd, 4096):
            shown += part
    except OSError:
        # the other side has closed it
        pass
    os.close(fd)
    os.waitpid(pid, 0)
    log.info("%s", shown.decode())
    return shown.decode()
