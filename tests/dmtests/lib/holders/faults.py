# SPDX-License-Identifier: GPL-2.0
"""Allocations that fail on demand, on a kernel that has fault injection.

A task's fail-nth is the number of its allocation that fails. Only allocations below a function of
the kernel count.
"""

import errno
import itertools

from ..command import CommandError, log, read_file, write_file

_DEBUG = "/sys/kernel/debug"
FAILSLAB = f"{_DEBUG}/failslab"
_PAGES = f"{_DEBUG}/fail_page_alloc"

_ORDER_MAX = 20

_NTH = "/proc/thread-self/fail-nth"

# kmemleak allocates in it for each allocation
_NOTES = "__create_object"


def _code(*functions):
    """Return where the code of each function of the kernel starts and ends."""
    starts, addresses = {}, []
    with open("/proc/kallsyms", encoding="ascii") as file:
        for line in file:
            address, kind, name = line.split()[:3]
            if kind in "tT":
                addresses.append(address)
                if name in functions:
                    starts[name] = address
    assert len(starts) == len(functions), f"the kernel has only {list(starts)} of {functions}"
    return [(start, min(address for address in addresses if address > start))
            for start in map(starts.get, functions)]


def _let_through(function, allocator):
    """Make all allocations of one allocator below a function count, and no others.

    An object of a cache sometimes takes new pages. If both counted, the number of an allocation
    would vary from call to call, and one could be passed over.
    """
    within, without = _code(function, _NOTES)
    for folder in (FAILSLAB, _PAGES):
        for kind, (start, end) in (("require", within), ("reject", without)):
            write_file(f"{folder}/{kind}-start", f"0x{start}")
            write_file(f"{folder}/{kind}-end", f"0x{end}")
        write_file(f"{folder}/ignore-gfp-wait", "N")
        write_file(f"{folder}/verbose", 0)
    write_file(f"{_PAGES}/ignore-gfp-highmem", "N")
    # no cache is marked, and no allocation has as many pages
    write_file(f"{FAILSLAB}/cache-filter", "N" if allocator == FAILSLAB else "Y")
    write_file(f"{_PAGES}/min-order", 0 if allocator == _PAGES else _ORDER_MAX)


def _with_failure(number, call):
    """Call with an allocation failing; return the error, and whether that allocation was made."""
    error = None
    try:
        with open(_NTH, "w", encoding="ascii") as file:
            file.write(str(number))
        call()
    except (CommandError, OSError) as caught:
        error = caught
    left = int(read_file(_NTH))
    with open(_NTH, "w", encoding="ascii") as file:
        file.write("0")
    return error, not left


def each(function, call):
    """Call again and again, each time with the next allocation below a function failing.

    Yields for each whether the call failed too, which must be with ENOMEM. First the objects of
    caches fail, then pages. The last call of all, in which no allocation is left to fail, must
    succeed, and nothing is yielded for it.
    """
    for allocator in (FAILSLAB, _PAGES):
        _let_through(function, allocator)
        for number in itertools.count(1):
            error, failed = _with_failure(number, call)
            if not failed:
                log.info("%d allocations below %s", number - 1, function)
                if error:
                    raise error
                if allocator == FAILSLAB and number > 1:
                    yield False
                break
            log.info("allocation %d below %s failed: %s", number, function, error)
            if error:
                code = error.code if isinstance(error, CommandError) else error.errno
                assert code == errno.ENOMEM, error
            yield error is not None
