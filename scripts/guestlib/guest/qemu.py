# SPDX-License-Identifier: GPL-2.0
"""QEMU's command line, and the process.

Every stream is one end of a socketpair that QEMU inherits. Nothing has a name in the file system,
so guests cannot interfere with each other, and when QEMU ends the streams end.
"""

import os
import socket
import subprocess


class Qemu:
    """A QEMU process under construction, then running.

    `streams` maps a name to our end of it: console, output, verdict, monitor.
    """

    def __init__(self, emulator, options, folder):
        self._passed = []
        self._disks = 0
        self.streams = {}
        self._process = None
        self._board = options.board
        self._command = [*emulator, "-nodefaults", "-no-user-config", "-display", "none",
                         "-name", "daxlinear"]
        # a reboot keeps the memory, and so the NVDIMMs
        if not options.systemd:
            self.add("-no-reboot")
        self._machine(options)
        self._nvdimms(options, folder)
        self._console()
        self._monitor_for_guest()

    def add(self, *arguments):
        """Append to the command line."""
        self._command += arguments

    def _socket(self, identity):
        """Give QEMU a character device; return our end of it."""
        ours, theirs = socket.socketpair()
        self._passed.append(theirs)
        self.add("-chardev", f"socket,id={identity},fd={theirs.fileno()}")
        return ours

    def _machine(self, options):
        if options.icount:
            # Guest time counts instructions, and date and random numbers start the same. A guest
            # that waits for nothing outside it repeats exactly.
            self.add("-accel", "tcg,thread=single", "-smp", "1",
                     "-icount", "shift=0,sleep=off,align=off", "-seed", "1",
                     "-rtc", "base=2026-01-01T00:00:00,clock=vm")
        else:
            self.add("-accel", "tcg,thread=multi,tb-size=512", "-smp", str(options.cpus))
        cpu = options.cpu or self._board.cpu
        self.add("-machine", self._board.machine, "-cpu", cpu,
                 "-m", f"{options.mem},slots={len(options.nvdimm) + 4},maxmem=256G")
        if options.cxl:
            # The kernel makes a region only where it can flush the CPU's caches, and takes that to
            # fail under a hypervisor.
            self.add("-machine", "cxl=on,cxl-fmw.0.targets.0=cxl,cxl-fmw.0.size=1G",
                     "-cpu", f"{cpu},hypervisor=off")
        self.add("-device", "virtio-serial-pci")

    def _nvdimms(self, options, folder):
        """Add the NVDIMMs: of memory, or of sparse files if they may be larger than that."""
        for number, size in enumerate(options.nvdimm):
            backend = f"memory-backend-ram,id=nvmem{number},size={size}"
            if options.map == "dev":
                backend = (f"memory-backend-file,id=nvmem{number},size={size},share=on,"
                           f"mem-path={path_for_option(folder)}/nvdimm{number}")
            self.add("-object", backend,
                     "-device", f"nvdimm,id=nvdimm{number},memdev=nvmem{number}")
        # Persistent memory without synchronous faults; a memfd, as QEMU flushes no plain memory.
        if self._board.virtio_pmem:
            self.add("-object", "memory-backend-memfd,id=async,size=64M",
                     "-device", "virtio-pmem-pci,memdev=async")

    def _console(self):
        self.streams["console"] = self._socket("console")
        self.add("-serial", "chardev:console")
        # the runner's own monitor
        self.streams["monitor"] = self._socket("control")
        self.add("-mon", "chardev=control,mode=readline")

    def _monitor_for_guest(self):
        """Connect a port of the guest to a monitor of this QEMU: tests break hardware by it."""
        monitor, port = socket.socketpair()
        self._passed += [monitor, port]
        self.add("-chardev", f"socket,id=monitor,fd={monitor.fileno()}",
                 "-mon", "chardev=monitor,mode=readline",
                 "-chardev", f"socket,id=monitorport,fd={port.fileno()}",
                 "-device", "virtserialport,chardev=monitorport,name=monitor")

    def port(self, name):
        """Give the guest a port of that name, /dev/virtio-ports/NAME."""
        self.streams[name] = self._socket(name)
        self.add("-device", f"virtserialport,chardev={name},name={name}")

    def terminal(self):
        """Make our own terminal the guest's /dev/hvc0."""
        self.add("-chardev", "stdio,id=terminal,signal=off",
                 "-device", "virtconsole,chardev=terminal")

    def image(self, path, writable=False):
        """Give the guest a disk."""
        access = "cache=unsafe" if writable else "readonly=on,file.locking=off"
        self._disks += 1
        self.add("-drive", f"file={path},format=raw,if=none,id=disk{self._disks},{access}",
                 "-device", f"virtio-blk-pci,drive=disk{self._disks}")

    def share(self, tag, path, writable=False):
        """Share a folder of the host with the guest, over 9p."""
        access = "" if writable else ",readonly=on"
        self.add("-fsdev",
                 f"local,id={tag},path={path},security_model=none,multidevs=remap{access}",
                 "-device", f"virtio-9p-pci,fsdev={tag},mount_tag={tag}")

    def cxl(self, size):
        """Give the guest a CXL device with persistent memory.

        It comes after all other devices: they would be put on the bus that it adds.
        """
        self.add("-object", f"memory-backend-ram,id=cxlmem,size={size}",
                 "-object", "memory-backend-ram,id=cxllabels,size=1M",
                 "-device", "pxb-cxl,id=cxl,bus=pcie.0,bus_nr=12",
                 "-device", "cxl-rp,id=cxlport,bus=cxl,chassis=0,slot=2,port=0",
                 "-device", "cxl-type3,id=cxl0,bus=cxlport,persistent-memdev=cxlmem,"
                            "lsa=cxllabels,sn=1")

    def boot(self, kernel, initramfs, append):
        """Boot this kernel with an initramfs and arguments."""
        self.add("-kernel", kernel, "-initrd", initramfs,
                 "-append", " ".join(self._board.append + tuple(append)))

    def start(self, own_session):
        """Start QEMU. It ends when we do, however we end."""
        command = ["setpriv", "--pdeathsig", "KILL", "--"] + self._command
        # it runs on after this function, and kill() ends it
        self._process = subprocess.Popen(  # pylint: disable=consider-using-with
            command, pass_fds=[end.fileno() for end in self._passed],
            stdin=subprocess.DEVNULL if own_session else None,
            start_new_session=own_session)
        for end in self._passed:
            end.close()
        for stream in self.streams.values():
            stream.setblocking(False)

    def ended_by(self):
        """Wait for the end of a QEMU that has closed its streams; return the signal, or 0."""
        assert self._process, "start() comes first"
        return max(0, -self._process.wait())

    @property
    def status(self):
        """The exit code of a QEMU that has ended, None of one that has not."""
        return self._process and self._process.returncode

    def kill(self):
        """End QEMU, if it runs, and reap it."""
        if self._process:
            self._process.kill()
            self._process.wait()
        for stream in self.streams.values():
            stream.close()


def path_for_option(path):
    """Return a path as an option of QEMU, whose parser takes a single comma for a separator."""
    return os.path.abspath(path).replace(",", ",,")
