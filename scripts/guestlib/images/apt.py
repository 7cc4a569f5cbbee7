# SPDX-License-Identifier: GPL-2.0
"""Asks this machine's apt which mirrors and proxies to use."""

import glob
import re
import subprocess

DEFAULT_MIRRORS = {
    "debian": "http://deb.debian.org/debian",
    "debian-security": "http://deb.debian.org/debian-security",
}

# the suites of Debian's archives, by which those of other distributions are excluded
_DEBIAN_SUITE = re.compile(
    r"^(bullseye|bookworm|trixie|forky|duke|sid|oldoldstable|oldstable|stable|testing|unstable)"
    r"(?P<security>-security)?(-updates|-backports)?$")


def _one_line_sources(text):
    """Yield (uri, suite) for each `deb` line."""
    for line in text.splitlines():
        match = re.match(r"deb\s+(?:\[[^]]*\]\s+)?(\S+)\s+(\S+)", line)
        if match:
            yield match.group(1), match.group(2)


def _deb822_sources(text):
    """Yield (uri, suite) for each pair that the stanzas of a .sources file name."""
    text = re.sub(r"^#.*\n?", "", text, flags=re.M)
    for stanza in re.split(r"\n\s*\n", text):
        fields = {}
        for name, value in re.findall(r"^([\w-]+):((?:.*\n?)(?:[ \t].*\n?)*)", stanza, re.M):
            fields[name.lower()] = value.split()
        if "deb" not in fields.get("types", ()) or fields.get("enabled") == ["no"]:
            continue
        for uri in fields.get("uris", ()):
            for suite in fields.get("suites", ()):
                yield uri, suite


def _configured_sources():
    for path in ["/etc/apt/sources.list"] + sorted(glob.glob("/etc/apt/sources.list.d/*")):
        try:
            with open(path, encoding="utf-8") as file:
                text = file.read()
        except OSError:
            continue
        if path.endswith(".list"):
            yield from _one_line_sources(text)
        elif path.endswith(".sources"):
            yield from _deb822_sources(text)


def mirrors(sources=None):
    """Return the URI of each Debian archive, as this machine's apt has it.

    A mirror carries every suite, so the one that is configured for the machine's own suite serves
    all. Sources with schemes that only apt reads (cdrom:, mirror+file:) are left out.
    """
    found: dict[str, str] = {}
    for uri, suite in _configured_sources() if sources is None else sources:
        match = _DEBIAN_SUITE.match(suite)
        if match and re.match(r"(https?|file|copy):", uri):
            archive = "debian-security" if match.group("security") else "debian"
            found.setdefault(archive, uri.rstrip("/"))
    return {**DEFAULT_MIRRORS, **found}


def proxy_options():
    """Return the machine's apt proxies as options: mmdebstrap doesn't read apt's configuration."""
    dump = subprocess.run(["apt-config", "dump"], stdout=subprocess.PIPE, text=True, check=False)
    return re.findall(r'^Acquire::https?::Proxy ".+";$', dump.stdout, re.M)
