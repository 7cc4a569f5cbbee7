# SPDX-License-Identifier: GPL-2.0
"""NVDIMMs, virtio-pmem and CPUs: what the machine has, and how it fails."""
