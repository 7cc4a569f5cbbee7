# SPDX-License-Identifier: GPL-2.0
"""Running daxlinear(8): plain, in a terminal, or traced."""
