// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <string.h>

#include "device/name.h"

/* The longest name that device-mapper takes. */
#define NAME_LEN_MAX	127

/* Return whether udev and device-mapper leave all characters of a name unescaped. */
static int is_plain(const char *name)
{
	while (isalnum((unsigned char)*name) || (*name && strchr("+-.:=@_", *name)))
		name++;
	return !*name;
}

/* Return NULL for a name that a mapped device may have, or else the end of a sentence. */
const char *name_check(const char *name)
{
	if (!*name || strlen(name) > NAME_LEN_MAX)
		return "is no name: it must have 1 to 127 letters";
	if (!is_plain(name))
		return "is no name: it may have letters, digits and +-.:=@_";
	if (!strcmp(name, ".") || !strcmp(name, "..") || !strcmp(name, "control"))
		return "is no name: it has another meaning in /dev/mapper";
	return NULL;
}
