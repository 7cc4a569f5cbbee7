# SPDX-License-Identifier: GPL-2.0
"""Volume groups, and what administrators set up around them."""
