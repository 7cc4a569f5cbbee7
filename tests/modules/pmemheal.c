// SPDX-License-Identifier: GPL-2.0
/*
 * pmemheal: while it is loaded, NVDIMMs clear poison on request, for tests.
 *
 * QEMU's firmware has no such function.  The kernel's request fails, and with it
 * every write to a bad block.  This module leaves the request as it is and replaces
 * the firmware's answer.
 */
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/ndctl.h>
#include <linux/ptrace.h>
#include <linux/sizes.h>

/* The arguments of acpi_nfit_ctl(nd_desc, nvdimm, cmd, buf, buf_len, cmd_rc). */
struct request {
	unsigned int cmd;
	void *buf;
	int *cmd_rc;
};

static int request_made(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	struct request *request = (struct request *)instance->data;

	request->cmd = regs_get_kernel_argument(regs, 2);
	request->buf = (void *)regs_get_kernel_argument(regs, 3);
	request->cmd_rc = (int *)regs_get_kernel_argument(regs, 5);
	/* 1: the return of any other command is not probed, and its instance is free at once */
	return request->cmd != ND_CMD_ARS_CAP && request->cmd != ND_CMD_CLEAR_ERROR;
}

static int request_done(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	struct request *request = (struct request *)instance->data;
	struct nd_cmd_clear_error *clear = request->buf;
	struct nd_cmd_ars_cap *cap = request->buf;

	if (request->cmd == ND_CMD_ARS_CAP)
		cap->clear_err_unit = SZ_256;
	else
		clear->cleared = clear->length;
	*request->cmd_rc = 0;
	regs_set_return_value(regs, 0);
	return 0;
}

static struct kretprobe probe = {
	.kp.symbol_name = "acpi_nfit_ctl",
	.entry_handler = request_made,
	.handler = request_done,
	.data_size = sizeof(struct request),
};

static int __init pmemheal_init(void)
{
	return register_kretprobe(&probe);
}

static void __exit pmemheal_exit(void)
{
	unregister_kretprobe(&probe);
}

module_init(pmemheal_init);
module_exit(pmemheal_exit);

MODULE_DESCRIPTION("Test module: has NVDIMMs clear poison that cannot");
MODULE_AUTHOR("The dm-daxlinear developers");
MODULE_LICENSE("GPL");
