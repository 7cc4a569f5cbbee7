# SPDX-License-Identifier: GPL-2.0
"""What changes while a failure is being looked up, at the very moments that matter."""

import errno

import pytest

from lib import attach
from lib.beside import Beside, Doing
from lib.command import CommandError
from lib.dm import DaxLinear, Linear
from lib.gate import Gate, Gates
from lib.module import HOLDER
from lib.quick import QuickDevice
from lib.units import PAGE, PAGE_SECTORS

pytestmark = pytest.mark.at_once

# of the two lookups that make a comparison, the parent's leads to the child too
_CHILD_LOOKUP = 1


def pages(number):
    """Return so many pages in sectors."""
    return number * PAGE_SECTORS


@pytest.fixture(name="gates")
def _gates(bed):
    return bed.enter(Gates())


@pytest.fixture(name="child")
def _child(bed, gates):
    """Return a child that stops on demand whoever looks up a page of it."""
    assert gates
    return bed.enter(QuickDevice(Gate(pages(64), bed.nvdimms[0])))


class Failure(Doing):
    """A failure of a page of a child, or of more, that is under way for its `with` block."""

    def __init__(self, bed, gates, child, byte, length=PAGE):
        super().__init__(self._inject)
        self._failure = (bed.probe, child, byte, length)
        self._gates = gates

    def __exit__(self, *error):
        # a test that fails must not leave it waiting: no device could be removed
        self._gates.open()
        super().__exit__(*error)

    def _inject(self):
        probe, child, byte, length = self._failure
        probe.commands([f"inject {child.number} {byte} {length} 0"])


def test_table_swap_between_two_looks(bed, child, gates):
    """Where the new table has the page is looked at before the swap, the old place after it."""
    old = [(child, pages(8), pages(1)), (child, pages(5), pages(1))]
    new = [(child, pages(5), pages(1)), (child, pages(8), pages(1))]
    device = bed.enter(QuickDevice(DaxLinear.ranges(old)))
    device.load(DaxLinear.ranges(new, "allow_move"))
    bed.enter(bed.probe.holding(device))
    # known to the probe before it is to be quick
    bed.probe.inject(child, 40 * PAGE)
    bed.probe.reset()
    gates.stop("direct_access", skip=_CHILD_LOOKUP)
    with Failure(bed, gates, child, 5 * PAGE):
        gates.wait_at("direct_access")
        device.resume()
        gates.open()
    done, strays = bed.probe.records()
    assert not strays
    assert [call.off for call in done[0].calls] == [0]
    assert done[0].rc == 0


@pytest.mark.parametrize("failed", [(5 * PAGE, PAGE), (0, 2**64 - 1)], ids=["page", "child gone"])
def test_parent_loses_its_table_once_it_is_told(bed, child, gates, failed):
    """It gets its table back while the next one is looked at: it has been told."""
    first, second = (bed.enter(QuickDevice(DaxLinear(pages(16), child))) for _ in range(2))
    for device in first, second:
        bed.enter(bed.probe.holding(device))
    bed.probe.inject(child, 40 * PAGE)
    bed.probe.reset()
    gates.stop("direct_access", skip=2 + _CHILD_LOOKUP)
    with Failure(bed, gates, child, *failed):
        gates.wait_at("direct_access")
        # to load a table takes a look at the child
        gates.stop("direct_access", skip=100)
        first.wipe()
        first.reload(DaxLinear(pages(16), child))
        gates.open()
    done, strays = bed.probe.records()
    assert not strays
    assert [call.dev for call in done[0].calls] == [first.number, second.number]
    assert done[0].rc == 0


def test_parent_dies_before_it_is_told(bed, child, gates):
    """Its page was found; that it is gone must leave the page to the kernel."""
    device = QuickDevice(DaxLinear(pages(16), child))
    bed.enter(device)
    bed.enter(bed.probe.holding(device))
    bed.probe.inject(child, 40 * PAGE)
    bed.probe.reset()
    gates.stop("direct_access", skip=_CHILD_LOOKUP)
    with Failure(bed, gates, child, 5 * PAGE):
        gates.wait_at("direct_access")
        with Beside("dmsetup", "remove", device.name) as removing:
            assert " __synchronize_srcu+" in removing.wait_in("kill_dax")
            gates.open()
            removing.end()
    done, strays = bed.probe.records()
    # the device told whoever was on it that it goes
    assert [(call.off, call.len) for call in strays] == [(0, 2**64 - 1)]
    assert not done[0].calls
    assert done[0].rc == -errno.EOPNOTSUPP


def test_slot_changes_hands_before_we_look(bed):
    """The kernel reads the slot, then calls its handler: who is in the slot by then matters not."""
    child = bed.nvdimms[0]

    def late():
        return bed.probe.inject_all([(child, 0)], how="late")[0]

    with QuickDevice(DaxLinear(pages(8), child)) as device, bed.probe.holding(device):
        assert [call.dev for call in late().calls] == [device.number]
    # nobody
    assert late().rc == -errno.EOPNOTSUPP
    # somebody else, who has not been told this way
    with bed.probe.holding(child):
        injection = late()
        assert not injection.calls and injection.rc == -errno.EOPNOTSUPP
    # ourselves again
    with QuickDevice(DaxLinear(pages(8), child)) as device, bed.probe.holding(device):
        assert [call.dev for call in late().calls] == [device.number]


@pytest.mark.usefixtures("unloaded")
def test_order_while_the_module_goes(bed, child, gates):
    """What waits for its turn to attach finds, when it has it, that nobody attaches any more."""
    HOLDER.insert()
    device = bed.enter(QuickDevice(Linear(pages(16), child)))
    attach.attach(device, child)
    gates.stop("direct_access")
    with Beside("cat", f"{attach.FOLDER}/{child.disk}/{device.disk}/mapped_bytes") as reader:
        gates.wait_at("direct_access")
        with Beside("rmmod", HOLDER.name) as removing:
            removing.wait_in("kernfs_drain")
            with Beside("tee", f"{attach.FOLDER}/attach",
                        stdin=f"{device.number} {child.number}") as late:
                late.wait_in("attachment_make")
                gates.open()
                with pytest.raises(CommandError, match="No such device"):
                    late.end()
            removing.end()
        # the file is gone when it comes for more
        reader.end(check=False)
    assert not HOLDER.loaded
