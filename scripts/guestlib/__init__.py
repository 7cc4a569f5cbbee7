# SPDX-License-Identifier: GPL-2.0
"""What scripts/guest is made of: guest roots, module builds and QEMU runs."""
