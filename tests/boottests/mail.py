# SPDX-License-Identifier: GPL-2.0
"""The mail that the machine's mail server has delivered, as tests/packages/run has set it up."""

import mailbox
import os
import time

# an alias of the user who has the mailbox
ADDRESS = "root"

_PATH = "/home/admin/Maildir"
_PATIENCE_SECONDS = 60


def mails():
    """Return all mails, the oldest first."""
    if not os.path.exists(_PATH):
        return []
    return sorted(mailbox.Maildir(_PATH), key=lambda mail: mail.get_date())


def wait_for(number):
    """Wait until there are so many, and no more; return them."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while len(found := mails()) < number:
        assert time.monotonic() < deadline
        time.sleep(0.5)
    assert len(found) == number
    return found
