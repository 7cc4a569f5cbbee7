# SPDX-License-Identifier: GPL-2.0
"""Which versions of a kernel are tested, and which of their failures decide.

That is the version that Debian has today. Until it has passed, the last version that passed is
tested beside it.
"""

import re
import subprocess
import time
from dataclasses import dataclass, field

from ..images import cache, root
from ..images.kernels import KERNELS, WORKED
from .tally import Tally

# A run of all kernels that tests fewer has shown too little.
LEAST = 3


@dataclass
class Version:
    """A version of a kernel, and the counts of its tests.

    `kernel` is its name for scripts/guest, `debian` the version of its package, `root` the name of
    its root in the cache, or "" if none could be made.
    """

    kernel: str
    debian: str = ""
    release: str = ""
    root: str = ""
    tally: Tally = field(default_factory=Tally)

    @property
    def called(self):
        """How it is called where results are printed."""
        return f"{self.kernel} ({self.release})" if self.release else self.kernel

    @property
    def passes(self):
        """Whether something was tested, and nothing failed."""
        return bool(self.tally.passed) and not self.tally.failed


def _version(kernel, note, remarks, ask_archive):
    with root.ready(KERNELS[kernel], note, ask_archive) as found:
        if found.remark:
            remarks.append(found.remark)
        return Version(kernel, root.debian_version(found.name), found.version, found.name)


def find(kernel, note, remarks):
    """Return the versions of a kernel to test, Debian's first; none if Debian has it no more.

    What is odd about them is added to the remarks.
    """
    start = time.monotonic()
    try:
        versions = [_version(kernel, note, remarks, ask_archive=True)]
    except root.Gone as error:
        remarks.append(str(error))
        return []
    except (cache.Error, subprocess.CalledProcessError) as error:
        note(str(error))
        versions = [Version(kernel)]
        versions[0].tally.add(f"root of {kernel}", 0, 1, time.monotonic() - start,
                              [str(error).splitlines()[0]])
    try:
        worked = _version(WORKED[kernel], note, remarks, ask_archive=False)
    except cache.Error:
        return versions
    return versions if worked.root == versions[0].root else [*versions, worked]


def settle(versions, tally):
    """Add the counts of a kernel's versions; return a warning, or "".

    A version that has never passed decides nothing while the last one that passed does so again.
    So a failure that both show always counts, and so does one of a version that passed before: it
    is then the only one.
    """
    newest, *others = versions
    excused = not newest.passes and any(other.passes for other in others)
    tally.include(newest.tally, failures=not excused)
    for other in others:
        tally.include(other.tally)
    if not excused:
        return ""
    return (f"WARNING: {newest.kernel}: {newest.debian or 'the version of the archive'} fails and "
            f"{others[0].debian}, the last that worked, passes: failures on {newest.called} are "
            "listed and do not count")


def mark(kernel, versions):
    """Mark the version of a kernel that Debian has as the last that worked, if it passed."""
    if versions and versions[0].passes:
        root.mark(KERNELS[kernel], versions[0].root)


def count(found):
    """Return how many kernels were tested, of the versions of each; one on two CPUs is one."""
    releases = {next((version.release for version in several if version.root), "")
                for several in found.values()}
    return len({re.sub(r"-[a-z].*", "", release) for release in releases if release})
