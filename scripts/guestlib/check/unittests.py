# SPDX-License-Identifier: GPL-2.0
"""Runs test cases of unittest on the host, and ends with the verdict that `make check` reads."""

import unittest


def run(cases):
    """Run the cases' tests; return the exit code."""
    load = unittest.defaultTestLoader.loadTestsFromTestCase
    result = unittest.TextTestRunner().run(unittest.TestSuite(map(load, cases)))
    failed = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - failed} passed, {failed} failed")
    return int(not result.wasSuccessful())
