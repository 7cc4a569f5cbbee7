// SPDX-License-Identifier: GPL-2.0
#include <linux/dax.h>
#include <linux/module.h>

#include "dax_holder.h"
#include "device.h"
#include "orders.h"
#include "records.h"
#include "sysfs.h"

/* Has no users; see dax_holder_synchronize(). */
static struct dax_device *dummy;

/*
 * synchronize_srcu(&dax_srcu) is not exported, but kill_dax() calls it, so keep a dax_device
 * without users to kill.
 */
void dax_holder_synchronize(void)
{
	kill_dax(dummy);
}
EXPORT_SYMBOL_GPL(dax_holder_synchronize);

static int __init dax_holder_init(void)
{
	int err;

	dummy = alloc_dax(NULL, NULL);
	if (!dummy)
		return -EOPNOTSUPP;
	if (IS_ERR(dummy))
		return PTR_ERR(dummy);
	err = dxh_devices_init();
	if (err)
		goto put_dummy;
	err = class_register(&dxh_class);
	if (err)
		goto exit_devices;
	err = dxh_orders_init();
	if (!err)
		return 0;
	class_unregister(&dxh_class);
exit_devices:
	dxh_devices_exit();
put_dummy:
	kill_dax(dummy);
	put_dax(dummy);
	return err;
}

static void __exit dax_holder_exit(void)
{
	dxh_orders_exit();
	/* No device is left, but a failure may still be running in code of this module. */
	dax_holder_synchronize();
	dxh_records_exit();
	class_unregister(&dxh_class);
	dxh_devices_exit();
	put_dax(dummy);
}

module_init(dax_holder_init);
module_exit(dax_holder_exit);

MODULE_DESCRIPTION("Shared holder of dax_devices: forwards memory failures to those stacked on them");
MODULE_AUTHOR("The dm-daxlinear developers");
MODULE_LICENSE("GPL");
MODULE_VERSION(DM_DAXLINEAR_VERSION);
