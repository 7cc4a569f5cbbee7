# SPDX-License-Identifier: GPL-2.0
"""Modules that are broken on purpose, to show that the tests detect it."""

import glob
import os
import re
import shutil
import time

from .. import CHECKOUT
from ..images import kernels
from . import build
from .dmtests import Dmtests
from .report import failures

_SECONDS = 1200


class _Broken:
    """A build that is broken on purpose.

    The first lines of its patch name the tests that detect it, and the complaint of those.
    """

    def __init__(self, patch):
        self.patch = patch
        self._name = os.path.basename(patch).removesuffix(".patch")
        with open(patch, encoding="utf-8") as file:
            words = dict(re.findall(r"^(tests|report): (.*)$", file.read(), re.M))
        self._tests, self.report = words["tests"], words["report"]

    def build(self, dmtests, whole):
        """Build it, and put the modules where the guest finds them; return whether it builds.

        `whole` is the folder of the build without the patch.
        """
        out = os.path.join(whole, "broken", self._name)
        shutil.rmtree(out, ignore_errors=True)
        # make then rebuilds the patched file alone
        with build.locked(whole):
            shutil.copytree(os.path.join(whole, "src"), os.path.join(out, "src"), symlinks=True)
            shutil.copy(os.path.join(whole, "manifest"), out)
        if not dmtests.guest("build", "--out", out, "--patch", self.patch):
            return False
        target = os.path.join(dmtests.results, self._name)
        os.mkdir(target)
        for module in ("dax-holder/dax_holder.ko", "dm-daxlinear/dm-daxlinear.ko"):
            shutil.copy(os.path.join(out, "src", module), target)
        shutil.rmtree(out)
        with open(os.path.join(target, "tests"), "w", encoding="utf-8") as file:
            file.write(self._tests + "\n")
        return True

    def is_caught(self, dmtests):
        """Return whether the tests have complained of it in the guest."""
        try:
            found = failures(os.path.join(dmtests.results, self._name, "report.xml"))
        except OSError:
            return False
        return any(re.search(self.report, failure, re.S) for failure in found.values() if failure)


def check(tally, heading, kernel, machine=()):
    """Check that the tests detect each broken build that this kernel can show.

    All run in one guest, one after the other; `machine` are options for it.
    """
    start = time.monotonic()
    whole = build.folder(kernel)
    dmtests = Dmtests(kernel, os.path.join(whole, "results", "broken"))
    kind = kernels.KERNELS[kernel].debug or "behaviour"
    # The order matters: lockdep turns itself off with its first report, and a holder that stays
    # registered fails all builds that follow.
    builds = [_Broken(patch)
              for patch in sorted(glob.glob(f"{CHECKOUT}/tests/broken/{kind}/*.patch"))]
    caught = []
    built = [broken.build(dmtests, whole) for broken in builds]
    if all(built):
        dmtests.guest("run", *machine, "--timeout", str(_SECONDS), "--keep-going",
                      "--expect-splat", ".", "--results", dmtests.results, "--",
                      "tests/run-broken")
        caught = [broken for broken in builds if broken.is_caught(dmtests)]
    missed = [broken for broken in builds if broken not in caught]
    if missed or not builds:
        dmtests.show_log()
    tally.add(heading, len(caught), len(missed) or int(not builds), time.monotonic() - start,
              [f"{os.path.relpath(broken.patch, CHECKOUT)}: "
               f"no test complained of '{broken.report}'" for broken in missed])
