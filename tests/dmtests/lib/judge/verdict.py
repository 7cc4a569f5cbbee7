# SPDX-License-Identifier: GPL-2.0
"""The verdict on a storm: the calls that the probe has recorded, against the logs of the parts."""

import errno
import itertools
from collections import Counter, defaultdict

from ..holders.probe import Probe
from .ledger import Notified, expected, fault, wrong_readings


def _by_device(calls):
    """Return {device: [(offset, length)]} of the probe's Calls."""
    found = defaultdict(list)
    for call in calls:
        found[call.dev].append((call.off, call.len))
    return found


class Verdict:
    """What a storm has done: a ledger, and what is wrong with it, a line each."""

    def __init__(self, logs):
        self.ledger: Counter = Counter()
        self.wrong = []
        self._towers = [log for log in logs if log.timeline]
        # by device
        self._notified = defaultdict(list)
        # by process: injections in their order, and calls outside of any
        injections, strays = defaultdict(list), defaultdict(list)
        done, outside = Probe.records()
        for injection in done:
            injections[injection.pid].append(injection)
        for call in outside:
            strays[call.pid].append(call)
        for log in logs:
            # the mounter has judged its own, which are no strikes
            if log.strikes:
                self._judge_injections(log.strikes, injections.pop(log.pid, []))
            for pid, strike in log.unplugs.items():
                self._judge_strike(strike, _by_device(strays.pop(pid, [])))
        rest = list(itertools.chain(*strays.values()))
        for injection in itertools.chain(*injections.values()):
            rest += injection.calls
        self.wrong += [f"notified without a failure: {call}" for call in rest]
        for log in self._towers:
            self._judge_counters(log.readings)

    def _judge_injections(self, strikes, injections):
        for strike, injection in zip(strikes, injections, strict=True):
            calls = _by_device(injection.calls)
            if injection.rc != (0 if calls else -errno.EOPNOTSUPP):
                self.wrong.append(f"{strike}: answered {injection.rc}, calls {dict(calls)}")
            self._judge_strike(strike, calls)

    def _judge_strike(self, strike, calls):
        self.ledger["children gone" if strike.is_gone else "injected"] += 1
        self.ledger["forwarded" if calls else "not forwarded"] += 1
        self.ledger["calls"] += sum(map(len, calls.values()))
        for log in self._towers:
            self._judge_tower(log, strike, calls)

    def _judge_tower(self, log, strike, calls):
        """Judge what a failure did in a tower."""
        moments = log.timeline.floors(strike.begin, strike.end)
        quiet = len(moments) == 1
        self.ledger["met a step"] += not quiet
        must, may = expected(moments, strike)
        for number in may.keys() | (calls.keys() & log.readings.keys()):
            found = calls.get(number, [])
            self._notified[number] += [Notified(strike.begin, strike.end, quiet)] * len(found)
            why = fault(strike, must.get(number, set()), may.get(number, set()), found)
            if why:
                self.ledger[why] += 1
                ways = {floors.way(piece.chain) for floors in moments
                        for piece in floors.held_pieces.get(strike.child, ())
                        if piece.chain[0] == number}
                spans = [f"{len(places)} in {min(places)}..{max(places)}" if places else "none"
                         for places in (must.get(number), may.get(number))]
                self.wrong.append(f"{number} was {why}: {found}; {strike}; must {spans[0]}, "
                                  f"may {spans[1]}; ways: {ways}")

    def _judge_counters(self, readings):
        for number, found in readings.items():
            self.ledger["counters read"] += len(found)
            self.wrong += [f"{number}: {text}"
                           for text in wrong_readings(found, self._notified[number])]
