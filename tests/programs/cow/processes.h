/* SPDX-License-Identifier: GPL-2.0 */
/* Steps that take processes of their own. */
#ifndef COW_PROCESSES_H
#define COW_PROCESSES_H

#include "steps.h"

int64_t do_kill(const struct step *step);
int64_t do_crowd(const struct step *step);
int64_t do_hog(const struct step *step);

#endif
