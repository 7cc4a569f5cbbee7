# SPDX-License-Identifier: GPL-2.0
"""Which lines of the modules ran, by the counts that a guest has left in its results."""

import collections
import glob
import json
import os
import re
import shutil
import subprocess

from . import build

# the folders that are measured, as the build names them
_FOLDERS = ("dax-holder", "dm-daxlinear")

_EXPLAINED = re.compile(r"^Lines that no test reaches\n-+\n(.*?)(?=^\S.*\n[-=]+\n|\Z)", re.M | re.S)


def _stage(place, source, results):
    """Put the guest's counts beside the notes that the compiler made for them."""
    shutil.rmtree(place, ignore_errors=True)
    os.makedirs(place)
    for path in glob.glob(f"{results}/gcov/*/*.gcda"):
        module, name = path.split("/")[-2:]
        if module not in _FOLDERS:
            continue
        there = f"{place}/{module}"
        os.makedirs(there, exist_ok=True)
        notes = name.replace(".gcda", ".gcno")
        shutil.copy(path, there)
        shutil.copy(f"{source}/{module}/{notes}", there)


def measure(root, out, results):
    """Return {file: {line: (function, times)}} of a build's modules."""
    place = os.path.join(out, "coverage")
    _stage(place, os.path.join(out, "src"), results)
    command = "find /src -name '*.gcda' -exec gcov --json-format --stdout {} +"
    reports = subprocess.run(build.inside(root, place, [["sh", "-c", command]]), check=True,
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True).stdout
    found: dict[str, dict] = collections.defaultdict(dict)
    for report in map(json.loads, reports.splitlines()):
        for file in report["files"]:
            name = os.path.relpath(file["file"], "/src")
            if name.split("/")[0] not in _FOLDERS:
                continue
            for line in file["lines"]:
                number = line["line_number"]
                _, before = found[name].get(number, (None, 0))
                found[name][number] = (line.get("function_name"), before + line["count"])
    return found


def explained(path):
    """Return the (file, function, line's text) that a document lists as reached by no test."""
    with open(path, encoding="utf-8") as file:
        section, = _EXPLAINED.findall(file.read())
    entries = set()
    for entry in re.split(r"^\* ", section, flags=re.M)[1:]:
        name, function, *texts = re.findall(r"``(.+?)``", entry, re.S)
        entries |= {(name, function.removesuffix("()"), " ".join(text.split())) for text in texts}
    return entries


def judge(found, sources, explanations):
    """Return the summary, a line for each file, and the lines that should have run and did not."""
    summary, missing, used = [], [], set()
    for name, counts in sorted(found.items()):
        with open(os.path.join(sources, name), encoding="utf-8") as file:
            texts = file.read().splitlines()
        idle = [(number, function) for number, (function, times) in sorted(counts.items())
                if not times]
        for number, function in idle:
            text = " ".join(texts[number - 1].split())
            if (name, function, text) in explanations:
                used.add((name, function, text))
            else:
                missing.append(f"{name}:{number}: {function}() did not run: {text}")
        summary.append(f"{name}: {len(counts) - len(idle)} of {len(counts)} lines ran")
    missing += [f"{name}: {function}() runs, or is not there, and is explained: {text}"
                for name, function, text in sorted(explanations - used)]
    return summary, missing
