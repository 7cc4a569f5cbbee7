# SPDX-License-Identifier: GPL-2.0
"""Tables, attachments and modules change while a failure is in flight.

It is stopped in the handler of a holder that it came to. Nothing is to be waited for while it is
looked up where a page is.
"""

import errno

import pytest

from lib.beside import Beside, promptly
from lib.dm.device import Device
from lib.dm.target import DaxLinear, Linear, Striped
from lib.holders import attach
from lib.holders.attach import attached
from lib.holders.probe import FOLDER, ProbeError, number_of
from lib.module import HOLDER
from lib.units import MIB_SECTORS, PAGE, WHOLE, pages

pytestmark = pytest.mark.at_once

# longer than a test takes, shorter than what would be a hung task
_STOP_MS = 20000


@pytest.fixture(name="child")
def _child(bed):
    return bed.nvdimms[0]


class Stopped:
    """A failure of a child that is in the handler of a device's holder, for its `with` block.

    When it is over, `calls` are those that it made, and `rc` is its result; `strays` are the calls
    that came of something else meanwhile.
    """

    def __init__(self, bed, child, device, byte, length=PAGE):
        self._probe = bed.probe
        self._device = device
        self._line = f"inject {number_of(child)} {byte} {length} 0"
        self._process = None
        self.calls = self.strays = self.rc = None

    def __enter__(self):
        self._probe.reset()
        self._probe.delay(self._device, _STOP_MS)
        self._process = Beside("sh", "-c", f"echo {self._line} >{FOLDER}/control")
        try:
            self._process.wait_in("probe_notify_failure")
        except BaseException:
            self.go_on()
            raise
        return self

    def go_on(self):
        """Have the handler answer, and wait until the failure is over."""
        try:
            self._probe.delay(self._device, 0)
        except ProbeError as error:
            # the device may not be held any more
            assert error.errno == errno.ENOENT
        self._process.end()

    def __exit__(self, kind, *_):
        self.go_on()
        if kind is None:
            (done,), self.strays = self._probe.records()
            self.calls = [(call.dev, call.off, call.len) for call in done.calls]
            self.rc = done.rc


def calls_to(device, *numbers):
    """Return the calls that notify a device of these pages."""
    return [(device.number, number * PAGE, PAGE) for number in numbers]


def layout(child, *numbers):
    """Return a table of one page after the other."""
    return DaxLinear.ranges([(child, pages(number), pages(1)) for number in numbers], "allow_move")


@pytest.mark.parametrize("old, new, places", [
    # the page stays where it is, beside one that moves
    ((5, 8, 9, 5), (5, 9, 8, 5), [0, 3]),
    # a page moves from behind the place of the failure to before it, and the reverse
    ((8, 9, 5, 9), (5, 8, 9, 9), [2]),
    ((5, 8, 9, 9), (8, 9, 9, 5), [0, 3]),
    # a page is not mapped any more
    ((5, 8, 5, 9), (5, 8, 9, 9), [0]),
])
@pytest.mark.parametrize("way", ["registered", "attached", "both"])
def test_table_swap_between_two_places(bed, child, old, new, places, way):
    """Each place is notified at most once, and exactly once if it maps the page all the time."""
    if way == "attached":
        old, new = ([Linear(pages(1), child, pages(number)) for number in numbers]
                    for numbers in (old, new))
    else:
        old, new = ([layout(child, *numbers)] for numbers in (old, new))
    device = bed.device(*old)
    if way != "registered":
        bed.enter(attached(device, child))
    device.load(*new)
    bed.enter(bed.probe.holding(device))
    with Stopped(bed, child, device, 5 * PAGE) as failure:
        promptly(device.resume)
    assert failure.calls == calls_to(device, *places)
    assert failure.rc == 0 and not failure.strays


def test_swapped_twice_within_one_failure(bed, child):
    # places of a table that is only live in between are notified at most once
    device = bed.device(layout(child, 5, 8, 9, 5))
    device.load(layout(child, 8, 5, 9, 5))
    bed.enter(bed.probe.holding(device))
    with Stopped(bed, child, device, 5 * PAGE) as failure:
        promptly(device.resume)
        promptly(device.reload, layout(child, 5, 8, 9, 5))
        promptly(device.reload, layout(child, 9, 8, 5, 5))
    assert failure.calls[0] == calls_to(device, 0)[0]
    assert failure.calls[-1] == calls_to(device, 3)[0]
    assert sorted(set(failure.calls)) == failure.calls
    assert failure.rc == 0 and not failure.strays


@pytest.mark.parametrize("failed", [(5 * PAGE, PAGE), (0, WHOLE)], ids=["page", "child gone"])
@pytest.mark.parametrize("way", ["registered", "attached"])
def test_parent_gets_its_table_back_once_it_is_told(bed, child, failed, way):
    """It is wiped and registered anew while the next one is notified: it is not notified again."""
    target = DaxLinear if way == "registered" else Linear
    first, second = (bed.device(target(pages(16), child)) for _ in range(2))
    for device in first, second:
        bed.enter(bed.probe.holding(device))
        if target is Linear:
            bed.enter(attached(device, child))
    with Stopped(bed, child, second, *failed) as failure:
        promptly(first.wipe)
        if target is Linear:
            promptly(attach.detach, first, child)
        promptly(first.reload, target(pages(16), child))
        if target is Linear:
            promptly(attach.attach, first, child)
    assert [call[0] for call in failure.calls] == [first.number, second.number]
    assert failure.rc == 0 and not failure.strays


@pytest.mark.parametrize("late", [False, True], ids=["attached meanwhile", "detached meanwhile"])
def test_attached_or_detached_while_it_is_told(bed, child, late):
    """A registered parent is notified of its places once, attached or not."""
    device = bed.device(layout(child, 5, 8, 5))
    bed.enter(bed.probe.holding(device))
    if late:
        attach.attach(device, child)
    with Stopped(bed, child, device, 5 * PAGE) as failure:
        promptly(attach.detach if late else attach.attach, device, child)
    if not late:
        attach.detach(device, child)
    assert failure.calls == calls_to(device, 0, 2)
    assert failure.rc == 0 and not failure.strays


def test_detached_while_it_is_counted(bed, child):
    """Only a search finds out whether the failure is one of what it is attached to."""
    half = MIB_SECTORS * 128
    low = bed.device(
        Striped(2 * half, pages(1), [(one, 0) for one in bed.nvdimms[1:3]]),
        Linear(pages(1), child))
    bed.enter(attached(low, child))
    top = bed.device(Linear(pages(1), low, 2 * half))
    bed.enter(bed.probe.holding(top))
    attach.attach(top, low)
    with Stopped(bed, child, top, 0) as failure:
        bed.probe.delay(top, 0)
        promptly(attach.detach, top, low)
    assert failure.calls == calls_to(top, 0)
    assert failure.rc == 0 and not failure.strays


def test_parent_dies_before_it_is_told(bed, child):
    """The parent before it is notified meanwhile; its own holder is notified only that it goes."""
    first, second = (bed.device(DaxLinear(pages(16), child)) for _ in range(2))
    for device in first, second:
        bed.enter(bed.probe.holding(device))
    with Stopped(bed, child, first, 5 * PAGE) as failure, \
            Beside("dmsetup", "remove", second.name) as removing:
        assert " __synchronize_srcu+" in removing.wait_in("kill_dax")
        failure.go_on()
        removing.end()
    assert [(call.dev, call.off, call.len) for call in failure.strays] == [
        (second.number, 0, WHOLE)]
    assert failure.calls == calls_to(first, 5)
    assert failure.rc == 0


def test_parent_dies_between_two_places(bed, child):
    """It is notified of the first place, and shut down before the second."""
    device = bed.device(layout(child, 5, 8, 5))
    bed.enter(bed.probe.holding(device, -errno.EOPNOTSUPP))
    with Stopped(bed, child, device, 5 * PAGE) as failure, \
            Beside("dmsetup", "remove", device.name) as removing:
        # it notifies its holder first, which takes long
        removing.wait_in("probe_notify_failure")
        failure.go_on()
        removing.end()
    assert failure.calls[0] == calls_to(device, 0)[0] and len(failure.calls) <= 2
    assert failure.rc == -errno.EOPNOTSUPP


def test_slot_changes_hands_before_we_look(bed):
    """The kernel reads the slot, then calls its handler, whatever is in the slot by then."""
    child = bed.nvdimms[0]

    def late():
        return bed.probe.inject_all([(child, 0)], how="late")[0]

    with Device(DaxLinear(pages(8), child)) as device, bed.probe.holding(device):
        assert [call.dev for call in late().calls] == [device.number]
    # the slot is empty
    assert late().rc == -errno.EOPNOTSUPP
    # another holder has the slot, and is not notified this way
    with bed.probe.holding(child):
        injection = late()
        assert not injection.calls and injection.rc == -errno.EOPNOTSUPP
    # dax_holder has the slot again
    with Device(DaxLinear(pages(8), child)) as device, bed.probe.holding(device):
        assert [call.dev for call in late().calls] == [device.number]


@pytest.mark.usefixtures("unloaded")
def test_orders_while_the_module_goes(bed):
    """An order attaches before the module goes, which drops the attachment, or finds no file."""
    child = bed.nvdimms[0]
    device = bed.device(Linear(pages(16), child))
    attach_it = (f"while echo {device.number} {child.number} >{attach.FOLDER}/attach; do "
                 f"echo {device.number} {child.number} >{attach.FOLDER}/detach; done 2>/dev/null")
    for _ in range(20):
        HOLDER.insert()
        with Beside("sh", "-c", attach_it) as orders:
            assert orders.running
            HOLDER.remove()
            orders.end(check=False)
        assert not HOLDER.loaded
        assert bed.probe.is_free(child)
