// SPDX-License-Identifier: GPL-2.0
/* Random claims and failures, see extent_case.h. */
#include "extent_case.h"

int main(int argc, char **argv)
{
	unsigned long cases = argc > 1 ? strtoul(argv[1], NULL, 0) : 1000000;

	for (unit_case = 0; unit_case < cases; unit_case++)
		extent_case();
	printf("extent: %lu random cases agree with the oracle\n", cases);
	return 0;
}
