// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "sys/kmsg.h"
#include "util/say.h"

/* Remember where the kernel's log ends now; -1 if it can't be read. */
int kmsg_mark(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		lseek(fd, 0, SEEK_END);
	return fd;
}

/* Tell what device-mapper has logged since. */
void kmsg_tell(int mark)
{
	char record[8192], *text;
	ssize_t length;

	/* A read returns one record: numbers, a semicolon, the message, a newline and more. */
	while (mark >= 0 && (length = read(mark, record, sizeof(record) - 1)) > 0) {
		record[length] = '\0';
		text = strchr(record, ';');
		if (!text)
			continue;
		text[strcspn(text, "\n")] = '\0';
		if (strstr(text, "device-mapper: table: ") || strstr(text, "daxlinear: "))
			note("the kernel says: %s", text + 1);
	}
}
