// SPDX-License-Identifier: GPL-2.0
/*
 * pmemheal: while it is loaded, NVDIMMs clear poison when they are asked to, for
 * tests.
 *
 * QEMU's have no way to, so that the kernel's request always fails and with it
 * every write to a bad block.  Here the request is made as ever, and only its
 * outcome is another.  (That of the region's own list of bad blocks stays as it
 * was: they are back when the device is bound again.)
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/ptrace.h>

static int request_made(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	unsigned int *len = (unsigned int *)instance->data;

	/* nvdimm_clear_poison(dev, phys, len) */
	*len = regs_get_kernel_argument(regs, 2);
	return 0;
}

static int request_done(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	unsigned int *len = (unsigned int *)instance->data;

	regs_set_return_value(regs, *len);
	return 0;
}

static struct kretprobe probe = {
	.kp.symbol_name = "nvdimm_clear_poison",
	.entry_handler = request_made,
	.handler = request_done,
	.data_size = sizeof(unsigned int),
};

static int __init pmemheal_init(void)
{
	return register_kretprobe(&probe);
}

static void __exit pmemheal_exit(void)
{
	if (probe.nmissed)
		pr_err("%d requests were missed\n", probe.nmissed);
	unregister_kretprobe(&probe);
}

module_init(pmemheal_init);
module_exit(pmemheal_exit);

MODULE_DESCRIPTION("Test module: has NVDIMMs clear poison that cannot");
MODULE_AUTHOR("The dm-daxlinear developers");
MODULE_LICENSE("GPL");
