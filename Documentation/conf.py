# SPDX-License-Identifier: GPL-2.0
"""How sphinx builds the documents: `make docs`."""

import os

# sphinx reads variables of these names
# pylint: disable=invalid-name
project = "dm-daxlinear"
with open(os.path.join(os.path.dirname(__file__), "../VERSION"), encoding="utf-8") as _file:
    version = release = _file.read().strip()
author = "the dm-daxlinear developers"
html_copy_source = False
html_show_copyright = False
# a literal block is a shell's, a table's or a log's, whatever it looks like
highlight_language = "none"
# what a command prints is not the shell's language
suppress_warnings = ["misc.highlighting_failure"]
nitpicky = True
# kernel-doc names the kernel's own types as well
nitpick_ignore_regex = [("c:.*", ".*")]
