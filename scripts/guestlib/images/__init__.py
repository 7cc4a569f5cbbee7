# SPDX-License-Identifier: GPL-2.0
"""What a guest boots: roots and kernels, made from Debian's packages and cached."""
