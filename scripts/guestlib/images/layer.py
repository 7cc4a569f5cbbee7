# SPDX-License-Identifier: GPL-2.0
"""What is installed in a root without changing it: the upper folder of an overlay.

Commands run inside by the machine's own CPU, and a guest can be booted with the result.
"""

import contextlib
import os
import shlex
import subprocess

from . import apt, cache

# what building packages needs, and DKMS for building and signing modules
PACKAGES = ("build-essential", "debhelper", "dh-dkms", "dkms", "libjs-sphinxdoc", "lintian",
            "openssl", "python3-sphinx")

# what checks the metrics and alerts of the installed packages: promtool
_FOR_TESTS = ("prometheus",)

# A mail server for the guest in which the packages are tested. That guest has no more than what is
# installed above this layer, so the packages are kept here, for `dpkg --install`. The server only
# recommends the certificates, and newer ones end without them.
_FOR_GUEST = ("opensmtpd", "ca-certificates")
FOR_GUEST_FOLDER = "/opt/for-guest"

# the upper folder must be valid above another lower folder
_OPTIONS = "redirect_dir=off,metacopy=off,index=off"


class Layer:
    """A folder above others, the root being the lowest; a guest can have it laid over its root.

    `path` holds `upper` and `work`, which an overlay needs on one filesystem.
    """

    def __init__(self, path, *lower):
        self.path = path
        self.upper = os.path.join(path, "upper")
        self._lower = lower

    def run(self, script, shared=None):
        """Run a shell script inside, as root, the folder `shared` being /src there.

        Returns what subprocess.run() does, with all output in one.
        """
        work, merged = (os.path.join(self.path, name) for name in ("work", "merged"))
        options = (f"lowerdir={':'.join(self._lower)},upperdir={self.upper},workdir={work},"
                   + _OPTIONS)
        quoted = shlex.quote(merged)
        bind = f"mount --bind {shlex.quote(shared)} {quoted}/src" if shared else ""
        outside = f"""set -e
            mkdir -p {shlex.join([self.upper, work, merged])}
            mount -t overlay -o {shlex.quote(options)} overlay {quoted}
            mount -t proc proc {quoted}/proc
            mount --rbind /dev {quoted}/dev
            mount -t tmpfs tmpfs {quoted}/tmp
            mount -t tmpfs tmpfs {quoted}/run
            {bind}
            exec chroot {quoted} /usr/bin/env -i PATH=/usr/sbin:/usr/bin HOME=/root LANG=C.UTF-8 \\
                DEBIAN_FRONTEND=noninteractive sh -ec {shlex.quote(script)}
        """
        return subprocess.run(cache.contained(["sh", "-c", outside]), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", check=False)


@contextlib.contextmanager
def ready(root, kernel, note):
    """Yield the folder of a layer with PACKAGES above a root, made if need be."""
    options = " ".join(f"-o {shlex.quote(option)}"
                       for option in kernel.apt_options + tuple(apt.proxy_options()))

    def make(target):
        note(f"installing what builds packages for {kernel.name}")
        with open("/etc/resolv.conf", encoding="utf-8") as file:
            resolver = file.read()
        done = Layer(target, root.folder).run(f"""
            echo {shlex.quote(resolver)} >/etc/resolv.conf
            apt-get -qq {options} update
            # first, so that what the root lacks is among them, also if the others install it
            mkdir -p {FOR_GUEST_FOLDER}/partial
            apt-get -qq {options} --yes --no-install-recommends --download-only \
                -o Dir::Cache::archives={FOR_GUEST_FOLDER} install {' '.join(_FOR_GUEST)}
            apt-get -qq {options} --yes --no-install-recommends install \
                {' '.join(PACKAGES + _FOR_TESTS)}
            systemctl disable {' '.join(_FOR_TESTS)}
            apt-get clean
        """)
        if done.returncode:
            raise cache.Error(f"apt-get failed:\n{done.stdout}")

    name = cache.digest([os.path.dirname(root.folder), PACKAGES, _FOR_TESTS, _FOR_GUEST])
    kind = f"packages-{kernel.name}{'-worked' if kernel.worked else ''}"
    with cache.entry(kind, name, make) as path:
        yield os.path.join(path, "upper")
