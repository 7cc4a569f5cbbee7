# SPDX-License-Identifier: GPL-2.0
"""Builds the project, runs its tests in guests, and counts them."""
