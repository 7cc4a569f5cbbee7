# SPDX-License-Identifier: GPL-2.0
"""Mapped devices on three floors change all the time while failures arrive.

DMTESTS_STORM is the number of failures, if not the usual one of the kernel.
"""

import os
import time

import pytest

from lib.dm import ioctl
from lib.dm.device import Device, remove_all
from lib.judge.part import Part
from lib.judge.storm import FIRST_MINOR, Storm
from lib.judge.verdict import Verdict
from lib.kernel import STORM_INJECTIONS

pytestmark = pytest.mark.at_once

SEED = int(os.environ.get("DMTESTS_SEED", "1"))
INJECTIONS = int(os.environ.get("DMTESTS_STORM", STORM_INJECTIONS))


class Maker(Part):
    """Makes a device and removes it; with a table that is refused it fails."""

    def __init__(self, text):
        super().__init__(SEED)
        self._text = text

    def run(self):
        with Device(self._text, name="part", minor=FIRST_MINOR) as device:
            self.log.steps[device.number] += 1


def test_a_part_ends_well(bed):
    path = os.path.join(bed.folder(), "log")
    log = Maker("0 8 error").start(path).end()
    assert log.pid != os.getpid()
    assert log.steps == {f"{ioctl.major()}:{FIRST_MINOR}": 1}
    with pytest.raises(AssertionError, match="Invalid argument"):
        Maker("0 8 daxlinear").start(path).end()


def test_storm(bed, capsys):
    storm = Storm(bed.nvdimms, SEED)
    folder = bed.folder()
    begin = time.monotonic()
    try:
        storm.blow(folder, INJECTIONS)
    finally:
        remove_all()
    blown = time.monotonic()
    verdict = Verdict(storm.logs)
    ledger, wrong = verdict.ledger, verdict.wrong
    steps = ", ".join(f"{count} {name}" for name, count in sorted(storm.steps.items()))
    with capsys.disabled():
        print(f"\nstorm: seed {SEED}, {blown - begin:.0f} s, "
              f"judged in {time.monotonic() - blown:.0f} s")
        print(f"storm: steps: {steps}; {storm.of_xfs} failures forwarded to XFS")
        print(f"storm: ledger: {dict(ledger)}; {len(wrong)} wrong")
    assert not wrong, "\n".join(wrong[:20])
    # a storm in which few failures met a step proves nothing
    assert ledger["forwarded"] > ledger["injected"] // 10
    assert ledger["met a step"] > ledger["injected"] // 1000
    assert ledger["children gone"]
    assert storm.of_xfs
