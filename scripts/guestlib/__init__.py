# SPDX-License-Identifier: GPL-2.0
"""What the scripts have in common. Imports go one way: check -> guest -> images."""

import os

SCRIPTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CHECKOUT = os.path.dirname(SCRIPTS)
