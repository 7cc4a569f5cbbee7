# SPDX-License-Identifier: GPL-2.0
"""Metrics as daxlinear prints them, and the rules of their format."""

import re

_NAME = r"[a-z][a-z0-9_]*"
# a quote, a backslash and a line feed are there in pairs only, behind a backslash
_LABEL = rf'({_NAME})="((?:[^"\\]|\\["\\n])*)"'
_SAMPLE = re.compile(rf"({_NAME})(?:\{{((?:{_LABEL},?)+)(?<!,)\}})? (\d+)")
_BASE_UNITS = ("bytes", "seconds")
_ESCAPED = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}


def _unescape(value):
    return re.sub(r"\\.", lambda found: _ESCAPED[found.group()], value)


class _Family:
    """A metric, from the first line of its metadata to its last sample."""

    def __init__(self, name):
        self.name = name
        self.metadata: dict[str, str] = {}
        self.samples: dict[tuple, int] = {}

    def describe(self, keyword, text):
        """Take a line of metadata; all of them come before the samples."""
        assert keyword not in self.metadata and not self.samples, (self.name, keyword)
        self.metadata[keyword] = text

    def add(self, line):
        """Take a sample."""
        name, labels, _, _, value = _SAMPLE.fullmatch(line).groups()
        assert name == self.name, (self.name, line)
        pairs = [(label, _unescape(text)) for label, text in re.findall(_LABEL, labels or "")]
        assert len(dict(pairs)) == len(pairs), line
        key = tuple(text for _, text in pairs)
        assert key not in self.samples, f"two samples: {line}"
        self.samples[key] = int(value)

    def check(self):
        """Assert that all of it is there, and that the name says which type and unit it has."""
        assert list(self.metadata)[:2] == ["HELP", "TYPE"], (self.name, self.metadata)
        assert self.samples, self.name
        assert self.metadata["HELP"].endswith("."), self.name
        assert not re.search(r'["\\]', self.metadata["HELP"]), self.name
        assert self.metadata["TYPE"] == ("counter" if self.name.endswith("_total") else "gauge")
        unit = next((unit for unit in _BASE_UNITS if self.name.endswith(f"_{unit}")), None)
        assert self.metadata.get("UNIT") == unit, self.name


def parse(text):
    """Return the samples of each metric, by the values of their labels; assert all rules."""
    *lines, last, nothing = text.split("\n")
    assert (last, nothing) == ("# EOF", "")
    families: dict[str, _Family] = {}
    family = _Family("")
    for line in lines:
        if not line.startswith("#"):
            family.add(line)
            continue
        keyword, name, words = re.fullmatch(rf"# (HELP|TYPE|UNIT) ({_NAME}) (.*)", line).groups()
        if family.name != name:
            assert name not in families, f"{name} is in two places"
            family = families[name] = _Family(name)
        family.describe(keyword, words)
    for family in families.values():
        family.check()
    return {name: family.samples for name, family in families.items()}
