# SPDX-License-Identifier: GPL-2.0
"""What an archive has of a package today, by an index of its own that apt keeps in the cache.

The machine's own index is of the machine's suite alone.
"""

import json
import os
import subprocess
import time

from . import apt, cache

_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"

# An index is fetched again after so many seconds, sooner if the archive did not answer.
_SECONDS = 3600
_SECONDS_UNREACHABLE = 120

_OPTIONS = (
    "APT::Sandbox::User=root",
    "APT::Update::Error-Mode=any",
    "Acquire::Languages=none",
    "Acquire::Retries=1",
    "Acquire::http::Timeout=20",
    "Dir::Etc::sourceparts=/dev/null",
    "Dir::State::status=/dev/null",
)


class Index:
    """The index of some sources, (archive, suite) each, in a folder of the cache.

    `arch` is Debian's name of the architecture that it is of.
    """

    def __init__(self, name, sources, arch):
        mirrors = apt.mirrors()
        self._folder = os.path.join(cache.folder(), "index", name)
        self._sources = "".join(
            f"deb [arch={arch} signed-by={_KEYRING}] {mirrors[archive]} {suite} main\n"
            for archive, suite in sources)
        self._arch = arch
        os.makedirs(os.path.join(self._folder, "lists"), exist_ok=True)

    def refresh(self):
        """Fetch the index, unless that was done lately; return why it could not be, or None."""
        answer = os.path.join(self._folder, "answer")
        with cache.lock(os.path.join(self._folder, "lock")):
            known, error = self._read(answer)
            if not known:
                with open(os.path.join(self._folder, "sources.list"), "w",
                          encoding="utf-8") as file:
                    file.write(self._sources)
                error = self._fetch()
                with open(answer, "w", encoding="utf-8") as file:
                    json.dump([self._sources, error], file)
        return error

    def versions(self, package):
        """Return the (version, suite) pairs of a package in the index, the newest first."""
        done = self._apt("apt-cache", "madison", package)
        found = []
        for line in done.stdout.splitlines():
            fields = [field.strip() for field in line.split("|")]
            if len(fields) == 3:
                found.append((fields[1], fields[2].split()[1].partition("/")[0]))
        return found

    def _read(self, answer):
        """Return whether there is an answer that is still good, and its error."""
        try:
            age = time.time() - os.stat(answer).st_mtime
            with open(answer, encoding="utf-8") as file:
                sources, error = json.load(file)
        except (OSError, ValueError):
            return False, None
        limit = _SECONDS_UNREACHABLE if error else _SECONDS
        return sources == self._sources and 0 <= age < limit, error

    def _fetch(self):
        done = self._apt("apt-get", "update")
        if not done.returncode:
            return None
        reasons = [line for line in done.stderr.splitlines() if line.startswith(("E: ", "W: "))]
        return reasons[0][len("E: "):] if reasons else f"apt-get failed with {done.returncode}"

    def _apt(self, program, *words):
        options = [*_OPTIONS, f"APT::Architecture={self._arch}", f"APT::Architectures={self._arch}",
                   f"Dir::Cache={self._folder}",
                   f"Dir::State::lists={os.path.join(self._folder, 'lists')}",
                   f"Dir::Etc::sourcelist={os.path.join(self._folder, 'sources.list')}"]
        return subprocess.run(
            [program, *(word for option in options for word in ("-o", option)), *words],
            env={**os.environ, "LC_ALL": "C"}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, errors="replace", check=False)
