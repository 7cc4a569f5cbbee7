# SPDX-License-Identifier: GPL-2.0
"""How sphinx builds the documents: `make docs`."""

# pylint: disable=invalid-name
project = "dm-daxlinear"
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
