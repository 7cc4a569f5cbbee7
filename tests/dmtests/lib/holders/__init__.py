# SPDX-License-Identifier: GPL-2.0
"""Failures: how they are injected, which holders get them, and what the kernel logs."""
