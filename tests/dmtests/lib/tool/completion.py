# SPDX-License-Identifier: GPL-2.0
"""Completion of daxlinear(8) in bash."""

import os
import subprocess

from ..command import ENVIRONMENT
from ..module import TOP
from .tool import PROGRAM

_COMPLETION = os.path.join(TOP, "tools/daxlinear.bash")


def complete(*words):
    """Return what completion offers for the last of these words."""
    script = (f'. {_COMPLETION}; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _daxlinear; '
              'printf "%s\\n" "${COMPREPLY[@]}"')
    done = subprocess.run(["bash", "-c", script, "bash", PROGRAM, *words], env=ENVIRONMENT,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.split()
