# SPDX-License-Identifier: GPL-2.0
"""The test target that stops or fails a step of a table's life."""

from ..beside import wait_for
from ..command import read_file, write_file
from ..module import GATE
from .target import Target

_PARAMETERS = f"/sys/module/{GATE.name}/parameters"


class Gate(Target):
    """A line of a table that maps as dm-linear's does, and can stop or fail a step."""

    def __init__(self, sectors, dev, offset=0):
        super().__init__("gate", sectors, dev, offset)


class Gates:
    """All gates, for a `with` block; the target can be used inside only."""

    def __enter__(self):
        GATE.insert()
        return self

    def __exit__(self, *_):
        self.open()
        self.fail("none")
        GATE.remove()

    @staticmethod
    def stop(step):
        """From now on stop tasks that get to this step, and release those stopped elsewhere."""
        write_file(f"{_PARAMETERS}/stop", step)

    def open(self):
        """Stop no task."""
        self.stop("none")

    @staticmethod
    def fail(step):
        """Fail this step, ctr or preresume, from now on."""
        write_file(f"{_PARAMETERS}/fail", step)

    @staticmethod
    def wait_at(step):
        """Wait until a task is stopped at this step."""
        wait_for(lambda: read_file(f"{_PARAMETERS}/at") == step, f"no task gets to {step}")

    def advance(self, step):
        """Release the task that is stopped, and wait until it is stopped at this step."""
        self.stop(step)
        self.wait_at(step)
