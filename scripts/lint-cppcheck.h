/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's macros that cppcheck, which does not see the kernel's headers, cannot
 * guess: what they mean for the flow of a function.
 */
#define list_for_each_entry(pos, head, member)			for (pos = lint_first(head); pos; pos = lint_next(pos))
#define list_for_each_entry_safe(pos, n, head, member)		for (pos = n = lint_first(head); pos; pos = lint_next(n))
#define list_for_each_entry_srcu(pos, head, member, cond)	for (pos = lint_first(head); pos; pos = lint_next(pos))
#define hash_for_each_possible(table, pos, member, key)		for (pos = lint_first(table); pos; pos = lint_next(pos))
#define hash_for_each_safe(table, i, n, pos, member)		for (pos = n = lint_first(table); pos; pos = lint_next(n))
#define hash_for_each(table, i, pos, member)			for (pos = lint_first(table); pos; pos = lint_next(pos))
#define INTERVAL_TREE_DEFINE(type, rb, itype, subtree, start, last, attr, prefix)
#define DEFINE_MUTEX(name)					struct mutex name
#define DEFINE_SPINLOCK(name)					spinlock_t name
#define DEFINE_SRCU(name)					struct srcu_struct name
#define DEFINE_HASHTABLE(name, bits)				struct hlist_head name[1 << (bits)]
#define LIST_HEAD(name)						struct list_head name
#define EXPORT_SYMBOL_GPL(name)
#define module_init(name)
#define module_exit(name)
#define MODULE_ALIAS(text)
#define MODULE_DESCRIPTION(text)
#define MODULE_AUTHOR(text)
#define MODULE_LICENSE(text)
#define MODULE_VERSION(text)
