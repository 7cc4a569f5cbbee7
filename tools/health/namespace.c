// SPDX-License-Identifier: GPL-2.0
#include "health/namespace.h"
#include "sys/kernel.h"
#include "sys/nd.h"
#include "util/alloc.h"

/* Find the UUID of a child's namespace; NULL if it is not known. */
char *namespace_find(const struct child_id *child, const struct history *history)
{
	const struct history_child *known = NULL;
	char *boot = kernel_boot();
	struct pmem pmem;

	/* The name of one that is gone may be that of other memory by now. */
	if (child->gone)
		known = history_child_of(history, boot, child->dev);
	free(boot);
	if (known && known->namespace)
		return copy_text(known->namespace);
	return nd_find(child->disk, &pmem) && pmem.uuid[0] ? copy_text(pmem.uuid) : NULL;
}
