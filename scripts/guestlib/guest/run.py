# SPDX-License-Identifier: GPL-2.0
"""Runs a command in a guest, and judges the run."""

import os
import selectors
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from .. import SCRIPTS
from ..images import cache
from . import initramfs
from .console import Console
from .qemu import Qemu, path_for_option

# The command's own exit code is handed through, these are the runner's.
SPLAT = 123
TIMED_OUT = 124
NO_VERDICT = 125

# what it takes to mount the root; inside/init loads the rest from there
_BOOT_MODULES = ("virtio_pci", "virtio_blk", "crc32c_generic", "ext4", "overlay")

# where systemd is PID 1; virtio-pmem is for those to load who want it
_UNIT = b"""[Unit]
Description=what the guest is for

[Service]
ExecStart=/guest/init
"""
# What of the devices that are there from the start matters: with all of them udev would load what a
# hundred modalias stand for, half a minute of it on an emulated CPU.
_TRIGGER = b"""[Service]
ExecStart=
ExecStart=-udevadm trigger --action=add --subsystem-match=acpi --subsystem-match=platform \\
    --subsystem-match=nd --subsystem-match=dax --subsystem-match=block --subsystem-match=misc \\
    --subsystem-match=mem --subsystem-match=tty --subsystem-match=virtio-ports
"""
# nobody here wants them, and on an emulated CPU each takes a second
_MASKED = ("serial-getty@ttyS0.service", "getty.target", "e2scrub_reap.service",
           "ndctl-monitor.service", "cxl-monitor.service", "systemd-binfmt.service",
           "proc-sys-fs-binfmt_misc.automount", "dev-hugepages.mount", "dev-mqueue.mount",
           "sys-fs-fuse-connections.mount", "modprobe@drm.service", "modprobe@fuse.service",
           "modprobe@loop.service", "modprobe@efi_pstore.service", "modprobe@configfs.service",
           "dracut-shutdown.service", "systemd-udev-load-credentials.service",
           "systemd-user-sessions.service", "systemd-update-utmp.service",
           "systemd-update-utmp-runlevel.service", "systemd-random-seed.service")
# Each unit is a group of processes: nor does anybody ask what each takes, or waits for.
_SYSTEMD_APPEND = ("cgroup_disable=memory", "psi=0",
                   "systemd.show_status=no", "systemd.firstboot=no",
                   "systemd.condition-needs-update=no",
                   "modprobe.blacklist=virtio_pmem",
                   *(f"systemd.mask={unit}" for unit in _MASKED),
                   "systemd.machine_id=0123456789abcdef0123456789abcdef")
_DISK_BYTES = 2 << 30

# how long a guest that has said its last word, or is beyond help, may take to be gone
_GRACE_SECONDS = 20

# An emulated machine on a busy host now and then loses its timer while it starts, and hangs
# before anything of ours has run, or QEMU aborts as the kernel looks at a device (seen in
# msix_table_mmio_write()). That says nothing of what is to be tested: start it again.
_BOOTS = 3
# Or RCU waits for the timer, and reports a stall; the command may have begun by then, if another
# CPU went on. How long the kernel may take to say where, to be read after the last boot.
_STALLED_SECONDS = 2
# Or the timer misleads the kernel about the TSC's frequency, and the guest's clock goes wrong by
# some factor.
_MISLED = b"tsc: PIT calibration deviates from"


class Interrupted(Exception):
    """A signal asked us to end."""

    def __init__(self, number):
        super().__init__(signal.Signals(number).name)
        self.number = number


def _interrupt(number, _frame):
    raise Interrupted(number)


def _script(name):
    with open(os.path.join(SCRIPTS, "inside", name), "rb") as file:
        return file.read()


def _make_initramfs(path, root, command, settings):
    modules = initramfs.modules_in_order(root.modules, _BOOT_MODULES)
    lines = "".join(f"{name}={shlex.quote(value)}\n" for name, value in settings.items())
    files = {
        "guest/init": (_script("init"), 0o755),
        "guest/command": ((shlex.join(command) + "\n").encode(), 0o755),
        "guest/settings": (lines.encode(), 0o644),
        "guest/unit": (_UNIT, 0o644),
        "guest/trigger.conf": (_TRIGGER, 0o644),
    }
    if root.guest_modules:
        files.update(initramfs.tree("guest/modules", root.guest_modules))
    with open(path, "wb") as file:
        file.write(initramfs.make(root.busybox, _script("initramfs-init"), modules, files))


def _make_disk(path, layer):
    """Make a disk for what the guest writes; it has written what is in the layer already."""
    with open(path, "wb") as file:
        file.truncate(_DISK_BYTES)
    command = ["mke2fs", "-q", "-t", "ext4", "-F", path]
    if layer:
        # not all of it is anybody's to read
        command = cache.as_root(command + ["-d", layer])
    subprocess.run(command, check=True)


class Run:
    """One guest, from its start to the verdict."""

    def __init__(self, options, known_splats, console_file, note):
        self._options = options
        self._note = note
        self._console = Console(known_splats, console_file)
        self._qemu = None
        self._verdict = b""
        self._code = None
        self._up = False
        self._started = time.monotonic()
        self._deadline = self._started + options.timeout
        self._boot_deadline = self._started + options.boot_timeout
        self._timed_out = False
        self._hung_at_end = False
        self._early = b""
        # why the guest is of no use, if it could not say so itself
        self.lost = None

    def _elapsed(self):
        return time.monotonic() - self._started

    def boot(self, root, temporary, source, interactive=False):
        """Start the guest."""
        image = os.path.join(temporary, "initramfs")
        settings = {"INTERACTIVE": "yes" if interactive else "", "MAP": self._options.map}
        if interactive:
            size = shutil.get_terminal_size()
            settings.update(TERM=os.environ.get("TERM", "linux"), ROWS=str(size.lines),
                            COLUMNS=str(size.columns))
        _make_initramfs(image, root, self._options.command, settings)
        self._qemu = Qemu(self._options.emulator, self._options, temporary)
        self._qemu.port("output")
        self._qemu.port("verdict")
        if interactive:
            self._qemu.terminal()
        self._qemu.image(path_for_option(root.image))
        append = list(self._options.append)
        if self._options.systemd:
            disk = os.path.join(temporary, "disk")
            _make_disk(disk, self._options.layer)
            self._qemu.image(path_for_option(disk), writable=True)
            append += _SYSTEMD_APPEND
        if source:
            self._qemu.share("src", path_for_option(source))
        if self._options.results:
            self._qemu.share("results", path_for_option(self._options.results), writable=True)
        self._qemu.boot(root.kernel, image, append)
        self._qemu.add(*self._options.qemu_arg)
        self._qemu.start(own_session=not interactive)

    def wait(self):
        """Pass the guest's output on until it has ended, by itself or by us."""
        receivers = {"console": self._take_console, "output": _pass_on,
                     "verdict": self._take_verdict, "monitor": lambda data: None}
        with selectors.DefaultSelector() as selector:
            for name, receive in receivers.items():
                selector.register(self._qemu.streams[name], selectors.EVENT_READ, receive)
            while selector.get_map():
                for key, _ in selector.select(timeout=0.5):
                    data = _read(key.fileobj)
                    if data:
                        key.data(data)
                    elif data is not None:
                        selector.unregister(key.fileobj)
                if time.monotonic() > self._deadline and not self._give_up():
                    break
                self.lost = self._why_lost()
                if self.lost:
                    break
            else:
                signal_number = self._qemu.ended_by()
                if signal_number and not self._up and self._console.splat is None:
                    self.lost = f"lost its emulator to signal {signal_number}"
        self._qemu.kill()
        self._console.close()
        if self._console.false_start:
            self.lost = "stalled before its command began"

    def _why_lost(self):
        if self._up or self._console.splat is not None:
            return None
        if _MISLED in self._early:
            return "has a clock that goes wrong"
        if time.monotonic() > self._boot_deadline:
            return f"did not come up in {self._options.boot_timeout} s"
        return None

    def end(self):
        """Leave nothing running."""
        if self._qemu:
            self._qemu.kill()

    def _take_console(self, data):
        if not self._up:
            self._early += data
        was_fatal = self._console.fatal
        self._console.feed(data)
        if self._console.false_start:
            self._hurry(_STALLED_SECONDS)
        elif self._console.fatal and not was_fatal and not self._options.keep_going:
            self._hurry()

    def _take_verdict(self, data):
        *lines, self._verdict = (self._verdict + data).split(b"\n")
        for line in lines:
            word, _, value = line.decode(errors="replace").partition(" ")
            if word == "started":
                self._up = True
                self._note(f"the guest is up, {self._elapsed():.0f} s from its start")
            elif word == "exit":
                self._code = int(value)
                self._hurry()

    def _hurry(self, seconds=_GRACE_SECONDS):
        self._deadline = min(self._deadline, time.monotonic() + seconds)

    def _give_up(self):
        """Handle a passed deadline; return whether there is still something to wait for."""
        if self._code is None and not self._console.fatal and not self._timed_out:
            # the console then says which tasks are stuck, and where
            self._timed_out = True
            self._qemu.streams["monitor"].send(b"chardev-send-break console\n")
            # it goes another way than the letter, and must arrive before it
            time.sleep(0.5)
            self._qemu.streams["console"].send(b"w")
            self._deadline = time.monotonic() + 3
            return True
        self._hung_at_end = self._code is not None
        return False

    def judge(self):
        """Return the exit code of the run, and say what went wrong if something did."""
        splat = self._console.splat
        expected = self._options.expect_splat
        if expected is not None:
            if self._console.splat_matches(expected):
                self._note(f"the expected splat came: {splat}")
                return 0
            return self._failed(SPLAT, f"no splat that matches '{expected}'")
        if splat is not None:
            return self._failed(SPLAT, f"the kernel complained: {splat}")
        if self.lost:
            return self._failed(TIMED_OUT, f"the guest {self.lost}")
        if self._timed_out:
            return self._failed(TIMED_OUT, f"timed out after {self._options.timeout} s")
        if self._code is None:
            status = self._qemu.process.returncode
            return self._failed(NO_VERDICT, f"the guest ended without a verdict (QEMU: {status})")
        if self._hung_at_end:
            return self._failed(TIMED_OUT, f"the command ended with {self._code}, "
                                "but the guest did not power off")
        return self._code

    def _failed(self, code, why):
        rule = "-" * 72
        lines = ["", rule, *self._console.excerpt(), rule]
        print("\n".join(lines), file=sys.stderr)
        print(f"guest: FAILED: {why}", file=sys.stderr, flush=True)
        return code


def _read(stream):
    """Return what has come, nothing at the stream's end, None if it was a false alarm."""
    try:
        return stream.recv(65536)
    except BlockingIOError:
        return None
    except ConnectionResetError:
        return b""


def _pass_on(data):
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def _attempt(root, options, known_splats, source, note, interactive, last):
    """Start a guest once; return the run's exit code, or None if it should be started again."""
    with tempfile.TemporaryDirectory(prefix="daxlinear-guest.") as temporary:
        log = os.path.join(options.results or temporary, "console.log")
        with open(log, "wb") as console_file:
            guest = Run(options, known_splats, console_file, note)
            try:
                guest.boot(root, temporary, source, interactive)
                guest.wait()
                if guest.lost and not last:
                    note(f"the guest {guest.lost}: starting another")
                    return None
                return guest.judge()
            finally:
                guest.end()


def run(root, options, known_splats, source, note, interactive=False):
    """Boot a guest, run options.command in it, return the run's exit code."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    if options.results:
        os.makedirs(options.results, exist_ok=True)
    try:
        for boot in range(1, _BOOTS + 1):
            code = _attempt(root, options, known_splats, source, note, interactive,
                            last=boot == _BOOTS)
            if code is not None:
                break
        return code
    except Interrupted as signal_seen:
        note(f"ended by {signal_seen}")
        return 128 + signal_seen.number
