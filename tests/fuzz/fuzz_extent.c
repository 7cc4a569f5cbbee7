// SPDX-License-Identifier: GPL-2.0
/* Claims and a failure of the input's numbers: from a child's offset to its parents'. */
#include "../unit/extent_case.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unit_input = data;
	unit_input_len = size;
	extent_case();
	return 0;
}
