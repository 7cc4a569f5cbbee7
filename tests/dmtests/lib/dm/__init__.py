# SPDX-License-Identifier: GPL-2.0
"""Mapped devices: their tables, how they are made, what the targets report."""
