# SPDX-License-Identifier: GPL-2.0
"""The configuration of which volumes are attached."""

import contextlib
import os
import shutil

from ..command import write_file

CONF = "/etc/daxlinear/lvm.conf"


@contextlib.contextmanager
def configured(*lines):
    """Replace the configuration by these lines for a `with` block."""
    shutil.copy(CONF, f"{CONF}.kept")
    write_file(CONF, "\n".join(lines))
    try:
        yield
    finally:
        os.rename(f"{CONF}.kept", CONF)
