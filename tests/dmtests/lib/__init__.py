# SPDX-License-Identifier: GPL-2.0
"""What the tests are made of: devices, filesystems, failures and those who suffer them."""
