# SPDX-License-Identifier: GPL-2.0
"""IMA measures all of a table, however many ranges it has."""

import errno
import hashlib
import logging
import os
import re

import pytest

from lib.command import log, run
from lib.dm.target import DaxLinear
from lib.units import HUGE_SECTORS, PAGE_SECTORS, pages

_FOLDER = "/sys/kernel/security"
# of more ranges a hash is measured
_PRINTED = 8

pytestmark = pytest.mark.last("the policy is set until the next boot, and from then on IMA "
                              "measures all tables")


def measured(device):
    """Return IMA's measurement of each target of each table of a device."""
    with open(f"{_FOLDER}/ima/ascii_runtime_measurements", encoding="ascii") as file:
        loads = [bytes.fromhex(line.split()[5]).decode() for line in file
                 if line.split()[4] == "dm_table_load"]
    return [re.findall(r"target_name=daxlinear,target_version=[\d.]+,([^;]*)", text)
            for text in loads if f"name={device.name}," in text]


def expected(ranges, option=""):
    """Return the expected measurement of a target, see Documentation/daxlinear.rst."""
    lines = [f"{child.number} {offset} {sectors}" for child, offset, sectors in ranges]
    if len(ranges) == 1:
        child, offset, _ = ranges[0]
        fields = f"device_name={child.number},start={offset}"
    elif len(ranges) <= _PRINTED:
        fields = f"ranges={len(ranges)} {' '.join(lines)}"
    else:
        digest = hashlib.sha256("\n".join([*lines, ""]).encode()).hexdigest()
        fields = f"nr_ranges={len(ranges)},ranges_hash=sha256:{digest}"
    return fields + (f",{option}=y" if option else "")


@pytest.fixture(autouse=True)
def _policy():
    if not os.path.isdir(f"{_FOLDER}/ima"):
        run("mount", "-t", "securityfs", "securityfs", _FOLDER)
    policy = f"{_FOLDER}/ima/policy"
    if os.path.exists(policy) and os.access(policy, os.W_OK):
        try:
            with open(policy, "w", encoding="ascii") as file:
                file.write("measure func=CRITICAL_DATA label=device-mapper\n")
        except OSError as error:
            assert error.errno in (errno.EBUSY, errno.EACCES)


def test_format(bed):
    first, second = bed.nvdimms[:2]
    two = [(first, 0, pages(1)), (second, pages(10), pages(2))]
    device = bed.device(DaxLinear(2048, first, 800), DaxLinear.ranges(two, "allow_move"))
    assert measured(device) == [[expected([(first, 800, 2048)]), expected(two, "allow_move")]]


@pytest.mark.parametrize("option", ["align_pmd", "align_2m", "allow_move"])
def test_each_name_of_an_option(bed, option):
    ranges = [(bed.nvdimms[0], 0, HUGE_SECTORS)]
    device = bed.device(DaxLinear.ranges(ranges, option))
    assert measured(device) == [[expected(ranges, option)]]


@pytest.mark.parametrize("number", [2, _PRINTED, _PRINTED + 1, 65536])
def test_last_range(bed, caplog, number):
    # a table of so many is too long for the log of a test that failed
    caplog.set_level(logging.WARNING, log.name)
    child, end = bed.nvdimms[3], number * PAGE_SECTORS
    same = [(child, at * PAGE_SECTORS, PAGE_SECTORS) for at in range(number - 1)]
    tables = [same + [last] for last in ((child, end, PAGE_SECTORS),
                                         (child, end + PAGE_SECTORS, PAGE_SECTORS),
                                         (child, end, 2 * PAGE_SECTORS),
                                         (bed.nvdimms[2], end, PAGE_SECTORS))]
    device = bed.device()
    for ranges in tables:
        device.load(DaxLinear.ranges(ranges))
    found = [target for target, in measured(device)]
    assert len(found) == len(set(found)) == len(tables)
    assert found == [expected(ranges) for ranges in tables]
