# SPDX-License-Identifier: GPL-2.0
"""A guest: QEMU, its initramfs, its console, and the verdict of a run."""
