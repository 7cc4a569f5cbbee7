# SPDX-License-Identifier: GPL-2.0
"""How systemd is PID 1 of a guest: with as little else as the tests need."""

# The unit that stands for the guest's command. virtio-pmem is loaded by the tests that use it.
UNIT = b"""[Unit]
Description=what the guest is for

[Service]
ExecStart=/guest/init
"""

# Of the devices that exist from the start, udev handles these subsystems alone. For all devices it
# would load the modules of about a hundred modaliases, half a minute on an emulated CPU.
TRIGGER = b"""[Service]
ExecStart=
ExecStart=-udevadm trigger --action=add --subsystem-match=acpi --subsystem-match=platform \\
    --subsystem-match=nd --subsystem-match=dax --subsystem-match=block --subsystem-match=misc \\
    --subsystem-match=mem --subsystem-match=tty --subsystem-match=virtio-ports
"""

# No test uses these units, and on an emulated CPU each takes a second.
_MASKED = ("serial-getty@ttyS0.service", "getty.target", "e2scrub_reap.service",
           "ndctl-monitor.service", "cxl-monitor.service", "systemd-binfmt.service",
           "proc-sys-fs-binfmt_misc.automount", "dev-hugepages.mount", "dev-mqueue.mount",
           "sys-fs-fuse-connections.mount", "modprobe@drm.service", "modprobe@fuse.service",
           "modprobe@loop.service", "modprobe@efi_pstore.service", "modprobe@configfs.service",
           "dracut-shutdown.service", "systemd-udev-load-credentials.service",
           "systemd-user-sessions.service", "systemd-update-utmp.service",
           "systemd-update-utmp-runlevel.service", "systemd-random-seed.service")

# Each unit is a cgroup. The kernel need not account for the memory of each, nor for its stalls.
APPEND = ("cgroup_disable=memory", "psi=0",
          "systemd.show_status=no", "systemd.firstboot=no",
          "systemd.condition-needs-update=no",
          "modprobe.blacklist=virtio_pmem",
          *(f"systemd.mask={unit}" for unit in _MASKED),
          "systemd.machine_id=0123456789abcdef0123456789abcdef")
