# SPDX-License-Identifier: GPL-2.0
"""The kernels we support, each with the Debian suite that its guest is made of.

A kernel is named by what it is for; its version is what Debian has of it at the time. To support
one more kernel, add an entry.
"""

from dataclasses import dataclass, replace


# Tests wait for grace periods more than for anything else, while the emulated CPU idles.
_EXPEDITED = "rcupdate.rcu_expedited=1"

_TRIXIE = (
    ("debian", "trixie"),
    ("debian", "trixie-updates"),
    ("debian-security", "trixie-security"),
)


# what this machine runs itself; roots of other architectures are in foreign.py
NATIVE = "amd64"


@dataclass(frozen=True)
class Kernel:
    """A kernel and the userspace that surrounds it."""

    name: str
    suite: str
    # (archive, suite) for apt, the archive being `debian` or `debian-security`
    sources: tuple
    # the kernel and its headers; one source package, so that they match
    packages: tuple
    # Debian's name of the architecture
    arch: str = NATIVE
    # the options with which apt reads these sources
    apt_options: tuple = ()
    # splats that this kernel prints without our modules
    known_splats: tuple = ()
    # the limit for its boot, on an emulated CPU that shares its core
    boot_seconds: int = 120
    # arguments for the kernel, unless instructions are counted
    append: tuple = (_EXPEDITED,)
    # the flavour of the debug kernel that it boots, or none
    debug: str = ""
    # the folder of Documentation/upstream with the patches that it is built with
    patches: str = ""
    # the version that worked last, instead of what the archive has
    worked: bool = False

    @property
    def package(self):
        """The package that depends on the kernel, whose version is the kernel's."""
        return self.packages[0].partition("/")[0]

    @property
    def kernel_sources(self):
        """The sources that may have that package."""
        suite = self.packages[0].partition("/")[2]
        return tuple(source for source in self.sources if suite in ("", source[1]))


KERNELS = {
    kernel.name: kernel
    for kernel in (
        Kernel(
            name="bookworm",
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
        Kernel(
            # One source serves. The security archive of bookworm has a 6.12 too, but an archive of
            # trixie without a kernel would have no root either to boot that in.
            name="longterm",
            suite="trixie",
            sources=_TRIXIE,
            packages=("linux-image-amd64", "linux-headers-amd64"),
        ),
        Kernel(
            name="newest",
            suite="trixie",
            sources=(
                ("debian", "trixie"),
                ("debian", "trixie-updates"),
                ("debian", "trixie-backports"),
                ("debian-security", "trixie-security"),
            ),
            packages=("linux-image-amd64/trixie-backports", "linux-headers-amd64/trixie-backports",
                      "linux-base/trixie-backports"),
            # a file of bad blocks that is longer than a page was read
            known_splats=(r"WARNING: fs/sysfs/file\.c:\d+ at sysfs_kf_seq_show",),
            # With high-resolution timers its scheduler ends each time slice by an interrupt of its
            # own. That doubles the interrupts, and costs a seventh of the emulation.
            append=(_EXPEDITED, "highres=off"),
        ),
        # 4 KiB pages
        Kernel(
            name="arm64",
            suite="trixie",
            sources=_TRIXIE,
            packages=("linux-image-arm64", "linux-headers-arm64"),
            arch="arm64",
            # UEFI comes first: 26 s beside another guest, of which x86 takes 15
            boot_seconds=240,
        ),
    )
}

# 16 KiB pages
KERNELS["arm64-16k"] = replace(KERNELS["arm64"], name="arm64-16k",
                               packages=("linux-image-arm64-16k", "linux-headers-arm64-16k"))

# What Debian prepares; modules are built against its headers, and nothing boots it.
NEXT = Kernel(
    name="next",
    suite="sid",
    sources=(("debian", "sid"), ("debian", "experimental")),
    packages=("linux-headers-amd64",),
    # a mirror that is behind is good enough to look ahead
    apt_options=('Acquire::Check-Valid-Until "false"',),
)

DEFAULT = "bookworm"

# Built from the source of DEFAULT, in whose root it boots. Its grace periods are not
# expedited: they show what ends too early, the other kernels' show what waits for too long.
DEBUG = "debug"
KERNELS[DEBUG] = replace(KERNELS[DEFAULT], debug="memory", boot_seconds=600, append=())

# The same with our patches for fs/dax.c.
PATCHED = "patched"
KERNELS[PATCHED] = replace(KERNELS[DEBUG], patches="6.1")

# what `make check` tests
STOCK = [name for name, kernel in KERNELS.items() if not kernel.debug]

# A version that comes new into the archive is tested beside the last one that worked.
WORKED = {name: f"{name}-worked" for name in STOCK}
KERNELS |= {WORKED[name]: replace(KERNELS[name], worked=True) for name in STOCK}


def native(names):
    """Return those of the kernels that are of this machine's architecture."""
    return [name for name in names if KERNELS[name].arch == NATIVE]
