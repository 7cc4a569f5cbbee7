# SPDX-License-Identifier: GPL-2.0
"""The debug kernels: Debian's 6.1 source, configured to find bugs, each built once and cached.

An entry of the cache holds what a guest boots and what modules are built against:

    kernel               an ELF file, which QEMU starts at once
    lib/modules/VERSION  its modules
    build                its build tree, as far as modules need it
    config               its configuration
    version              its version
    log                  the output of the build
"""

import contextlib
import os
import shutil
import subprocess
from dataclasses import dataclass

from .. import SCRIPTS
from . import cache

SOURCE = "linux-source-6.1"
PACKAGES = (SOURCE, "bc", "bison", "flex", "gcc", "kmod", "libc6-dev", "libelf-dev", "make",
            "xz-utils")

FRAGMENT = os.path.join(SCRIPTS, "debug-kernel{}.config")

# Files that the build does not open with our configuration: half of the source.
_NOT_UNPACKED = (
    "*/Documentation/*/*", "*/arch/[!x]*/*.[chS]", "*/drivers/gpu/*.[ch]",
    "*/drivers/media/*.[ch]", "*/drivers/net/*/*.[ch]", "*/drivers/staging/*.[ch]",
    "*/sound/*.[ch]", "*.dts", "*.dtsi",
)

# KASAN checks the accesses of these objects: our modules, and the code that works on what they pass
# on. The rest of the kernel is not instrumented, to save time.
_KASAN = ("/%", "block/%", "drivers/acpi/nfit/%", "drivers/dax/%", "drivers/md/%",
          "drivers/nvdimm/%", "fs/dax", "fs/xfs/%", "kernel/rcu/srcutree", "kernel/workqueue",
          "lib/list_debug", "lib/rbtree", "lib/sort", "mm/memory-failure", "mm/memremap")

# Changes to the source without which it cannot be configured as we need: (file, old, new)
_CHANGES = (
    # Later kernels have dropped both dependencies.
    ("fs/9p/Kconfig", "depends on INET && NET_9P\n", "depends on NET_9P\n"),
    ("lib/Kconfig.debug", "STACKTRACE_SUPPORT\n\tdepends on !X86_64\n", "STACKTRACE_SUPPORT\n"),
    # Nor do they count for fail-nth an allocation that the filter exempts.
    ("lib/fault-inject.c", "\t\t\tfail_nth--;\n",
     "\t\t\tif (!fail_stacktrace(attr))\n\t\t\t\treturn false;\n\t\t\tfail_nth--;\n"),
    ("scripts/Makefile.lib", "$(KASAN_SANITIZE)y), \\\n",
     f"$(KASAN_SANITIZE)$(if $(filter {' '.join(_KASAN)},$(obj)/$(basetarget)),y,n)), \\\n"),
)

# What modules are built from, as the kernel's own scripts/package/builddeb has it
_BUILD_TREE = """
    find . arch/x86 -maxdepth 1 -name 'Makefile*'
    find include scripts arch/x86/include -type f -o -type l
    find arch/x86 -name Kbuild.platforms -o -name Platform
    find $(find arch/x86 -name include -o -name scripts -type d) -type f
    echo .config Module.symvers tools/objtool/objtool | tr ' ' '\\n'
"""

# how many lines of the log an error repeats
_LOG_LINES = 30


@dataclass(frozen=True)
class DebugKernel:
    """A debug kernel in the cache, which stays there while this object is in use."""

    folder: str
    version: str

    @property
    def kernel(self):
        """The kernel itself."""
        return os.path.join(self.folder, "kernel")

    @property
    def modules(self):
        """The folder of its modules."""
        return os.path.join(self.folder, "lib/modules", self.version)

    @property
    def build(self):
        """The folder to build further modules against."""
        return os.path.join(self.folder, "build")


def _read(*path):
    with open(os.path.join(*path), encoding="utf-8") as file:
        return file.read()


def _output(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def install_packages():
    """Install what building a kernel takes."""
    subprocess.run([os.path.join(SCRIPTS, "install-deps"), *PACKAGES],
                   stdout=subprocess.DEVNULL, check=True)


def _fragment(flavour):
    """Return the lines of the configuration for `flavour`."""
    return _read(FRAGMENT.format("")) + _read(FRAGMENT.format(f"-{flavour}"))


def recipe_of(flavour):
    """Return all that decides what is built."""
    return {
        "source": _output("dpkg-query", "-W", "-f", "${Version}", SOURCE),
        "compiler": _output("gcc", "--version").splitlines()[0],
        "fragment": _fragment(flavour),
        "builder": _read(__file__),
    }


class Tree:
    """The source tree, while it is being built."""

    def __init__(self, folder, log):
        self._folder = folder
        self._log = log

    def run(self, *command):
        """Run a command in the tree; its output goes to the log."""
        # The variables of a make that runs us must not reach the kernel's make.
        environment = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR")
                       if name in os.environ}
        environment["LC_ALL"] = "C"
        with open(self._log, "ab") as log:
            done = subprocess.run(["nice", "-n", "10", *command], cwd=self._folder,
                                  env=environment, stdin=subprocess.DEVNULL, stdout=log,
                                  stderr=subprocess.STDOUT, check=False)
        if done.returncode:
            with open(self._log, encoding="utf-8", errors="replace") as log:
                tail = "".join(log.readlines()[-_LOG_LINES:])
            raise cache.Error(f"{' '.join(command)} failed:\n{tail}")

    def _make(self, *arguments):
        self.run("make", f"-j{os.cpu_count()}", *arguments)

    def unpack(self):
        """Unpack the source."""
        self.run("tar", "-xf", f"/usr/src/{SOURCE}.tar.xz", "--strip-components=1",
                  *(f"--exclude={pattern}" for pattern in _NOT_UNPACKED))
        for name, old, new in _CHANGES:
            text = _read(self._folder, name)
            if text.count(old) != 1:
                raise cache.Error(f"{name} does not say '{old.strip()}' once")
            with open(os.path.join(self._folder, name), "w", encoding="utf-8") as file:
                file.write(text.replace(old, new))

    def configure(self, fragment):
        """Make the configuration; every line of the fragment must be in it."""
        with open(os.path.join(self._folder, "fragment"), "w", encoding="utf-8") as file:
            file.write(fragment)
        self._make("KCONFIG_ALLCONFIG=fragment", "allnoconfig")
        config = set(_read(self._folder, ".config").splitlines())
        lost = [line for line in fragment.splitlines()
                if "CONFIG_" in line and line not in config]
        if lost:
            raise cache.Error("the kernel's configuration did not take\n" + "\n".join(lost))

    def build(self, local_version):
        """Build the kernel and its modules; return its version."""
        self._make(f"LOCALVERSION={local_version}", "vmlinux", "modules")
        return _read(self._folder, "include/config/kernel.release").strip()

    def install(self, target, version):
        """Put what is kept into the target folder."""
        self.run("strip", "-o", os.path.join(target, "kernel"), "vmlinux")
        shutil.copy(os.path.join(self._folder, ".config"), os.path.join(target, "config"))
        self._make(f"INSTALL_MOD_PATH={target}", "INSTALL_MOD_STRIP=1", "modules_install")
        for link in ("build", "source"):
            os.unlink(os.path.join(target, "lib/modules", version, link))
        os.mkdir(os.path.join(target, "build"))
        self.run("sh", "-ec", f"({_BUILD_TREE}) | sort -u | tar -cf - -T - | "
                  'tar -xf - -C "$1"', "sh", os.path.join(target, "build"))
        with open(os.path.join(target, "version"), "w", encoding="utf-8") as file:
            file.write(version + "\n")


@contextlib.contextmanager
def ready(note, flavour):
    """Yield the DebugKernel for `flavour`, built if need be; it stays in use until then."""
    install_packages()
    recipe = recipe_of(flavour)
    name = cache.digest(recipe)

    def make(target):
        note(f"building the debug kernel for {flavour} from {SOURCE} {recipe['source']}")
        source = os.path.join(target, "source")
        os.mkdir(source)
        tree = Tree(source, os.path.join(target, "log"))
        tree.unpack()
        tree.configure(recipe["fragment"])
        # The name has the recipe's digest, so that no other debug kernel accepts its modules.
        version = tree.build(f"-{flavour}-{name[:8]}")
        tree.install(target, version)
        cache.remove(source)

    with cache.entry(f"{flavour}-kernel", name, make) as path:
        yield DebugKernel(folder=path, version=_read(path, "version").strip())
