# SPDX-License-Identifier: GPL-2.0
"""Makes a folder of a Debian suite's packages, whatever suite the machine itself has."""

import subprocess

from . import apt, cache

APT_OPTIONS = (
    'APT::Install-Recommends "false"',
    'Acquire::Languages "none"',
    'Acquire::Retries "3"',
)

DPKG_OPTIONS = (
    "force-unsafe-io",
    "path-exclude=/usr/share/doc/*",
    "path-exclude=/usr/share/info/*",
    "path-exclude=/usr/share/locale/*",
    "path-exclude=/usr/share/man/*",
)

_LOG_LINES = 40


def recipe(suite, sources, packages, variant, apt_options=(), hooks=()):
    """Return all that decides what is in the folder, save what the archive holds that day.

    `sources` are (archive, suite) for apt, `variant` and `hooks` are mmdebstrap's.
    """
    mirrors = apt.mirrors()
    with open(__file__, encoding="utf-8") as file:
        builder = file.read()
    return {
        "suite": suite,
        "sources": [f"deb {mirrors[archive]} {name} main" for archive, name in sources],
        "packages": sorted(packages),
        "variant": variant,
        "apt_options": list(APT_OPTIONS + apt_options),
        "hooks": list(hooks),
        "builder": cache.digest(builder),
    }


def make(what, target):
    """Make the folder of a recipe."""
    command = ["mmdebstrap", f"--variant={what['variant']}", "--mode=root", "--format=directory"]
    command += [f"--aptopt={option}" for option in what["apt_options"] + apt.proxy_options()]
    command += [f"--dpkgopt={option}" for option in DPKG_OPTIONS]
    command += [f"--customize-hook={hook}" for hook in what["hooks"]]
    command += ["--include=" + ",".join(what["packages"])]
    # a kernel package would make an initramfs that nothing boots
    command = ["env", "INITRD=No"] + command
    command = cache.contained(command + [what["suite"], target] + what["sources"])
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    if done.returncode:
        # apt's reasons come well before its last words
        tail = "\n".join(done.stdout.splitlines()[-_LOG_LINES:])
        raise cache.Error(f"mmdebstrap failed:\n{tail}")
