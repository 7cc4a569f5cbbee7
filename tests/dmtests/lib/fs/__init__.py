# SPDX-License-Identifier: GPL-2.0
"""Filesystems and the processes that use their files."""
