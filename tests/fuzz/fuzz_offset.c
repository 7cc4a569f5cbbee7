// SPDX-License-Identifier: GPL-2.0
/* A good table of the input's numbers: from an offset of the target to one of a child. */
#include "../unit/table_case.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unit_input = data;
	unit_input_len = size;
	good_line();
	return 0;
}
