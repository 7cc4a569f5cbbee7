/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM dax_holder

#if !defined(DAX_HOLDER_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define DAX_HOLDER_TRACE_H

#include <linux/blkdev.h>
#include <linux/string.h>
#include <linux/tracepoint.h>

/* A failure was notified to the holder of a parent; offsets and length in bytes. */
TRACE_EVENT(dax_holder_failure,
	    TP_PROTO(const char *child, u64 child_bytes, const char *parent,
		     u64 parent_bytes, u64 len_bytes, int mf_flags, int rc),
	    TP_ARGS(child, child_bytes, parent, parent_bytes, len_bytes, mf_flags, rc),
	    TP_STRUCT__entry(__array(char, child, DISK_NAME_LEN)
			     __array(char, parent, DISK_NAME_LEN)
			     __field(u64, child_bytes)
			     __field(u64, parent_bytes)
			     __field(u64, len_bytes)
			     __field(int, mf_flags)
			     __field(int, rc)
	    ),
	    TP_fast_assign(strscpy(__entry->child, child, DISK_NAME_LEN);
			   strscpy(__entry->parent, parent, DISK_NAME_LEN);
			   __entry->child_bytes = child_bytes;
			   __entry->parent_bytes = parent_bytes;
			   __entry->len_bytes = len_bytes;
			   __entry->mf_flags = mf_flags;
			   __entry->rc = rc;
	    ),
	    TP_printk("child=%s child_bytes=0x%llx parent=%s parent_bytes=0x%llx len_bytes=0x%llx mf_flags=0x%x rc=%d",
		      __entry->child, __entry->child_bytes, __entry->parent,
		      __entry->parent_bytes, __entry->len_bytes, __entry->mf_flags,
		      __entry->rc)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
