# SPDX-License-Identifier: GPL-2.0
"""The kernels we support, each with the Debian suite that its guest is made of.

To support one more kernel, add an entry: nothing else knows a version.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Kernel:
    """A kernel and the userspace that surrounds it."""

    name: str
    suite: str
    # (archive, suite) for apt, the archive being `debian` or `debian-security`
    sources: tuple
    # the kernel and its headers; one source package, so that they match
    packages: tuple
    # what apt must be told to read these sources
    apt_options: tuple = ()
    # lines of this kernel's own that look like a splat of ours and are not
    known_splats: tuple = ()


KERNELS = {
    kernel.name: kernel
    for kernel in (
        Kernel(
            name="6.1",
            suite="bookworm",
            sources=(
                ("debian", "bookworm"),
                ("debian", "bookworm-updates"),
                ("debian-security", "bookworm-security"),
            ),
            packages=("linux-image-amd64", "linux-headers-amd64"),
            # 6.1 warns when a page that reflink shares is mapped, on bare pmem as well
            known_splats=(
                r"WARNING: CPU: .* at fs/dax\.c:(380|404) dax_(insert|disassociate)_entry",
            ),
        ),
    )
}

DEFAULT = "6.1"
