# SPDX-License-Identifier: GPL-2.0
"""Finds tests by a part of their name, without running or importing anything."""

import ast
import glob
import os
from dataclasses import dataclass

from .. import CHECKOUT

# the folders of tests/ with tests in Python, and the one with programs in C
PYTHON = ("dmtests", "lvmtests", "boottests")
UNIT = "unit"


@dataclass(frozen=True)
class Test:
    """A test; `marks` is the source text of its pytest marks."""

    folder: str
    file: str
    name: str
    marks: str = ""

    @property
    def path(self):
        """The name under which pytest finds it in its folder; for a unit test the program's."""
        return f"{self.file}::{self.name}" if self.name else self.file


def _python(folder, path):
    with open(path, encoding="utf-8") as file:
        body = ast.parse(file.read(), path).body
    of_file = [ast.unparse(node.value) for node in body if isinstance(node, ast.Assign)
               and ast.unparse(node.targets[0]) == "pytestmark"]
    for node in body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            marks = [ast.unparse(mark) for mark in node.decorator_list]
            yield Test(folder, os.path.basename(path), node.name, " ".join(of_file + marks))


def every(checkout=CHECKOUT):
    """Return all tests of a checkout."""
    tests = []
    for folder in PYTHON:
        for path in sorted(glob.glob(f"{checkout}/tests/{folder}/test_*.py")):
            tests += _python(folder, path)
    programs = sorted(glob.glob(f"{checkout}/tests/{UNIT}/test_*.c"))
    return tests + [Test(UNIT, os.path.basename(path).removesuffix(".c"), "")
                    for path in programs]


def matching(text, tests):
    """Return the tests whose path has `text` in it, in upper or lower case.

    A text that ends in "[...]", a case of a test with parameters, selects that case alone.
    """
    stem, bracket, case = text.partition("[")
    return [Test(test.folder, test.file, test.name + bracket + case, test.marks)
            for test in tests
            if stem.lower() in f"tests/{test.folder}/{test.path}".lower()
            and (test.name or not bracket)]
