# SPDX-License-Identifier: GPL-2.0
"""Everything at once: mapped devices on three floors change without pause while failures arrive.

DMTESTS_STORM says how many failures, if not the usual number of the kernel.
"""

import os
import sys
import time

import pytest

from lib.command import run
from lib.dm.device import remove_all
from lib.judge.storm import Storm
from lib.kernel import STORM_INJECTIONS

pytestmark = pytest.mark.at_once

SEED = int(os.environ.get("DMTESTS_SEED", "1"))
INJECTIONS = int(os.environ.get("DMTESTS_STORM", STORM_INJECTIONS))


def test_a_part_ends_well():
    # libdevmapper logs once more when a process ends
    run(sys.executable, "-c", "from lib.dm import libdm\n"
                              "libdm.create('part', 200, '0 8 error ')\n"
                              "libdm.remove('part')")


def test_storm(bed, capsys):
    storm = Storm(bed.nvdimms, SEED)
    folder = bed.folder()
    begin = time.monotonic()
    try:
        storm.blow(folder, INJECTIONS)
    finally:
        remove_all()
    blown = time.monotonic()
    storm.judge()
    ledger, wrong = storm.ledger, storm.wrong
    steps = ", ".join(f"{count} {name}" for name, count in sorted(storm.steps.items()))
    with capsys.disabled():
        print(f"\nstorm: seed {SEED}, {blown - begin:.0f} s, judged in {time.monotonic() - blown:.0f} s")
        print(f"storm: steps: {steps}; {storm.of_xfs} failures told to XFS")
        print(f"storm: ledger: {dict(ledger)}; {len(wrong)} wrong")
    assert not wrong, "\n".join(wrong[:20])
    # a storm in which little met is no storm
    assert ledger["told somebody"] > ledger["injected"] // 10
    assert ledger["met a step"] > ledger["injected"] // 1000
    assert ledger["children gone"]
    assert storm.of_xfs
