# SPDX-License-Identifier: GPL-2.0
"""--help, the manual page and completion agree."""

import os
import re

import pytest

from lib.command import read_file
from lib.module import TOP
from lib.tool.completion import complete
from lib.tool.tool import FAILED, USAGE, call, daxlinear, refused

MANUAL = os.path.join(TOP, "tools/daxlinear.8")


# limits of time and memory that a command keeps unless it loops or waits
_BRIEFLY = ["timeout", "30", "prlimit", "--as=500000000"]


def commands():
    """Return all commands."""
    return re.findall(r"^  ([a-z]+)  ", daxlinear("--help"), re.MULTILINE)


def options(command):
    """Return the options in a command's help."""
    return sorted(set(re.findall(r"--[a-z][a-z-]*", daxlinear(command, "--help"))) - {"--help"})


def manual():
    """Return the text of each command in the manual page."""
    text = read_file(MANUAL).replace("\\-", "-")
    body = text.partition(".SH COMMANDS")[2].partition(".SH EXIT")[0]
    return dict(section.partition("\n")[::2] for section in body.split(".SS ")[1:])


def test_help(bed):
    assert bed.nvdimms
    names = commands()
    assert names == sorted(names) and len(names) >= 10
    assert daxlinear("help") == daxlinear("-h")
    for name in names:
        text = daxlinear(name, "--help")
        assert text == daxlinear(name, "-h")
        assert text.startswith(f"daxlinear {name} ")
        assert all(len(line) <= 88 for line in text.splitlines()), name


def test_help_needs_no_root(bed):
    assert bed.nvdimms
    done = call("create", "--help", prefix=["setpriv", "--reuid", "65534", "--clear-groups"])
    assert done.code == 0 and done.err == ""


def test_version(bed):
    assert bed.nvdimms
    assert daxlinear("--version") == f"daxlinear {read_file(os.path.join(TOP, 'VERSION'))}\n"
    assert "\ndaxlinear --version\n" in daxlinear("--help")


def test_manual(bed):
    assert bed.nvdimms
    sections = manual()
    assert sorted(sections) == commands()
    for name, text in sections.items():
        shared = sections["create"] if name == "extend" else ""
        for option in options(name):
            assert f"{option}" in text + shared, (name, option)
        for option in re.findall(r"^\.BI? (--[a-z-]+)", text, re.MULTILINE):
            assert option in options(name), (name, option)


def test_every_option_is_known(bed):
    # options in the help are accepted; with a device that is missing a monitor ends
    assert bed.nvdimms
    for name in commands():
        missing = ["missing"] if name == "monitor" else []
        for option in options(name):
            done = call(name, option, *missing, prefix=_BRIEFLY)
            assert "is no option" not in done.err, (name, option)


def test_completion(bed):
    device = bed.named_device(f"0 2048 daxlinear {bed.nvdimms[0]} 0")
    assert complete("") == commands()
    assert complete("s") == ["show", "status"]
    for name in commands():
        assert complete(name, "--") == sorted([*options(name), "--help"])
    assert complete("status", "") == [device.name]
    offered = complete("extend", device.name, "")
    assert bed.nvdimms[0].path in offered and device.name in offered
    assert sorted(complete("extend", device.name, "/dev/pmem")) == sorted(
        f"/dev/{name}" for name in os.listdir("/dev") if name.startswith("pmem"))
    assert complete("create", "x", "/dev/pmem0", "--offset", "") == []
    for words in ["release"], ["assemble", "--incremental"]:
        assert bed.nvdimms[0].path in complete(*words, "")


def test_double_dash(bed):
    # all words after it are arguments, of every command, also without root
    assert bed.nvdimms
    nobody = ["setpriv", "--reuid", "65534", "--clear-groups"]
    for name in commands():
        for prefix in (_BRIEFLY, [*_BRIEFLY, *nobody]):
            done = call(name, "--", "-x", "--json", prefix=prefix)
            assert done.code in (FAILED, USAGE) and done.out == "", (name, done)
            assert "is no option" not in done.err, (name, done)


def test_names_that_look_like_options(bed):
    a = bed.nvdimms[0]
    done = call("create", "--no-label", "--force", "--", "-x", a, "--len", prefix=_BRIEFLY)
    assert (done.code, done.out) == (FAILED, "") and "--len: No such file" in done.err
    done = call("create", "--no-label", "--force", "--granule", "2M", "--", "--json", a,
                prefix=_BRIEFLY)
    assert done.code == 0
    try:
        assert daxlinear("status", "--", "--json").startswith("--json: /dev/mapper/--json, ")
    finally:
        daxlinear("remove", "--", "--json")


@pytest.mark.parametrize("words, text", [
    ([], "daxlinear COMMAND"),
    (["what"], 'no command "what"'),
    (["--what"], 'no command "--what"'),
])
def test_no_command(bed, words, text):
    assert bed.nvdimms
    assert text in refused(*words, code=USAGE)
