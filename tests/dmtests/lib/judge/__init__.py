# SPDX-License-Identifier: GPL-2.0
"""Models of what must happen, and the random runs that are compared with them."""
