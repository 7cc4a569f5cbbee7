# SPDX-License-Identifier: GPL-2.0
"""Tables and messages that are made at random, through device-mapper's system calls.

DMTESTS_FUZZ is the number of rounds, DMTESTS_SEED where they start: a round depends on the rounds
before it, so a failure repeats with the same seed.
"""

import contextlib
import os
import random
from collections import Counter

import pytest

from lib.command import log
from lib.dm import ioctl
from lib.dm.device import remove_all
from lib.judge.meaning import Reader, Refused, Unknown
from lib.judge.mutator import Mutator, text
from lib.judge.oracle import Oracle, notified
from lib.module import HOLDER, TARGET
from lib.units import PAGE, SECTOR

pytestmark = pytest.mark.at_once

ROUNDS = int(os.environ.get("DMTESTS_FUZZ", "400"))
SEED = int(os.environ.get("DMTESTS_SEED") or random.SystemRandom().randrange(1 << 32))
DEVICES = 4
FIRST_MINOR = 200

OURS = "device-mapper: daxlinear: |dax_holder: "


class Volume:
    """A device that is fuzzed."""

    def __init__(self, at):
        self.name = f"fuzz{at}"
        self._minor = FIRST_MINOR + at
        self.number = f"{ioctl.major()}:{self._minor}"
        self.live = []
        self.held = False

    def create(self):
        """Create it, without a table."""
        ioctl.create(self.name, self._minor)
        self.live = []


class Fuzzer:
    """Fuzzes a few devices, and keeps what they map."""

    def __init__(self, bed):
        self._bed = bed
        self._children = bed.nvdimms
        self._chance = random.Random(SEED)
        self._volumes = [Volume(at) for at in range(DEVICES)]
        self._mutator = Mutator(self._chance, self._children,
                                [volume.number for volume in self._volumes])
        self.counts: Counter = Counter()

    def run(self):
        """Fuzz, then remove the devices."""
        for volume in self._volumes:
            volume.create()
        for _ in range(ROUNDS):
            self._one_round(self._chance.choice(self._volumes))
        for volume in self._volumes:
            self._hold(volume, False)
            ioctl.remove(volume.name, "--retry")

    def _one_round(self, volume):
        what = self._chance.random()
        if what < 0.08:
            self._message(volume)
        elif what < 0.12:
            self._hold(volume, False)
            ioctl.remove(volume.name, "--retry")
            volume.create()
        elif what < 0.2:
            self._hold(volume, not volume.held)
        else:
            self._load(volume, self._table(volume))

    def _hold(self, volume, held):
        if held and volume.live:
            self._bed.probe.hold(volume)
        elif not held and volume.held:
            self._bed.probe.release(volume)
        else:
            return
        volume.held = held

    def _table(self, volume):
        what = self._chance.random()
        if what < 0.1:
            return self._mutator.nonsense()
        if what < 0.35 and volume.live:
            lines = self._mutator.regrown(volume.live)
        else:
            lines = self._mutator.good()
        return lines if self._chance.random() < 0.4 else self._mutator.spoilt(lines)

    def _load(self, volume, lines):
        table = text(lines)
        log.info("$ dmsetup load %s <<END\n%s\nEND", volume.name, ascii(table))
        refused = unknown = None
        try:
            live = Reader(self._children, volume.number).read(lines, volume.live, volume.held)
        except Refused as error:
            refused = error
        except Unknown as error:
            unknown = error

        mark = self._bed.kmsg.mark()
        with self._maybe_suspended(volume):
            try:
                ioctl.load(volume.name, table)
            except OSError as error:
                assert refused or unknown, f"{error}, for a good table"
                self._check_refusal(error, refused, mark)
                return
            assert not refused, f"loaded, and should have given {refused!r}"
            if unknown:
                self.counts["loaded, not specified"] += 1
                ioctl.clear(volume.name)
                return
            if self._chance.random() < 0.1:
                self.counts["loaded and dropped"] += 1
                ioctl.clear(volume.name)
                return
            ioctl.resume(volume.name)
        volume.live = live
        self.counts["loaded"] += 1
        self._check_lookups(volume)
        self._check_failures(volume)

    @contextlib.contextmanager
    def _maybe_suspended(self, volume):
        suspended = volume.live and self._chance.random() < 0.2
        if suspended:
            ioctl.suspend(volume.name, "--noflush", "--nolockfs")
        yield
        if suspended:
            ioctl.resume(volume.name)

    def _check_refusal(self, error, refused, mark):
        self.counts["refused"] += 1
        assert error.errno, error
        said = self._bed.kmsg.find(OURS if refused and refused.ours else "device-mapper: ", mark)
        assert said, f"refused without a reason: {self._bed.kmsg.lines(mark)}"
        if refused and refused.ours:
            assert error.errno == (refused.error or error.errno), (error, refused)

    def _check_lookups(self, volume):
        """Assert that lookups return the memory that the table means, up to the end of a range."""
        asked, expected = [], []
        for one in self._some(volume.live, 12):
            pages = one.sectors * SECTOR // PAGE
            for page in sorted({0, pages - 1, self._chance.randrange(pages)}):
                count = self._chance.choice((1, 2, 600))
                asked.append((volume, one.start * SECTOR + page * PAGE, count))
                pfn = one.child.disk.pfn(one.child.byte(one.offset)) + page
                expected.append((pfn, min(count, pages - page)))
        found = self._bed.probe.lookup(asked)
        assert [(page.pfn, page.pages) for page in found] == expected

    def _check_failures(self, volume):
        """Assert that failures are forwarded to the devices that map the page and are held."""
        oracle = Oracle()
        for other in self._volumes:
            for one in other.live:
                if other.held and one.ours:
                    oracle.map(other, [one[1:4]], one.start)
        failures = []
        for one in self._some(volume.live, 4):
            first, end = one.child.byte(one.offset), one.child.byte(one.offset + one.sectors)
            failures += [(one.child, byte) for byte in (first - PAGE, first, end - PAGE, end)
                         if 0 <= byte < one.child.sectors * SECTOR]
        for failure, injection in zip(failures, self._bed.probe.inject_all(failures), strict=True):
            assert notified(injection) == oracle.where(*failure), injection
            self.counts["forwarded"] += bool(injection.calls)

    def _some(self, ranges, most):
        return self._chance.sample(ranges, min(most, len(ranges)))

    def _message(self, volume):
        message = self._mutator.message()
        # device-mapper takes those itself
        if message.startswith(b"@"):
            return
        sector = self._chance.choice((0, 8, 1 << 40))
        log.info("$ dmsetup message %s %d %s", volume.name, sector, ascii(message))
        mark = self._bed.kmsg.mark()
        with pytest.raises(OSError) as caught:
            ioctl.message(volume.name, sector, message)
        self.counts["messages"] += 1
        assert caught.value.errno
        if volume.live:
            assert self._bed.kmsg.find("device-mapper: ", mark)


def test_fuzz(bed, capsys):
    before = TARGET.users, HOLDER.users
    fuzzer = Fuzzer(bed)
    try:
        fuzzer.run()
    finally:
        with capsys.disabled():
            print(f"\nfuzz: DMTESTS_SEED={SEED} DMTESTS_FUZZ={ROUNDS}: {dict(fuzzer.counts)}")
        bed.probe.release_all()
        remove_all()
    assert (TARGET.users, HOLDER.users) == before
    assert not any(child.holders() for child in bed.nvdimms)
    # a run in which little loads or is refused proves nothing
    assert fuzzer.counts["loaded"] > ROUNDS // 10
    assert fuzzer.counts["refused"] > ROUNDS // 10
    assert fuzzer.counts["forwarded"]
