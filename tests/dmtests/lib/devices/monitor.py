# SPDX-License-Identifier: GPL-2.0
"""QEMU's monitor, from inside the guest, to have hardware do something."""

import os
import re
import select
import time

from ..command import log

_PORT = "/dev/virtio-ports/monitor"
_PROMPT = b"(qemu) "


def command(line, patience=30):
    """Give a command of QEMU's; return its answer."""
    log.info("(qemu) %s", line)
    fd = os.open(_PORT, os.O_RDWR)
    try:
        # drop what was there before, such as the first prompt
        while select.select([fd], [], [], 0.05)[0] and os.read(fd, 4096):
            pass
        os.write(fd, f"{line}\n".encode())
        # its editor echoes each letter, and repeats the line as it goes
        answer, deadline = b"", time.monotonic() + patience
        while not (answer.rstrip().endswith(_PROMPT.rstrip()) and b"\n" in answer):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([fd], [], [], left)[0]:
                raise TimeoutError(f"QEMU does not answer {line!r}: {answer!r}")
            answer += os.read(fd, 4096)
    finally:
        os.close(fd)
    text = re.sub(r"\x1b\[[\d;]*[A-Za-z]|\r", "", answer.decode(errors="replace"))
    text = text.partition("\n")[2].rpartition("(qemu)")[0].strip()
    log.info("%s", text)
    return text
